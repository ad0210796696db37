"""What an entity keeps online of each recent tile: its running totals as they were at the tile's edge."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.features.past import NEVER

Ints = NDArray[np.int64]
Bits = NDArray[np.uint64]
_LOWEST = np.array([(1 << bits) - 1 for bits in range(65)], dtype=np.uint64)


def spread(begin: Ints, count: Ints) -> Ints:
    """Return the places begin, begin + 1, … of each stretch, so many of each.

    >>> spread(np.array([7, 1]), np.array([2, 3])).tolist()
    [7, 8, 1, 2, 3]
    """
    places: Ints = np.repeat(begin - (count.cumsum() - count), count)
    places += np.arange(len(places))
    return places


def stretches(words: Ints, begin: Ints, length: int) -> Ints:
    """Return so many words from each place on, shape (places, length).

    >>> stretches(np.array([7, 8, 9]), np.array([1, 0]), 2).tolist()
    [[8, 9], [7, 8]]
    """
    every: Ints = np.ndarray((max(0, len(words) - length + 1), length), np.int64, words, strides=(8, 8))
    return every[begin]


@dataclass(frozen=True)
class Kept:
    """The tiles of some rows: which there are, and in which buffer their totals lie.

    >>> Kept(np.array([0b101], dtype=np.uint64), words=np.array([3, 4]), begin=np.array([0])).count.tolist()
    [2]
    """

    bits: Bits
    """Bit n of a row says that there is the tile that lies n tiles before the one of the row's newest event."""
    words: Ints
    """Of a row one tile after the other, the oldest first."""
    begin: Ints
    """Where those of each row begin."""

    @cached_property
    def count(self) -> Ints:
        """How many tiles each row has."""
        return np.bitwise_count(self.bits).astype(np.int64)


class Tiles:
    """For rows of entities, the totals before each tile in which the entity had an event and that a window can reach.

    `tile` is the length in microseconds, `keep` how many tiles the longest window reaches back from the entity's newest
    event, at most 64; `columns` says which contributions. No tile is written for a span without events: the total at
    its edge is the one before the next tile that has some, or the present one.

    >>> tiles, row, newest = Tiles(tile=10, keep=3, columns=[0]), np.array([0, 0]), np.array([25])
    >>> kept = tiles.absorb(tiles.none(1), row, np.array([4, 25]), np.array([[0], [1]]), np.array([NEVER]), newest)
    >>> [tiles.since(kept, edge, newest, np.array([[2]])).item() for edge in (0, 10, 20, 30)]
    [2, 1, 1, 0]
    """

    def __init__(self, tile: int, keep: int, columns: list[int]) -> None:
        self.tile, self.keep, self.columns, self.width = tile, keep, columns, len(columns)
        self._columns = np.array(columns)

    def none(self, rows: int) -> Kept:
        """Return what rows have in which nothing has happened yet."""
        return Kept(np.zeros(rows, dtype=np.uint64), np.empty(0, dtype=np.int64), np.zeros(rows, dtype=np.int64))

    def absorb(self, kept: Kept, rows: Ints, known_at: Ints, before: Ints, was: Ints, newest: Ints) -> Kept:
        """Return the tiles with one more for each event that is the first of its entity in one, and without the old.

        `rows` ascend, each row's events in stream order. `before` holds all of the entity's totals before each event,
        shape (events, contributions); `was` and `newest` the time of each row's newest event, without these and with.
        """
        tile, had, has = known_at // self.tile, was // self.tile, newest // self.tile
        first: NDArray[np.bool_] = np.diff(rows, prepend=-1) != 0
        ago = has[rows] - tile
        opens = (tile != np.where(first, had[rows], np.concatenate([[NEVER], tile[:-1]]))) & (ago < self.keep)
        bits = np.where(has - had < self.keep, kept.bits << np.minimum(has - had, 63).astype(np.uint64), 0)
        bits &= _LOWEST[self.keep]
        stay = np.bitwise_count(bits).astype(np.int64) * self.width
        come = np.bincount(rows[opens], minlength=len(bits)) * self.width
        np.bitwise_or.at(bits, rows[opens], np.uint64(1) << ago[opens].astype(np.uint64))
        begin = (stay + come).cumsum() - stay - come
        words = np.empty(stay.sum() + come.sum(), dtype=np.int64)
        words[spread(begin, stay)] = kept.words[spread(kept.begin + kept.count * self.width - stay, stay)]
        words[spread(begin + stay, come)] = before[opens][:, self._columns].ravel()
        return Kept(bits, words, begin)

    def since(self, kept: Kept, edge: int, newest: Ints, present: Ints) -> Ints:
        """Return what each row added since a tile's edge (microseconds), shape (rows, columns).

        `newest` is the time of each row's newest event; `present` has all of its present totals, shape
        (rows, contributions).
        """
        if not len(kept.words):
            return np.zeros((len(newest), self.width), dtype=np.int64)
        back = newest // self.tile - (edge // self.tile - 1)  # so many tiles, the one at the edge is the last
        later = np.bitwise_count(kept.bits & _LOWEST.take(back, mode="clip"))
        none = later == 0
        oldest = kept.begin + (kept.count - later) * self.width
        oldest[none] = 0
        added: Ints = present[:, self._columns] - stretches(kept.words, oldest, self.width)
        added[none] = 0
        return added
