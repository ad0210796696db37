"""How many people an A/B test needs before an effect of a given size can be told from chance."""

import math

from mlsd_lab.errors import ConfigError


def users_an_arm(mean: float, deviation: float, lift: float, level: float = 0.05, power: float = 0.8) -> int:
    """Return the people each arm needs for a two-sided test to find a relative `lift` of a mean with this `power`.

    `mean` and `deviation` are a person's, over the length of the test; people are drawn and counted, not exposures,
    since those of one person are not independent. The normal approximation, 2 (z₁ + z₂)² σ² / δ² with δ = mean × lift:
    about 16 σ² / δ² (Kohavi, Tang & Xu 2020, chapter 17). Raises `ConfigError` where nothing could be found.

    >>> click_rate = 0.02
    >>> users_an_arm(click_rate, (click_rate * (1 - click_rate)) ** 0.5, lift=0.01)
    7691903
    """
    from scipy.special import ndtri

    able = deviation > 0 and mean * lift != 0 and 0 < level < power < 1
    if not (able and math.isfinite(deviation / (mean * lift)) and math.isfinite(mean * lift)):
        raise ConfigError(
            "expected a finite mean and lift other than 0, a deviation above 0 and 0 < level < power < 1, "
            f"found {mean}, {lift}, {deviation}, {level} and {power}"
        )
    reach = ndtri(1 - level / 2) + ndtri(power)
    return max(2, math.ceil(2 * (reach * deviation / (mean * lift)) ** 2))
