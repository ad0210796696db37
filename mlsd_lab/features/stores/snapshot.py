"""The features of videos as they stood at one moment, kept in this process: a lookup is a gather of rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlsd_lab.errors import ConfigError, ConflictError
from mlsd_lab.features.catalogue import Catalogue
from mlsd_lab.features.definition import Derived, Feature
from mlsd_lab.features.stores.keyed_store import KeyedStore
from mlsd_lab.features.stores.memory_store import MemoryStore
from mlsd_lab.features.stores.online import Lookup
from mlsd_lab.features.stores.video_rows import VideoRows
from mlsd_lab.features.timeline import moment_of

_TRIES = 5
_ENTITIES = {"video_id", "creator_id", "topic"}


@dataclass(frozen=True)
class Snapshot:
    """What a store said of videos alone, at one position and moment; it never changes.

    It has the columns made of videos, creators and topics and of their lasting facts. It is as old as its moment:
    windows end there, and a time to live is judged there. What is made of the request's own moment, such as a video's
    age, is not frozen in it but among the `others`: the store has these, and reads a few rows for them. A video that
    was not in `video_ids` has an empty past. Where threads share a name for it, giving that name to a newer snapshot
    replaces it as a whole. It is taken from the store itself, and asks for no grant.

    >>> from mlsd_lab.datasets import Log
    >>> from mlsd_lab.features import stream
    >>> from mlsd_lab.features.feed import FEED
    >>> time = pd.to_datetime(["2026-01-01 10:00", "2026-01-01 11:00"], utc=True)
    >>> log = Log.from_frames(pd.DataFrame({"user_id": "ann", "video_id": "v", "occurred_at": time, "clicked": True}))
    >>> store = MemoryStore(FEED, log.videos)
    >>> store.absorb(stream(log), offset=0)
    >>> snapshot = Snapshot.of(store, log.videos["video_id"], as_of=pd.Timestamp("2026-01-01 12:00", tz="UTC"))

    A request, in the order of the model's columns, with both positions for the served log:

    >>> slate, now = ["v", "new"], pd.Timestamp("2026-01-01 12:01", tz="UTC")
    >>> kept, asked = snapshot.lookup(slate), store.lookup("ann", slate, now, columns=snapshot.others)
    >>> order = [(kept.columns + asked.columns).index(column) for column in FEED.columns]
    >>> values = np.hstack([kept.values, asked.values])[:, order]
    >>> np.array_equal(values, store.lookup("ann", slate, now).values, equal_nan=True)  # nothing has happened since
    True
    >>> snapshot.age(now).total_seconds(), snapshot.behind(asked)
    (60.0, 0)
    """

    catalogue: Catalogue
    """The features of videos alone: `audit` with a `Timeline` of these compares what was served from here."""
    others: tuple[str, ...]
    """The columns of the store's catalogue that are not here."""
    position: int
    """How many events of the stream had been absorbed."""
    as_of: datetime
    """The moment, in UTC."""
    tile: int
    """Whole hours since 1970 at that moment."""
    newest: int
    """When the newest of the events became known, microseconds UTC."""
    _row: VideoRows
    _values: NDArray[np.float64]
    """Shape (videos + 1, columns); the last row is the empty past."""
    _counts: NDArray[np.int64]
    """Of each row: values expired, values defaulted."""

    @classmethod
    def of(cls, store: KeyedStore, video_ids: Iterable[str], as_of: datetime) -> "Snapshot":
        """Read all these videos from one position of a store.

        Whoever writes with the same handle waits meanwhile, except on SQLite, where nobody does. On Redis another
        handle may write in between; all is then read again, and after some times `ConflictError` is raised.
        """
        catalogue = _of_videos(store.catalogue)
        videos = [*dict.fromkeys(map(str, video_ids))]
        none = MemoryStore(catalogue, pd.DataFrame({"video_id": []})).lookup("", [""], as_of)
        for _ in range(_TRIES):
            found = store.scan(videos, as_of, catalogue.columns)
            if len({each.position for each in found}) == 1:
                break
        else:
            raise ConflictError(
                f"{store.name}: expected one position for {len(videos):,} videos, found that others wrote meanwhile, "
                f"{_TRIES} times; take the snapshot with the handle that absorbs, or try again"
            )
        rows = [*found, none]
        values = np.concatenate([each.values for each in rows])
        counts = np.concatenate([np.stack([each.expired_by_video, each.defaulted_by_video], 1) for each in rows])
        values.flags.writeable = counts.flags.writeable = False
        others = tuple(column for column in store.catalogue.columns if column not in catalogue.columns)
        moment = pd.Timestamp(as_of).tz_convert("UTC")
        at = found[0]
        return cls(catalogue, others, at.position, moment, at.tile, at.newest, VideoRows(videos), values, counts)

    @property
    def version(self) -> tuple[int, datetime]:
        """Position and moment: of two snapshots of a store the newer has the greater one."""
        return self.position, self.as_of

    def lookup(self, video_ids: Sequence[str]) -> Lookup:
        """Return the features of some videos, with the snapshot's position and tile."""
        rows = self._row.of(video_ids)
        expired, defaulted = self._counts.take(rows, axis=0).T
        values = self._values.take(rows, axis=0)
        return Lookup(self.catalogue.columns, values, self.position, self.tile, expired, defaulted, self.newest)

    def age(self, as_of: datetime) -> timedelta:
        """Return how long before a moment the snapshot was taken; below zero where that is earlier."""
        return timedelta(microseconds=int(moment_of(as_of)[0] - moment_of(self.as_of)[0]))

    def behind(self, answer: Lookup) -> int:
        """Return how many events the store had absorbed since, when it gave an answer; below zero for one made anew."""
        return answer.position - self.position


def _of_videos(catalogue: Catalogue) -> Catalogue:
    """Return the features that a request changes nothing of."""
    of_videos: list[Feature] = []
    known = {"uploaded_at", "duration_seconds"}
    for feature in catalogue.features:  # what is derived stands after what it is made of
        made_of = feature.inputs if isinstance(feature, Derived) else ()
        entity = () if isinstance(feature, Derived) else feature.entity
        if known.issuperset(made_of) and _ENTITIES.issuperset(entity):
            of_videos.append(feature)
            known.update(feature.columns)
    if not of_videos:
        raise ConfigError(f"catalogue {catalogue.name}: expected features of videos alone, found none")
    return Catalogue(f"{catalogue.name}, of videos", catalogue.version, of_videos)
