"""Rows of state as a store keeps them: as long as what they hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.features.stores.tiles import Kept, Tiles, spread, stretches

Ints = NDArray[np.int64]
LAYOUT = 2
"""The number of this layout; the first had room for all tiles in each row."""


@dataclass(frozen=True)
class State:
    """Rows of state of one kind of entity.

    >>> State(np.array([[1, 2]]), ()).values.shape
    (1, 2)
    """

    values: Ints
    """What each row has, shape (rows, values)."""
    kept: tuple[Kept, ...]
    """Its tiles of each kind."""


class RowLayout:
    """Makes bytes of rows of state, and the other way round.

    A row is int64, lowest byte first: for each kind of tiles the bits that say which there are, then so many values,
    then the tiles' totals, a kind after the other.

    >>> layout = RowLayout(1, [Tiles(tile=10, keep=3, columns=[0])])
    >>> kept = Kept(np.array([0b101], dtype=np.uint64), words=np.array([3, 4]), begin=np.array([0]))
    >>> (row,) = layout.pack(State(np.array([[7]]), (kept,)))
    >>> len(row), layout.unpack([row]).values.tolist()
    (32, [[7]])
    """

    def __init__(self, values: int, tiles: Sequence[Tiles]) -> None:
        self.tiles, self._head = tiles, len(tiles) + values

    def pack(self, state: State) -> list[bytes]:
        """Return the rows' bytes."""
        sizes = [kept.count * tiles.width for kept, tiles in zip(state.kept, self.tiles, strict=True)]
        size = sum(sizes, np.full(len(state.values), self._head))
        end = size.cumsum()
        at, words = end - size, np.empty(size.sum(), dtype=np.int64)
        head = [*(kept.bits.view(np.int64)[:, None] for kept in state.kept), state.values]
        words[at[:, None] + np.arange(self._head)] = np.concatenate(head, axis=1)
        at = at + self._head
        for kept, size in zip(state.kept, sizes, strict=True):
            words[spread(at, size)] = kept.words[spread(kept.begin, size)]
            at += size
        written = words.astype("<i8", copy=False).tobytes()
        return [written[begin:end] for begin, end in pairwise([0, *(8 * end).tolist()])]

    def unpack(self, rows: Sequence[bytes]) -> State:
        """Return what rows hold; raises `ValueError` for one that `pack` did not make."""
        size = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
        if (short := size.min(initial=8 * self._head)) < 8 * self._head:
            raise ValueError(f"expected {8 * self._head} or more bytes a row, found {short}")
        joined = b"".join(rows)
        if len(joined) % 8:
            raise ValueError("expected whole numbers of 8 bytes, found others")
        words = np.frombuffer(joined, dtype="<i8").astype(np.int64, copy=False)
        end = size.cumsum() // 8
        at = end - size // 8
        head = stretches(words, at, self._head)
        at += self._head
        kept = []
        for kind, tiles in enumerate(self.tiles):
            bits = head[:, kind].view(np.uint64)
            kept.append(Kept(bits, words, at))
            at = at + kept[-1].count * tiles.width
        if (at != end).any():
            raise ValueError("expected rows as long as they say they are, found others")
        return State(head[:, len(self.tiles) :], tuple(kept))
