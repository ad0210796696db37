"""An entity's running totals in stream order: the one small class under every offline window."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.errors import ConfigError

Ints = NDArray[np.int64]


class History:
    """Running totals of contributions, by entity, readable at any position of the stream.

    `entity` holds the code of each event's entity in stream order, −1 for none; `contributions` are int64 of shape
    (events, columns). A total before a position counts the events at positions below it.

    >>> history = History(np.array([7, 3, 7]), np.array([[1], [1], [1]]))
    >>> history.before(np.array([7, 7, 3, 9]), np.array([0, 3, 3, 3])).ravel().tolist()
    [0, 2, 1, 0]
    """

    def __init__(self, entity: NDArray[np.integer], contributions: Ints) -> None:
        if entity.ndim != 1 or contributions.ndim != 2 or len(entity) != len(contributions):
            raise ConfigError(
                "expected an entity and a row of contributions an event, "
                f"found shapes {entity.shape} and {contributions.shape}"
            )
        self.events = len(entity)
        self._keys = self._key(entity, np.arange(self.events))
        self._keys.sort()  # by entity, then position; each key is one of a kind
        self._sums = np.zeros((self.events + 1, contributions.shape[1]), dtype=np.int64)
        if contributions.shape[1]:
            np.take(contributions, self._keys % (self.events + 1), axis=0, out=self._sums[1:], mode="clip")
            np.cumsum(self._sums, axis=0, out=self._sums)  # wraps at worst, and differences stay exact

    def before(self, entity: NDArray[np.integer], position: NDArray[np.integer]) -> Ints:
        """Return each entity's totals before a position, int64 of shape (rows, columns); zeros for one never seen."""
        return self.between(entity, [np.zeros_like(position)], position)[0]

    def between(
        self, entity: NDArray[np.integer], starts: Sequence[NDArray[np.integer]], position: NDArray[np.integer]
    ) -> list[Ints]:
        """Return, for each array of starts, each entity's totals over the events at positions start ≤ p < position."""
        end = self._sums[self._row(entity, position)]
        return [end - self._sums[self._row(entity, np.minimum(start, position))] for start in starts]

    def newest(self, entity: NDArray[np.integer], position: NDArray[np.integer]) -> Ints:
        """Return where each entity's last event before a position stands in the stream, −1 for none."""
        row = self._row(entity, position) - 1
        found = self._keys[row] if self.events else np.zeros(len(row), dtype=np.int64)
        theirs = (row >= 0) & (found >= entity * np.int64(self.events + 1))
        return np.where(theirs, found - entity * np.int64(self.events + 1), -1)

    def _key(self, entity: NDArray[np.integer], position: NDArray[np.integer]) -> Ints:
        most = np.iinfo(np.int64).max // (self.events + 1) - 1
        if entity.max(initial=0) > most:
            raise ConfigError(f"entity: expected codes up to {most} with {self.events} events, found {entity.max()}")
        key = entity.astype(np.int64)
        key *= self.events + 1
        key += position
        return key

    def _row(self, entity: NDArray[np.integer], position: NDArray[np.integer]) -> Ints:
        """Find where in the sorted keys (entity, position) would stand."""
        return places(self._keys, self._key(entity, position))


def places(ordered: Ints, wanted: Ints) -> Ints:
    """Return where in ascending numbers each wanted one would stand, before its equals; asked in order that is faster.

    >>> places(np.array([1, 3, 3]), np.array([3, 0, 4])).tolist()
    [1, 0, 3]
    """
    order = np.argsort(wanted)
    found = np.empty(len(wanted), dtype=np.int64)
    found[order] = np.searchsorted(ordered, wanted[order], side="left")
    return found
