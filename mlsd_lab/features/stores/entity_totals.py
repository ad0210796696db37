"""The arithmetic of one kind of entity: how events change its rows of state, and what a row says at a moment."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlsd_lab.features.added import added_by
from mlsd_lab.features.definition import Last, Windowed
from mlsd_lab.features.past import NEVER, Entity, Past
from mlsd_lab.features.stores.row_layout import RowLayout, State
from mlsd_lab.features.stores.tiles import Tiles
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
    """State is a row an entity: present totals, newest values, newest event, and its windows' tiles.

    It holds no state of its own: every store hands it rows. An event with a null in its key belongs to no entity.

    >>> from mlsd_lab.features.feed import user_impressions
    >>> totals = EntityTotals(("user_id",), (user_impressions,))
    >>> state = totals.layout.unpack([totals.empty])
    >>> state = totals.absorb(state, np.array([0, 0]), known_at=np.array([5, 7]), added=np.array([[1, 0], [1, 0]]))
    >>> totals.past(state, np.array([8])).totals["user_impressions_1d"].tolist(), len(totals.layout.pack(state)[0])
    ([[2, 0]], 72)
    """

    def __init__(self, entity: Entity, features: tuple[Windowed | Last, ...]) -> None:
        self.entity, self._features = entity, features
        self._windowed = tuple(feature for feature in features if isinstance(feature, Windowed))
        self._last = tuple(feature for feature in features if isinstance(feature, Last))
        self._sums = 2 * len(self._windowed)
        self._newest = self._sums + len(self._last)
        windows = {w: None for f in self._windowed for w in f.windows}
        bounded = [window for window in windows if window.length is not None]
        self._tiles = {tile: self._tiles_of(tile, bounded) for tile in sorted({window.tile for window in bounded})}
        self._places = {window: self._places_of(window) for window in windows}
        self.layout = RowLayout(self._newest + 1, [*self._tiles.values()])
        never = np.array([*[0] * self._sums, *np.full(len(self._last), np.nan).view(np.int64), NEVER])
        none = State(never[None, :], tuple(tiles.none(1) for tiles in self._tiles.values()))
        (self.empty,) = self.layout.pack(none)
        """The row of an entity that was never seen."""

    def _tiles_of(self, tile: int, windows: list[Window]) -> Tiles:
        theirs = {window for window in windows if window.tile == tile}
        with_it = [at for at, feature in enumerate(self._windowed) if theirs.intersection(feature.windows)]
        columns = [column for at in with_it for column in (2 * at, 2 * at + 1)]
        return Tiles(tile, max(window.length or 0 for window in theirs) // tile + 1, columns)

    def _places_of(self, window: Window) -> dict[str, int]:
        """Return for each column of a window where, among the totals kept for it, its count stands."""
        theirs = [
            (2 * at, f.columns[f.windows.index(window)]) for at, f in enumerate(self._windowed) if window in f.windows
        ]
        if window.length is None:
            return {column: at for at, column in theirs}
        return {column: self._tiles[window.tile].columns.index(at) for at, column in theirs}

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

    def absorb(self, state: State, rows: Ints, known_at: Ints, added: Ints) -> State:
        """Add events in stream order: their rows of state (−1 for none), times in microseconds, and what they add."""
        present = rows >= 0
        rows, known_at, added = rows[present], known_at[present], added[present]
        order = np.argsort(rows, kind="stable")
        rows, known_at, added = rows[order], known_at[order], added[order]
        sums, values = added[:, : self._sums], state.values.copy()
        begins = np.flatnonzero(np.diff(rows, prepend=-1))  # where each row's events begin
        many = np.diff(begins, append=len(rows))
        last, changed = begins + many - 1, rows[begins]
        running = np.cumsum(sums, axis=0) - sums
        before = running + np.repeat(values[changed, : self._sums] - running[begins], many, axis=0)
        values[changed, : self._sums] = before[last] + sums[last]
        values[changed, self._sums : self._newest] = added[last, self._sums :]
        values[changed, self._newest] = known_at[last]
        newest = state.values[:, self._newest], values[:, self._newest]
        with_tiles = zip(self._tiles.values(), state.kept, strict=True)
        kept = [tiles.absorb(kept, rows, known_at, before, *newest) for tiles, kept in with_tiles]
        return State(values, tuple(kept))

    def past(self, state: State, as_of: Ints, place: Ints | None = None) -> Past:
        """Return what each row says at `as_of` (shape 1), or what the rows at some places say."""
        sums, newest = state.values[:, : self._sums], state.values[:, self._newest]
        kept = dict(zip(self._tiles, state.kept, strict=True))
        totals: dict[str, Ints] = {}
        for window, places in self._places.items():
            added = sums
            if window.length is not None:
                added = self._tiles[window.tile].since(kept[window.tile], int(window.start(as_of)[0]), newest, sums)
            added = added if place is None else added.take(place, axis=0)
            totals |= {column: added[:, at : at + 2] for column, at in places.items()}
        values = state.values if place is None else state.values.take(place, axis=0)
        bits = values[:, self._sums : self._newest].copy().view(np.float64)
        last = {feature.name: bits[:, at] for at, feature in enumerate(self._last)}
        return Past(totals, last, {self.entity: values[:, self._newest]})
