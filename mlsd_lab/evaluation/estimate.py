"""A measured value with its interval: the bootstrap over users, for one system and for the difference of two."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlsd_lab.errors import ConfigError

Weights = NDArray[np.float64]
Statistic = Callable[[Weights], "NDArray[np.float64]"]
"""From weights of shape (rounds, users) to a value a round: how often each user counts in it."""


@dataclass(frozen=True)
class Estimate:
    """A value with the interval in which it lies at a stated confidence, from resampling users.

    >>> round(estimate(mean_of([0.0, 1.0] * 200), users=400).value, 3)
    0.5
    """

    value: float
    low: float
    high: float
    level: float = 0.95

    @property
    def excludes_zero(self) -> bool:
        """True when zero lies outside the interval, so that a difference has a sign."""
        return bool(self.low > 0 or self.high < 0)

    def verdict(self, a: str, b: str, measure: str) -> str:
        """Say in a sentence what this estimate of (measure of a − measure of b) tells of the two, higher being better.

        >>> Estimate(0.1, 0.05, 0.15).verdict("new", "old", "recall")
        'new beats old: recall of new less that of old is +0.1000 (paired 95 % interval +0.0500 to +0.1500)'
        """
        interval = f"paired {self.level:.0%} interval {self.low:+.4f} to {self.high:+.4f}".replace("%", " %")
        if not self.excludes_zero:
            return f"{a} and {b} cannot be told apart: {measure} differs by {self.value:+.4f} ({interval})"
        better, worse = (a, b) if self.value > 0 else (b, a)
        return f"{better} beats {worse}: {measure} of {a} less that of {b} is {self.value:+.4f} ({interval})"

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


def estimate(
    statistic: Statistic, users: int, rounds: int = 1000, level: float = 0.95, seed: int = 0, chunk: int = 50
) -> Estimate:
    """Bootstrap a statistic over users (Efron & Tibshirani 1993): each round draws as many users with replacement.

    A user's rows stay together, since they are not independent. The interval holds the percentiles of the rounds moved
    by their bias, (mean of rounds − value), where there is more of it than chance: a mean has none; coverage and Gini,
    which grow with the number of distinct users, would lie outside their own interval without it. An interval always
    holds its value. With `rounds=0` only the value is computed.

    >>> spread = estimate(mean_of([1.0, 2.0, 3.0, 4.0]), users=4, seed=7)
    >>> spread.low < spread.value == 2.5 < spread.high
    True
    """
    return estimates(lambda weights: statistic(weights)[:, None], users, rounds, level, seed, chunk)[0]


def estimates(
    statistics: Statistic, users: int, rounds: int = 1000, level: float = 0.95, seed: int = 0, chunk: int = 50
) -> list[Estimate]:
    """Bootstrap several values at once, on the same resampled users: each as `estimate` alone would give it.

    `statistics` returns shape (rounds, values). Users are drawn once for all.

    >>> recall = np.array([[0.0, 0.5], [1.0, 0.5]])
    >>> [value.value for value in estimates(lambda weights: weights @ recall / 2, users=2)]
    [0.5, 0.5]
    """
    if users < 1 or rounds < 0 or chunk < 1 or not 0 < level < 1:
        raise ConfigError(
            f"expected users ≥ 1, rounds ≥ 0, chunk ≥ 1 and 0 < level < 1, found {users}, {rounds}, {chunk} and {level}"
        )
    values = statistics(np.ones((1, users)))[0]
    rng = np.random.default_rng(seed)
    sizes = [min(chunk, rounds - done) for done in range(0, rounds, chunk)]
    draws = [statistics(resampled(users, size, rng)) for size in sizes]
    columns = np.concatenate(draws).T if draws else np.empty((len(values), 0))
    return [_interval(float(value), column, level) for value, column in zip(values, columns, strict=True)]


def compare(a: Statistic, b: Statistic, users: int, rounds: int = 1000, level: float = 0.95, seed: int = 0) -> Estimate:
    """Estimate how much `a` exceeds `b`, both computed on the *same* resampled users, which removes what they share.

    >>> recall = np.random.default_rng(0).random(500)
    >>> compare(mean_of(recall + 0.01), mean_of(recall), users=500).excludes_zero
    True
    """
    return estimate(lambda weights: a(weights) - b(weights), users, rounds, level, seed)


def mean_of(values: ArrayLike) -> Statistic:
    """Return the statistic "mean over users" of per-user values, those that are NaN left out.

    >>> mean_of([1.0, np.nan, 3.0])(np.ones((1, 3))).tolist()
    [2.0]
    """
    value = np.asarray(values, dtype=np.float64)
    known = np.isfinite(value)
    filled, counts = np.where(known, value, 0.0), known.astype(np.float64)

    def mean(weights: Weights) -> NDArray[np.float64]:
        total = weights @ counts
        return np.divide(weights @ filled, total, out=np.full(len(total), np.nan), where=total > 0)

    return mean


def resampled(users: int, rounds: int, rng: np.random.Generator) -> Weights:
    """Draw how often each user counts in each round, shape (rounds, users); each row sums to `users`.

    >>> resampled(5, 2, np.random.default_rng(0)).sum(axis=1).tolist()
    [5.0, 5.0]
    """
    drawn = rng.integers(users, size=(rounds, users)) + users * np.arange(rounds)[:, None]
    return np.bincount(drawn.ravel(), minlength=rounds * users).reshape(rounds, users).astype(np.float64)


def _interval(value: float, draws: NDArray[np.float64], level: float) -> Estimate:
    draws = draws[np.isfinite(draws)]
    if len(draws) == 0:
        return Estimate(value, np.nan, np.nan, level)
    low, high = np.percentile(draws, [50 * (1 - level), 50 * (1 + level)])
    bias = draws.mean() - value
    if abs(bias) < 3 * draws.std() / np.sqrt(len(draws)):
        bias = 0.0  # not to be told from the noise of the rounds, which must not push an interval off zero
    return Estimate(value, min(value, float(low - bias)), max(value, float(high - bias)), level)
