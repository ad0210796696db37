"""The arithmetic of one kind of entity: how events change its rows of state, and what a row says at a moment."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlsd_lab.features.definition import Last, Windowed
from mlsd_lab.features.past import Entity, Past
from mlsd_lab.features.tiles import NEVER, Tiles
from mlsd_lab.features.window import Window

Ints = NDArray[np.int64]
Coded = tuple[Ints, NDArray[Any]]


def coded(column: pd.Series) -> Coded:
    """Return each value's place among the distinct values, −1 for a null, and those.

    >>> [part.tolist() for part in coded(pd.Series(["b", None, "a", "b"]))]
    [[0, -1, 1, 0], ['b', 'a']]
    """
    code, values = pd.factorize(column)
    return code, np.asarray(values, dtype=object)


class EntityTotals:
    """State is a row of int64 an entity: present totals, newest event, newest values, and its windows' tiles.

    It holds no state of its own: every store hands it rows. An event with a null in its key belongs to no entity.

    >>> from mlsd_lab.features.feed import user_impressions
    >>> totals = EntityTotals(("user_id",), (user_impressions,))
    >>> state = totals.empty(1)
    >>> totals.absorb(state, np.array([0, 0]), known_at=np.array([5, 7]), added=np.array([[1, 0], [1, 0]]))
    >>> totals.past(state, np.array([8])).totals["user_impressions_1d"].tolist(), 8 * totals.width
    ([[2, 0]], 832)
    """

    def __init__(self, entity: Entity, features: tuple[Windowed | Last, ...]) -> None:
        self.entity, self._features = entity, features
        self._windowed = tuple(feature for feature in features if isinstance(feature, Windowed))
        self._last = tuple(feature for feature in features if isinstance(feature, Last))
        self._sums = 2 * len(self._windowed)
        self._newest = self._sums + len(self._last)
        self.width = self._newest + 1
        """How many int64 a row has."""
        self._tiles: dict[int, Tiles] = {}
        for tile in sorted({w.tile for f in self._windowed for w in f.windows if w.length is not None}):
            with_it = [at for at, f in enumerate(self._windowed) if any(w.tile == tile and w.length for w in f.windows)]
            span = max(w.length or 0 for f in self._windowed for w in f.windows if w.tile == tile)
            columns = [column for at in with_it for column in (2 * at, 2 * at + 1)]
            self._tiles[tile] = Tiles(tile, span // tile + 1, columns, at=self.width)
            self.width += self._tiles[tile].width

    def empty(self, rows: int) -> Ints:
        """Return the state of so many entities that were never seen."""
        state = np.zeros((rows, self.width), dtype=np.int64)
        state[:, self._newest] = NEVER
        state[:, self._sums : self._newest] = np.array(np.nan).view(np.int64)
        for tiles in self._tiles.values():
            tiles.clear(state)
        return state

    def read(self, events: pd.DataFrame, ids: dict[str, Coded]) -> tuple[Ints, list[list[str]], Ints]:
        """Return each event's place among keys (−1 for none), the keys' parts, and what it adds; changes nothing.

        `ids` holds the coded column of each name in the entity.
        """
        code, values = ids[self.entity[0]]
        levels = [values]
        for name in self.entity[1:]:
            part, values = ids[name]
            code, pairs = pd.factorize(np.where((code < 0) | (part < 0), np.nan, code * len(values) + part))
            left, right = np.divmod(pairs.astype(np.int64), max(1, len(values)))
            levels = [level[left] for level in levels] + [values[right]]
        return code, [level.tolist() for level in levels], added_by(self._features, events)

    def absorb(self, state: Ints, rows: Ints, known_at: Ints, added: Ints) -> None:
        """Add events in stream order: their rows of state (−1 for none), times in microseconds, and what they add."""
        present = rows >= 0
        if not present.any():
            return
        rows, known_at, added = rows[present], known_at[present], added[present]
        order = np.argsort(rows, kind="stable")
        rows, known_at, added = rows[order], known_at[order], added[order]
        sums = added[:, : self._sums]
        first = np.diff(rows, prepend=-1) != 0
        begins = np.flatnonzero(first)[np.cumsum(first) - 1]  # of each event, where its row's events begin
        running = np.cumsum(sums, axis=0) - sums
        before = state[rows, : self._sums] + running - running[begins]
        for tiles in self._tiles.values():
            tiles.absorb(state, rows, known_at, before)
        last = np.diff(rows, append=-1) != 0
        state[rows[last], : self._sums] = (before + sums)[last]
        state[rows[last], self._sums : self._newest] = added[last, self._sums :]
        state[rows[last], self._newest] = known_at[last]

    def past(self, state: Ints, as_of: Ints) -> Past:
        """Return what each row says at `as_of`, one time for all (shape 1) or one a row."""
        present = state[:, : self._sums]
        at_edge: dict[Window, Ints] = {}
        for tile, tiles in self._tiles.items():
            windows = {w: None for f in self._windowed for w in f.windows if w.length is not None and w.tile == tile}
            edge = np.stack([window.start(as_of) for window in windows], axis=1)
            before = tiles.before(state, edge, present[:, tiles.columns])
            at_edge |= {window: before[:, number] for number, window in enumerate(windows)}
        totals: dict[str, Ints] = {}
        for at, feature in enumerate(self._windowed):
            for column, window in zip(feature.columns, feature.windows, strict=True):
                total = present[:, 2 * at : 2 * at + 2]
                if window.length is not None:
                    where = self._tiles[window.tile].columns.index(2 * at)
                    total = total - at_edge[window][:, where : where + 2]
                totals[column] = total
        bits = state[:, self._sums : self._newest]
        last = {feature.name: bits[:, at].copy().view(np.float64) for at, feature in enumerate(self._last)}
        return Past(totals, last, {self.entity: state[:, self._newest]})


def added_by(features: tuple[Windowed | Last, ...], events: pd.DataFrame) -> Ints:
    """Return what events add to the state of their entities: count and total a windowed feature, then newest values.

    >>> from mlsd_lab.features.feed import user_impressions
    >>> added_by((user_impressions,), pd.DataFrame({"relevant": [1.0, np.nan]})).tolist()
    [[1, 1048576], [0, 0]]
    """
    parts = [np.empty((len(events), 0), dtype=np.int64)]
    parts += [feature.contributions(events) for feature in features if isinstance(feature, Windowed)]
    parts += [feature.values(events).view(np.int64)[:, None] for feature in features if isinstance(feature, Last)]
    return np.concatenate(parts, axis=1)
