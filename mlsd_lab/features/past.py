"""What is known of each row's entities before its moment: all that values are made of."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Entity = tuple[str, ...]
NEVER = int(np.iinfo(np.int64).min)
"""The time of something that has not happened, in microseconds."""


@dataclass(frozen=True)
class Past:
    """Window totals, newest values and the times of the newest events, row by row.

    >>> both = Past({"views_1d": np.array([[1, 5]])}) | Past({"likes_1d": np.array([[1, 2]])})
    >>> sorted(both.totals)
    ['likes_1d', 'views_1d']
    """

    totals: dict[str, Ints] = field(default_factory=dict)
    """By column of a windowed feature, shape (rows, 2): count and fixed-point total of its window."""
    last: dict[str, Floats] = field(default_factory=dict)
    """By name of a `last` feature: its value in the entity's newest event, NaN for none."""
    newest: dict[Entity, Ints] = field(default_factory=dict)
    """By entity: when its newest event became known, microseconds UTC, `NEVER` for none."""

    def __or__(self, other: "Past") -> "Past":
        return Past(self.totals | other.totals, self.last | other.last, self.newest | other.newest)
