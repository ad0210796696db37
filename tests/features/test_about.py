import numpy as np
import pytest

from mlsd_lab.errors import ConfigError
from mlsd_lab.features import About
from mlsd_lab.features.about import DAY, HOUR


def test_a_time_to_live_is_hours_or_days() -> None:
    assert About(time_to_live="36h").time_to_live_us == 36 * HOUR
    assert About(time_to_live="30d").time_to_live_us == 30 * DAY
    assert About().time_to_live_us is None


@pytest.mark.parametrize("wrong", ["", "0h", "7", "1w", "-1d", "1.5h", "1d "])
def test_another_time_to_live_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigError, match="time_to_live: expected hours or days"):
        About(time_to_live=wrong)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_default_that_is_no_number_is_refused(wrong: float) -> None:
    with pytest.raises(ConfigError, match="default: expected a finite number"):
        About(default=wrong)
