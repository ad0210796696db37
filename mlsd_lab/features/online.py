"""The online side: absorb the stream, answer at its newest position, from memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlsd_lab.artifacts import atomic_folder, verified, write_manifest
from mlsd_lab.errors import ArtifactError, ConfigError, DataError
from mlsd_lab.features.catalogue import Catalogue, Entity, Totals
from mlsd_lab.features.definition import HOUR
from mlsd_lab.features.entity_totals import EntityTotals, coded
from mlsd_lab.features.timeline import microseconds, taken, video_columns

_KIND = "memory-store/2"


@dataclass(frozen=True)
class Lookup:
    """Feature values of a slate, and from where in the stream they were answered.

    >>> Lookup(("age",), np.array([[1.5]]), position=7, tile=492_000).to_frame()["age"].tolist()
    [1.5]
    """

    columns: tuple[str, ...]
    values: NDArray[np.float64]
    """Shape (videos, columns)."""
    position: int
    """How many events of the stream the store had absorbed."""
    tile: int
    """Whole hours since 1970 at `as_of`: with the position it fixes where every window begins and ends."""

    def to_frame(self) -> pd.DataFrame:
        """Return the values as a table, a row a video."""
        return pd.DataFrame(self.values, columns=list(self.columns))


class MemoryStore:
    """Running totals of every entity of a catalogue, in this process.

    `videos` is the log's table of videos. A video, user or topic never seen has totals of zero.

    >>> from mlsd_lab.datasets import Log
    >>> from mlsd_lab.features import stream
    >>> from mlsd_lab.features.feed import FEED
    >>> time = pd.to_datetime(["2026-01-01 10:00", "2026-01-01 11:00"], utc=True)
    >>> log = Log.from_frames(pd.DataFrame({"user_id": "ann", "video_id": "v", "occurred_at": time, "clicked": True}))
    >>> store = MemoryStore(FEED, log.videos)
    >>> store.absorb(stream(log), offset=0)
    >>> answer = store.lookup("ann", ["v", "unheard of"], as_of=pd.Timestamp("2026-01-01 12:00", tz="UTC"))
    >>> answer.position, answer.to_frame()["video_impressions_7d"].tolist()
    (2, [2.0, 0.0])
    """

    def __init__(self, catalogue: Catalogue, videos: pd.DataFrame) -> None:
        self.catalogue = catalogue
        self.position = 0
        self.newest = np.iinfo(np.int64).min
        self.mark: Any = None
        """What came with the newest batch: JSON-ready, the caller's own, such as where a consumer stands."""
        self._row = {video: row for row, video in enumerate(videos["video_id"].astype(object))}
        self._videos = video_columns(videos)
        self._entities = {entity: EntityTotals(entity, features) for entity, features in catalogue.entities.items()}

    def absorb(self, batch: pd.DataFrame, offset: int, mark: Any = None) -> None:
        """Add a batch of the stream (as `features.stream` makes it) whose first event stands at position `offset`.

        Events below the position already reached are ignored, so a batch may come twice; `mark` is kept with them, and
        also when there are none, but not with a batch that ends below that position. Raises `DataError` for a gap, for
        a batch that is not in stream order, or for a value that a feature refuses; the store is then as it was.
        """
        if not 0 <= offset <= self.position:
            raise DataError(
                f"offset: expected 0 or more and at most {self.position}, the position reached, found {offset}: "
                "with a gap events are missing"
            )
        kept = self.mark if mark is None or offset + len(batch) < self.position else mark
        batch = batch.iloc[self.position - offset :]
        if batch.empty:
            self.mark = kept
            return
        known_at = microseconds(batch["known_at"]).astype(np.int64)
        if known_at[0] < self.newest or (np.diff(known_at) < 0).any():
            raise DataError(
                "batch: expected events in the order of known_at, after those absorbed; found an earlier one"
            )
        entities = list(self._entities.values())
        ids = {name: coded(batch[name]) for name in sorted({name for entity in self._entities for name in entity})}
        read = [totals.read(batch, ids) for totals in entities]  # all of it before the first total changes
        for totals, (code, keys, added) in zip(entities, read, strict=True):
            totals.absorb(known_at, code, keys, added)
        self.newest = int(known_at[-1])
        self.position += len(batch)
        self.mark = kept

    def lookup(
        self,
        user_id: str,
        video_ids: Sequence[str],
        as_of: datetime,
        surface: str | None = None,
        retrieval_score: NDArray[np.float64] | None = None,
    ) -> Lookup:
        """Return the catalogue's features of one user and several videos, in one batch.

        `as_of` (with a time zone) must be after the newest event absorbed, else `ConfigError`: what a store has already
        added up it cannot take apart. Unknown users and videos have an empty past.
        """
        user_id, video_ids = str(user_id), [str(video) for video in video_ids]
        moment = microseconds([pd.Timestamp(as_of)]).astype(np.int64)
        if moment[0] <= self.newest:
            newest = pd.Timestamp(self.newest, unit="us", tz="UTC")
            raise ConfigError(f"as_of: expected a time after the newest event absorbed ({newest}), found {as_of}")
        rows = np.array([self._row.get(video, -1) for video in video_ids], dtype=np.int64)
        context: dict[str, NDArray[Any]] = {
            "as_of": np.full(len(rows), moment[0]).astype("datetime64[us]"),
            "retrieval_score": np.full(len(rows), np.nan) if retrieval_score is None else retrieval_score,
        }
        keys: dict[str, object] = {"user_id": user_id, "video_id": video_ids, "surface": surface}
        for name, values in self._videos.items():
            (keys if values.dtype == object else context)[name] = taken(values, rows)
        totals: Totals = {}
        for entity in self._entities.values():
            totals |= entity.windows(keys, moment, len(rows))
        values = self.catalogue.assemble(totals, context, len(rows))
        return Lookup(self.catalogue.columns, values, self.position, int(moment[0] // HOUR))

    def packed(self, entity: Entity) -> dict[object, int]:
        """Return for each key of an entity how many bytes its state takes when serialised."""
        return self._entities[entity].packed(self.newest)

    def save(self, folder: Path) -> None:
        """Write the state into a folder that does not exist yet, with checksums."""
        with atomic_folder(folder) as draft:
            for number, totals in enumerate(self._entities.values()):
                totals.save(draft / f"{number}.npz")
            facts = {"position": self.position, "newest": int(self.newest), "mark": self.mark}
            write_manifest(draft, _KIND, **facts, fingerprint=self.catalogue.fingerprint)

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue, videos: pd.DataFrame) -> "MemoryStore":
        """Read a saved state; raises `ArtifactError` when it was changed or made for other features."""
        facts = verified(folder, _KIND)
        if facts["fingerprint"] != catalogue.fingerprint:
            found, expected = facts["fingerprint"], catalogue.fingerprint
            raise ArtifactError(f"{folder}: expected features with fingerprint {expected}, found {found}")
        store = cls(catalogue, videos)
        store.position, store.newest, store.mark = facts["position"], facts["newest"], facts["mark"]
        for number, totals in enumerate(store._entities.values()):
            totals.restore(folder / f"{number}.npz")
        return store
