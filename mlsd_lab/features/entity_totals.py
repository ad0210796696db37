"""Online totals of one kind of entity: users, videos, or users × topics."""

import json
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlsd_lab.features.catalogue import Entity, Totals
from mlsd_lab.features.definition import Window, Windowed
from mlsd_lab.features.tiles import Tiles, grown

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
    """Present totals a key, and the tiles that its features' windows need.

    A key is the id, or a tuple of ids; an event or a question with a null in its key belongs to no entity.

    >>> from mlsd_lab.features.feed import user_impressions
    >>> EntityTotals(("user_id",), (user_impressions,)).packed(newest=0)
    {}
    """

    def __init__(self, entity: Entity, features: tuple[Windowed, ...]) -> None:
        self.entity, self.features = entity, features
        self._rows: dict[Any, int] = {}
        self._totals = np.zeros((1, 2 * len(features)), dtype=np.int64)  # row 0 is that of entities never seen
        self._tiles: dict[int, Tiles] = {}
        self._span: dict[int, int] = {}
        for tile in sorted({w.tile for f in features for w in f.windows if w.length is not None}):
            with_it = [at for at, f in enumerate(features) if any(w.tile == tile and w.length for w in f.windows)]
            self._span[tile] = max(w.length or 0 for f in features for w in f.windows if w.tile == tile)
            columns = [column for at in with_it for column in (2 * at, 2 * at + 1)]
            self._tiles[tile] = Tiles(tile, self._span[tile] // tile + 1, columns)
            self._tiles[tile].grow(1)

    def read(self, events: pd.DataFrame, ids: dict[str, Coded]) -> tuple[Ints, list[Any], Ints]:
        """Return each event's place in a list of keys (−1 for none), that list, and the contributions; changes nothing.

        `ids` holds the coded column of each name in the entity.
        """
        code, values = ids[self.entity[0]]
        levels = [values]
        for name in self.entity[1:]:
            part, values = ids[name]
            code, pairs = pd.factorize(np.where((code < 0) | (part < 0), np.nan, code * len(values) + part))
            left, right = np.divmod(pairs.astype(np.int64), max(1, len(values)))
            levels = [level[left] for level in levels] + [values[right]]
        keys = levels[0].tolist() if len(levels) == 1 else list(zip(*levels, strict=True))
        return code, keys, np.concatenate([feature.contributions(events) for feature in self.features], axis=1)

    def absorb(self, known_at: Ints, code: Ints, keys: list[Any], added: Ints) -> None:
        """Add events in stream order: their times in microseconds, and what `read` returned for them."""
        present = code >= 0
        if not present.any():
            return
        rows = self._rows_with(keys)[code[present]]
        order = np.argsort(rows, kind="stable")
        rows, added, known_at = rows[order], added[present][order], known_at[present][order]
        first = np.diff(rows, prepend=-1) != 0
        begins = np.flatnonzero(first)[np.cumsum(first) - 1]  # of each event, where its row's events begin
        running = np.cumsum(added, axis=0) - added
        before = self._totals[rows] + running - running[begins]
        for tiles in self._tiles.values():
            tiles.absorb(rows, known_at, before)
        last = np.diff(rows, append=-1) != 0
        self._totals[rows[last]] = (before + added)[last]

    def windows(self, keys: dict[str, Any], as_of: Ints, videos: int) -> Totals:
        """Return the totals of each feature column's window for one request of so many videos, at one `as_of`."""
        rows = self._rows_of(keys, videos)
        present = self._totals[rows]
        found: Totals = {}
        at_edge: dict[Window, Ints] = {}
        for at, feature in enumerate(self.features):
            for column, window in zip(feature.columns, feature.windows, strict=True):
                total = present[:, 2 * at : 2 * at + 2]
                if window.length is not None:
                    tiles = self._tiles[window.tile]
                    if window not in at_edge:
                        edge = np.broadcast_to(window.start(as_of), rows.shape)
                        at_edge[window] = tiles.before(rows, edge, present[:, tiles.columns])
                    where = tiles.columns.index(2 * at)
                    total = total - at_edge[window][:, where : where + 2]
                found[column] = np.broadcast_to(total, (videos, 2))
        return found

    def packed(self, newest: int) -> dict[Any, int]:
        """Return for each key the number of bytes of its state: present totals and live tiles."""
        return {
            key: self._totals[row].nbytes
            + sum(len(tiles.pack(row, newest, self._span[tile])) for tile, tiles in self._tiles.items())
            for key, row in self._rows.items()
        }

    def save(self, path: Path) -> None:
        """Write keys and arrays into one `.npz` file without pickles."""
        keys = np.frombuffer(json.dumps(list(self._rows)).encode(), dtype=np.uint8)
        arrays = {f"{tile}_{name}": a for tile, tiles in self._tiles.items() for name, a in tiles.arrays().items()}
        np.savez(path, keys=keys, totals=self._totals, **arrays)  # type: ignore[arg-type]

    def restore(self, path: Path) -> None:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            keys = json.loads(stored["keys"].tobytes())
            self._rows = {tuple(k) if isinstance(k, list) else k: row for row, k in enumerate(keys, start=1)}
            self._totals = stored["totals"]
            for tile, tiles in self._tiles.items():
                tiles.edges, tiles.totals, tiles.written = (stored[f"{tile}_{name}"] for name in tiles.arrays())

    def _rows_of(self, keys: dict[str, Any], videos: int) -> Ints:
        """Return a row a video, or a single one where the key does not depend on the video; 0 for none."""
        parts = [keys[name] for name in self.entity]
        if all(part is None or isinstance(part, str) for part in parts):
            key = parts[0] if len(parts) == 1 else tuple(parts)
            return np.array([self._rows.get(key, 0)], dtype=np.int64)
        columns = [[part] * videos if part is None or isinstance(part, str) else list(part) for part in parts]
        wanted = columns[0] if len(columns) == 1 else zip(*columns, strict=True)
        return np.fromiter((self._rows.get(key, 0) for key in wanted), dtype=np.int64, count=videos)

    def _rows_with(self, keys: list[Any]) -> Ints:
        """Return each key's row, a new one for a key never seen; the keys are distinct."""
        rows = np.fromiter(map(self._rows.get, keys, repeat(0)), dtype=np.int64, count=len(keys))
        new = np.flatnonzero(rows == 0)
        rows[new] = np.arange(len(new)) + len(self._rows) + 1
        self._rows.update((keys[at], int(rows[at])) for at in new)
        self._grow(len(self._rows) + 1)
        return rows

    def _grow(self, rows: int) -> None:
        if rows > len(self._totals):
            room = max(rows, 2 * len(self._totals))
            self._totals = grown(self._totals, room)
            for tiles in self._tiles.values():
                tiles.grow(room)
