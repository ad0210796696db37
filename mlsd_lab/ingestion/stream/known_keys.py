"""Which records a stream holds, so that a copy is known: sorted arrays in memory, merged as they grow."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class KnownKeys:
    """Keys of records as `record_keys` makes them, 16 bytes a record.

    A B-tree on the disk would write a page of 4 kB for nearly each new key, since hashes lie anywhere in it.

    >>> known = KnownKeys()
    >>> known.add(np.array([[7, 5], [70, 50]]))
    >>> known.contents(np.array([5, 6]))
    {5: {50}}
    """

    def __init__(self) -> None:
        self._levels: list[Ints] = []  # each sorted by id, and less than half as long as the one before

    def add(self, keys: Ints) -> None:
        """Add keys of shape (2, records): of the id, and of the content."""
        while self._levels and len(self._levels[-1][0]) < 2 * len(keys[0]):
            keys = np.concatenate([self._levels.pop(), keys], axis=1)
        self._levels.append(keys[:, np.argsort(keys[0], kind="stable")])

    def contents(self, ids: Ints) -> dict[int, set[int]]:
        """Return for those of some ids that are known the contents that they came with."""
        asked, found = np.unique(ids), dict[int, set[int]]()
        for names, contents in self._levels:
            begin, end = (np.searchsorted(names, asked, side=side) for side in ("left", "right"))
            for at in np.flatnonzero(begin < end):
                found.setdefault(int(asked[at]), set()).update(contents[begin[at] : end[at]].tolist())
        return found
