import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsd_lab.errors import ConfigError
from mlsd_lab.features.about import DAY, HOUR
from mlsd_lab.features.window import Window


@given(as_of=st.integers(-(10**17), 10**17), name=st.sampled_from(["1h", "24h", "2d", "49h", "7d", "30d"]))
def test_a_window_begins_at_an_edge_and_spans_its_length_and_less_than_a_tile_more(as_of: int, name: str) -> None:
    if name == "49h":
        with pytest.raises(ConfigError, match="expected whole days"):
            Window.named(name, day_tiles=False)
        return
    window = Window.named(name, day_tiles=False)
    (start,) = window.start(np.array([as_of]))
    assert start % window.tile == 0
    assert window.length is not None
    assert window.length <= as_of - start < window.length + window.tile


def test_tiles_are_hours_up_to_two_days_unless_they_are_to_be_days() -> None:
    assert Window.named("2d", day_tiles=False).tile == HOUR
    assert Window.named("3d", day_tiles=False).tile == DAY
    assert Window.named("1d", day_tiles=True).tile == DAY


def test_all_of_the_past_begins_before_everything() -> None:
    assert Window.named("all", day_tiles=False).start(np.array([0, 5])).tolist() == [np.iinfo(np.int64).min] * 2


@pytest.mark.parametrize("wrong", ["", "0d", "7", "1w", "h", "ALL"])
def test_another_name_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigError, match="window: expected a number of hours or days"):
        Window.named(wrong, day_tiles=False)
