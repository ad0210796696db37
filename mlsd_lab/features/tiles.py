"""What an entity keeps online: its running totals, and what they were at the edge of each recent tile."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
_NEVER = np.iinfo(np.int64).min


def grown(array: Ints, rows: int) -> Ints:
    """Return the array with so many rows, zeros in the new ones.

    >>> grown(np.array([[1, 2]]), 2).tolist()
    [[1, 2], [0, 0]]
    """
    larger = np.zeros((rows, *array.shape[1:]), dtype=np.int64)
    larger[: len(array)] = array
    return larger


class Tiles:
    """For growing rows of entities, the totals before each of the last tiles in which the entity had an event.

    `tile` is the length in microseconds, `keep` how many tiles are held, `columns` which contributions. No tile is
    written for a span without events: the total at its edge is the one before the next tile that has some, or the
    present one.

    >>> tiles = Tiles(tile=10, keep=3, columns=[0])
    >>> tiles.grow(1)
    >>> tiles.absorb(np.array([0, 0]), np.array([4, 25]), before=np.array([[0], [1]]))
    >>> [tiles.before(np.array([0]), np.array([edge]), present=np.array([[2]])).item() for edge in (0, 10, 20, 30)]
    [0, 1, 1, 2]
    """

    def __init__(self, tile: int, keep: int, columns: list[int]) -> None:
        self.tile, self.keep, self.columns = tile, keep, columns
        self.edges = np.empty((0, keep), dtype=np.int64)
        self.totals = np.empty((0, keep, len(columns)), dtype=np.int64)
        self.written = np.empty(0, dtype=np.int64)

    def grow(self, rows: int) -> None:
        """Make room for so many entities; it never shrinks."""
        known = len(self.written)
        self.edges, self.totals, self.written = (grown(each, rows) for each in (self.edges, self.totals, self.written))
        self.edges[known:] = _NEVER

    def absorb(self, rows: Ints, known_at: Ints, before: Ints) -> None:
        """Open a tile for each event that is the first of its entity in one; `rows` ascend, each in stream order.

        `before` holds all of the entity's totals before each event, shape (events, contributions).
        """
        edge = known_at // self.tile * self.tile
        first: NDArray[np.bool_] = np.diff(rows, prepend=-1) != 0
        latest = self.edges[rows, (self.written[rows] - 1) % self.keep]
        opens: NDArray[np.bool_] = np.where(first, edge != latest, edge != np.concatenate([[_NEVER], edge[:-1]]))
        row, opened = rows[opens], np.cumsum(opens)[opens]
        nth: Ints = opened - opened[np.searchsorted(row, row)]  # 0, 1, … among the tiles that this row opens now
        slot = (self.written[row] + nth) % self.keep
        self.edges[row, slot] = edge[opens]
        self.totals[row, slot] = before[opens][:, self.columns]
        np.add.at(self.written, row, 1)

    def before(self, rows: Ints, edge: Ints, present: Ints) -> Ints:
        """Return each row's totals at a tile's edge (microseconds), given its present totals of the same columns."""
        edges = self.edges[rows]
        later: NDArray[np.bool_] = edges >= edge[:, None]
        nearest = np.where(later, edges, np.iinfo(np.int64).max).argmin(axis=1)
        found = self.totals[rows, nearest]
        return np.where(later.any(axis=1, keepdims=True), found, present)

    def pack(self, row: int, newest: int, span: int) -> bytes:
        """Return the bytes that one entity needs for windows up to `span` microseconds before `newest` and later."""
        live = self.edges[row] >= (newest - span) // self.tile * self.tile
        ordinal = (self.edges[row][live] // self.tile).astype(np.int32)
        return ordinal.tobytes() + self.totals[row][live].tobytes()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state as arrays, for storing."""
        return {"edges": self.edges, "totals": self.totals, "written": self.written}
