"""What an entity keeps online of each recent tile: its running totals as they were at the tile's edge."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
NEVER = int(np.iinfo(np.int64).min)
"""The time of something that has not happened, in microseconds."""


class Tiles:
    """A stretch of an entity's row of state: the totals before each of the last tiles in which it had an event.

    State is int64 of shape (entities, width). The stretch begins at column `at`: `keep` edges, then as many totals of
    the contributions `columns`, then how many tiles were ever opened. `tile` is the length in microseconds. No tile is
    written for a span without events: the total at its edge is the one before the next tile that has some, or the
    present one.

    >>> tiles = Tiles(tile=10, keep=3, columns=[0])
    >>> state = np.zeros((1, tiles.width), dtype=np.int64)
    >>> tiles.clear(state)
    >>> tiles.absorb(state, np.array([0, 0]), np.array([4, 25]), before=np.array([[0], [1]]))
    >>> tiles.before(state, np.array([[0, 10, 20, 30]]), present=np.array([[2]])).ravel().tolist()
    [0, 1, 1, 2]
    """

    def __init__(self, tile: int, keep: int, columns: list[int], at: int = 0) -> None:
        self.tile, self.keep, self.columns, self.at = tile, keep, columns, at
        self.width = keep * (1 + len(columns)) + 1

    def clear(self, state: Ints) -> None:
        """Say that no tile was opened yet, in state that is all zeros."""
        self._edges(state)[:] = NEVER

    def absorb(self, state: Ints, rows: Ints, known_at: Ints, before: Ints) -> None:
        """Open a tile for each event that is the first of its entity in one; `rows` ascend, each in stream order.

        `before` holds all of the entity's totals before each event, shape (events, contributions).
        """
        edges, totals, written = self._edges(state), self._totals(state), state[:, self.at + self.width - 1]
        edge = known_at // self.tile * self.tile
        first: NDArray[np.bool_] = np.diff(rows, prepend=-1) != 0
        latest = edges[rows, (written[rows] - 1) % self.keep]
        opens: NDArray[np.bool_] = np.where(first, edge != latest, edge != np.concatenate([[NEVER], edge[:-1]]))
        row, opened = rows[opens], np.cumsum(opens)[opens]
        nth: Ints = opened - opened[np.searchsorted(row, row)]  # 0, 1, … among the tiles that this row opens now
        slot = (written[row] + nth) % self.keep
        edges[row, slot] = edge[opens]
        totals[row, slot] = before[opens][:, self.columns]
        np.add.at(written, row, 1)

    def before(self, state: Ints, edge: Ints, present: Ints) -> Ints:
        """Return totals at tiles' edges, shape (rows, edges, columns), given each row's present ones of these columns.

        `edge` is in microseconds, shape (rows, edges) or (1, edges).
        """
        edges, written = self._edges(state)[:, None, :], state[:, self.at + self.width - 1]
        later = (edges >= edge[:, :, None]).sum(axis=2)  # as many as were opened last
        found = self._totals(state)[np.arange(len(state))[:, None], (written[:, None] - later) % self.keep]
        return np.where((later > 0)[:, :, None], found, present[:, None, :])

    def _edges(self, state: Ints) -> Ints:
        return state[:, self.at : self.at + self.keep]

    def _totals(self, state: Ints) -> Ints:
        """Return a view of shape (entities, tiles, columns)."""
        stretch = state[:, self.at + self.keep : self.at + self.width - 1]
        return stretch.reshape(len(state), self.keep, len(self.columns))
