"""How a windowed feature sums up: only aggregates that can forget, so that a window is the difference of two totals."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.errors import ConfigError

SCALE = 2**20  # contributions are whole numbers of 1/SCALE: the order of a sum never changes it
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Aggregate(Protocol):
    """Turns the count and the fixed-point total of a window into a value.

    >>> Mean().finish(np.array([2]), np.array([3 * SCALE])).tolist()
    [1.5]
    """

    def finish(self, count: Ints, total: Ints) -> Floats:
        """Return the value for each (count, total); both are int64 arrays, the total in units of 1/2**20."""


@dataclass(frozen=True)
class Count:
    """How many rows had a value; 0 where none had.

    >>> Count().finish(np.array([3]), np.array([0])).tolist()
    [3.0]
    """

    def finish(self, count: Ints, total: Ints) -> Floats:  # noqa: ARG002
        """Return the count."""
        return count.astype(np.float64)


@dataclass(frozen=True)
class Sum:
    """Sum of the values; 0 where there are none.

    >>> Sum().finish(np.array([2]), np.array([3 * SCALE])).tolist()
    [3.0]
    """

    def finish(self, count: Ints, total: Ints) -> Floats:  # noqa: ARG002
        """Return the total."""
        return total / SCALE


@dataclass(frozen=True)
class Mean:
    """Mean of the values; NaN where there are none.

    >>> Mean().finish(np.array([0]), np.array([0])).tolist()
    [nan]
    """

    def finish(self, count: Ints, total: Ints) -> Floats:
        """Return total by count."""
        return np.divide(total / SCALE, count, out=np.full(count.shape, np.nan), where=count > 0)


@dataclass(frozen=True)
class Rate:
    """Mean pulled toward a prior: as if `weight` more rows with the value `prior` had been seen.

    >>> Rate(prior=0.3, weight=10).finish(np.array([0, 10]), np.array([0, 10 * SCALE])).tolist()
    [0.3, 0.65]
    """

    prior: float
    weight: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.prior) and np.isfinite(self.weight) and self.weight > 0):
            raise ConfigError(
                f"Rate: expected a finite prior and a weight above 0, found {self.prior} and {self.weight}"
            )

    def finish(self, count: Ints, total: Ints) -> Floats:
        """Return (total + prior × weight) / (count + weight)."""
        return (total / SCALE + self.prior * self.weight) / (count + self.weight)


_INSTEAD = {
    "max": "a Mean, or a Rate of rows above a threshold",
    "min": "a Mean, or a Rate of rows below a threshold",
    "distinct": "a Count, or a Rate of rows that are new to the user",
    "unique": "a Count, or a Rate of rows that are new to the user",
    "median": "a Mean, or a Rate of rows above a threshold",
}


def checked_aggregate(aggregate: Any) -> Aggregate:
    """Return an instance of one of the four aggregates, or refuse with the reason and what to use instead.

    >>> checked_aggregate("max")
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: max cannot be windowed: what leaves the window cannot be taken out of it again, ...
    """
    made = aggregate() if aggregate in (Count, Sum, Mean) else aggregate
    if isinstance(made, Count | Sum | Mean | Rate):
        return made
    name = str(getattr(aggregate, "__name__", aggregate)).lower()
    for word, instead in _INSTEAD.items():
        if word in name:
            reason = "what leaves the window cannot be taken out of it again, as from a sum"
            raise ConfigError(f"{name} cannot be windowed: {reason}; use {instead}")
    raise ConfigError(f"aggregate: expected Count, Sum, Mean or Rate(prior, weight), found {name}")
