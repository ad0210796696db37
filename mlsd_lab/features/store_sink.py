"""An online store as the sink of a stream: a feature value can be read seconds after the event."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConflictError, DataError
from mlsd_lab.features.entity_totals import added_by
from mlsd_lab.features.online import OnlineStore
from mlsd_lab.features.timeline import READ, microseconds, stream_rows, video_columns
from mlsd_lab.ingestion.source import Position

if TYPE_CHECKING:
    from mlsd_lab.ingestion.stream.stream_sink import Arrived

_FLAGS = "clicked", "long_view", "liked"
_VALUES = [name if name not in _FLAGS else f"CAST({name} AS DOUBLE) AS {name}" for name in READ if name != "relevant"]
_QUERY = f"""
    SELECT user_id, video_id, epoch_us(occurred_at) AS occurred_at, epoch_us(known_at) AS known_at, surface,
      {", ".join(_VALUES)}
    FROM (FROM parsed UNION ALL BY NAME SELECT * FROM late WHERE NOT correction) ORDER BY known_at, event_id
"""


class StoreSink:
    """A `StreamSink` that lets a store absorb each event, also one that is late by its phone's clock.

    Windows of features are of `known_at`: an event counts from when it was known. So a store cannot take in what was
    known before the newest that it absorbed, which happens where collectors' clocks disagree; nor a correction of what
    it has added up. These are counted in `missed`, and in the features once the store is made anew from the lake.
    `log` knows the videos, and which events are relevant.

    >>> import tempfile
    >>> from datetime import UTC, datetime
    >>> from pathlib import Path
    >>> from mlsd_lab.features import MemoryStore
    >>> from mlsd_lab.features.feed import FEED
    >>> from mlsd_lab.ingestion.stream.consume import consume
    >>> from mlsd_lab.ingestion.stream.sqlite_stream import SqliteStream
    >>> frame = pd.DataFrame({"user_id": ["ann"], "video_id": "v", "occurred_at": pd.Timestamp("2026-01-01", tz="UTC")})
    >>> log = Log.from_frames(frame)
    >>> store = MemoryStore(FEED, log.videos)
    >>> seen = '"user_id": "bob", "video_id": "v", "occurred_at": "2026-01-02T09:00:00Z"'
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     stream = SqliteStream(Path(folder, "stream.db"))
    ...     _ = stream.append([f'{{"event_id": "e", {seen}, "known_at": "2026-01-02T09:00:07Z"}}'.encode()])
    ...     found = list(consume(stream, StoreSink(store, log), lambda: datetime(2026, 1, 3, tzinfo=UTC)))
    ...     stream.close()
    >>> answer = store.lookup("bob", ["v"], as_of=pd.Timestamp("2026-01-02 09:01", tz="UTC"))
    >>> answer.to_frame()["user_impressions_1d"].tolist()
    [1.0]
    """

    def __init__(self, store: OnlineStore, log: Log) -> None:
        self._store, self._datasheet = store, log.datasheet
        self._videos, self._columns = pd.Index(log.videos["video_id"].astype(object)), video_columns(log.videos)
        self.missed = 0
        """Events that the store could not take in any more."""
        self.refused = 0
        """Events with a value that a feature refuses, such as more seconds than can be added up: left out."""

    def position(self) -> Position | None:
        """Return where in the stream the store stands, as it keeps it beside its totals."""
        mark: Position | None = self._store.mark
        return mark

    def apply(self, arrived: "Arrived") -> None:
        """Let the store absorb a piece, and keep its position with it."""
        begin = arrived.position["offset"] - arrived.on_time - arrived.late - len(arrived.dead)
        if self._store.mark is not None and self._store.mark["offset"] != begin:
            found = self._store.mark["offset"]
            raise ConflictError(
                f"store: expected it at offset {begin:,} of the stream, found it at {found:,}: another consumer was"
                " first, nothing was absorbed; run again: it goes on from there"
            )
        events = arrived.connection.execute(_QUERY).df()
        for name in ("occurred_at", "known_at"):
            events[name] = pd.to_datetime(events[name], unit="us", utc=True)
        in_time = microseconds(events["known_at"]).astype(np.int64) >= self._store.newest
        corrections = arrived.on_time + arrived.late - len(events)
        self.missed += int((~in_time).sum()) + corrections
        events = events[in_time].reset_index(drop=True)
        video = self._videos.get_indexer(events["video_id"].astype(object))
        rows = stream_rows(events, self._datasheet.relevant(events), self._columns, video)
        try:
            self._store.absorb(rows, offset=self._store.position, mark=dict(arrived.position))
        except DataError:
            taken = self._taken(rows)
            self._store.absorb(taken, offset=self._store.position, mark=dict(arrived.position))
            self.refused += len(rows) - len(taken)

    def _taken(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return rows without those that a feature refuses, which are found by halves."""
        try:
            added_by(self._store.catalogue.observed, rows)
        except DataError:
            halves = rows.iloc[: len(rows) // 2], rows.iloc[len(rows) // 2 :]
            return pd.concat(map(self._taken, halves)) if len(rows) > 1 else rows.iloc[:0]
        return rows
