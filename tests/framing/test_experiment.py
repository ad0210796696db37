from math import inf, nan

import numpy as np
import pytest
from scipy.stats import norm

from mlsd_lab.errors import ConfigError
from mlsd_lab.framing.experiment import users_an_arm


def test_a_simulated_test_of_that_size_finds_the_effect_four_times_in_five() -> None:
    rng, mean, deviation, lift = np.random.default_rng(0), 10.0, 6.0, 0.1
    people = users_an_arm(mean, deviation, lift)
    arms = rng.normal([[mean], [mean * (1 + lift)]], deviation, (4000, 2, people)).mean(axis=2)
    z = (arms[:, 1] - arms[:, 0]) / (deviation * np.sqrt(2 / people))
    assert (np.abs(z) > norm.ppf(0.975)).mean() == pytest.approx(0.8, abs=0.02)
    none = rng.normal(mean, deviation, (4000, 2, people)).mean(axis=2)
    z = (none[:, 1] - none[:, 0]) / (deviation * np.sqrt(2 / people))
    assert (np.abs(z) > norm.ppf(0.975)).mean() == pytest.approx(0.05, abs=0.012)


def test_half_the_effect_takes_four_times_the_people() -> None:
    one, half = (users_an_arm(1.0, 2.0, lift) for lift in (0.02, 0.01))
    assert half == pytest.approx(4 * one, abs=4)
    assert users_an_arm(1.0, 4.0, 0.02) == pytest.approx(4 * one, abs=4)
    assert users_an_arm(1.0, 2.0, -0.02) == one


def test_the_rule_of_sixteen() -> None:
    assert users_an_arm(1.0, 1.0, 0.01) == pytest.approx(16 / 0.01**2, rel=0.02)


@pytest.mark.parametrize(
    "given",
    [
        *((0, 1, 0.1), (1, 0, 0.1), (1, 1, 0), (1, 1, 0.1, 0), (1, 1, 0.1, 0.05, 1), (1, 1, 0.1, 0.5, 0.2)),
        *((nan, 1, 0.1), (1, nan, 0.1), (1, 1, nan), (inf, 1, 0.1), (1, inf, 0.1), (1, 1, inf), (1, 1, 1e-320)),
    ],
)
def test_nothing_can_be_found_where_nothing_differs(given: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="a finite mean and lift other than 0"):
        users_an_arm(*given)


def test_a_huge_effect_still_takes_two_people() -> None:
    assert users_an_arm(1.0, 1e-9, 1.0) == 2
