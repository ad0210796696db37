"""One request for features, as entities to read and context to compute with."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlsd_lab.features.catalogue import Catalogue
from mlsd_lab.features.definition import CONTEXT
from mlsd_lab.features.past import Entity
from mlsd_lab.features.stores.row_key import row_keys
from mlsd_lab.features.stores.video_rows import VideoRows
from mlsd_lab.features.timeline import moment_of, taken, video_columns

Ints = NDArray[np.int64]
_OF_VIDEOS = ("creator_id", "topic")


@dataclass(frozen=True)
class Asked:
    """Which entities a slate is about, each once however many videos share it, and which of them each video needs.

    >>> asked = Questions(Catalogue("none", "1", []), pd.DataFrame({"video_id": ["v"]})).ask(
    ...     "ann", ["v", "v"], pd.Timestamp("2026-01-01", tz="UTC"))
    >>> asked.videos, asked.keys
    (2, {})
    """

    videos: int
    moment: Ints
    """`as_of` in microseconds UTC, shape (1,)."""
    keys: dict[Entity, list[bytes]]
    place: dict[Entity, Ints | None]
    """A video's place among its entity's keys, −1 where it has none; None says that each video has its own, in order.
    """
    context: dict[str, NDArray[Any]]


class Questions:
    """Makes requests into what stores read; knows the table of videos.

    >>> from mlsd_lab.features.feed import FEED
    >>> videos = pd.DataFrame({"video_id": ["v", "w"], "topic": ["sport", "sport"]})
    >>> asked = Questions(FEED, videos).ask("ann", ["w", "v", "new"], pd.Timestamp("2026-01-01", tz="UTC"))
    >>> asked.keys["user_id", "topic"], asked.place["user_id", "topic"].tolist()
    ([b'4|3:annsport'], [0, 0, -1])
    """

    def __init__(self, catalogue: Catalogue, videos: pd.DataFrame) -> None:
        self._row = VideoRows(videos["video_id"].astype(object))
        columns = video_columns(videos)
        self._context = {name: columns[name] for name in CONTEXT if name in columns}
        self._texts = {name: columns[name] for name in _OF_VIDEOS}
        self._numbers = {entity: number for number, entity in enumerate(catalogue.entities)}
        self._shared = {entity: tuple(name for name in entity if name in _OF_VIDEOS) for entity in self._numbers}
        self._groups = {shared: self._grouped(shared) for shared in {*self._shared.values()} if shared}
        self._fixed = {  # keys that hold nothing of a request, made once
            entity: self._made(entity, [self._groups[shared][1][name] for name in entity])
            for entity, shared in self._shared.items()
            if entity == shared
        }
        if ("video_id",) in self._numbers:
            self._fixed["video_id",] = self._made(("video_id",), [list(self._row)])

    def ask(
        self,
        user_id: str,
        video_ids: Sequence[str],
        as_of: datetime,
        surface: str | None = None,
        retrieval_score: NDArray[np.float64] | None = None,
        entities: Sequence[Entity] | None = None,
    ) -> Asked:
        """Return what a request is about; unknown users and videos are entities like any other.

        With `entities` it asks about no others of the catalogue.
        """
        read = tuple(self._numbers) if entities is None else entities
        given = {"user_id": str(user_id), "surface": surface}
        rows = self._row.of(video_ids)
        moment = moment_of(as_of)
        context: dict[str, NDArray[Any]] = {
            "as_of": np.full(len(rows), moment[0]).astype("datetime64[us]"),
            "retrieval_score": np.full(len(rows), np.nan) if retrieval_score is None else retrieval_score,
        }
        context |= {name: taken(values, rows) for name, values in self._context.items()}
        shown = {shared: self._shown(shared, rows) for shared in {*map(self._shared.__getitem__, read)} if shared}
        keys: dict[Entity, list[bytes]] = {}
        place: dict[Entity, Ints | None] = {}
        for entity in read:
            keys[entity], place[entity] = self._keys(entity, given, video_ids, rows, shown)
        return Asked(len(rows), moment, keys, place, context)

    def _shown(self, shared: Entity, rows: Ints) -> tuple[list[int], Ints]:
        """Return which groups of videos are asked about, and each video's place among them, −1 for none."""
        code, texts = self._groups[shared]
        theirs, groups = code[rows], len(texts[shared[0]])
        seen, place = np.zeros(groups + 1, dtype=bool), np.full(groups + 1, -1)  # the last is no group
        seen[theirs] = True
        found = seen[:-1].nonzero()[0]
        place[found] = np.arange(len(found))
        return found.tolist(), place[theirs]

    def _keys(
        self,
        entity: Entity,
        given: dict[str, str | None],
        videos: Sequence[str],
        rows: Ints,
        shown: dict[Entity, tuple[list[int], Ints]],
    ) -> tuple[list[bytes], Ints | None]:
        if any(given[name] is None for name in entity if name in given):
            return [], np.full(len(rows), -1)
        if "video_id" in entity:
            return self._keys_by_video(entity, given, videos, rows)
        if not (shared := self._shared[entity]):
            return self._made(entity, [[given[name]] for name in entity]), np.zeros(len(rows), dtype=np.int64)
        groups, place = shown[shared]
        if entity in self._fixed:
            return [*map(self._fixed[entity].__getitem__, groups)], place
        texts = self._groups[shared][1]
        parts = [repeat(given[n]) if n in given else [*map(texts[n].__getitem__, groups)] for n in entity]
        return self._made(entity, parts), place

    def _keys_by_video(
        self, entity: Entity, given: dict[str, str | None], video_ids: Sequence[str], rows: Ints
    ) -> tuple[list[bytes], Ints | None]:
        if len(entity) == 1:
            numbers = rows.tolist()
            if -1 not in (distinct := {*numbers}) and len(distinct) == len(numbers):
                return [*map(self._fixed[entity].__getitem__, numbers)], None
        videos = [*map(str, video_ids)]
        if len(entity) == 1 and len({*videos}) == len(videos):
            return self._made(entity, [videos]), None
        parts: list[Any] = []
        for name in entity:
            parts.append(videos if name == "video_id" else [given[name]] * len(videos) if name in given else None)
            if parts[-1] is None:
                parts[-1] = taken(self._texts[name], rows).tolist()
        at: dict[tuple[str, ...], int] = {}
        place = [-1 if None in key else at.setdefault(key, len(at)) for key in zip(*parts, strict=True)]
        return self._made(entity, [*zip(*at, strict=True)]), np.array(place, dtype=np.int64)

    def _grouped(self, shared: Entity) -> tuple[Ints, dict[str, list[str]]]:
        """Number videos by columns of their table, −1 for a null there and at the end; list what numbers stand for."""
        texts = pd.DataFrame({name: self._texts[name] for name in shared}, dtype=object)
        code = texts.groupby([*shared], sort=False).ngroup().fillna(-1).to_numpy(np.int64)
        _, first = np.unique(code, return_index=True)
        return np.append(code, -1), {name: texts[name].iloc[first[code[first] >= 0]].tolist() for name in shared}

    def _made(self, entity: Entity, parts: Sequence[Iterable[str | None]]) -> list[bytes]:
        return row_keys(self._numbers[entity], parts)
