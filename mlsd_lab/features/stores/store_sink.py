"""An online store as the sink of a stream: a feature value can be read seconds after the event."""

from typing import TYPE_CHECKING

import numpy as np

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError, ConflictError
from mlsd_lab.features.stores.absorb_good import absorb_good
from mlsd_lab.features.stores.backfill import KEY
from mlsd_lab.features.stores.event_rows import EventRows
from mlsd_lab.features.stores.online import OnlineStore
from mlsd_lab.ingestion.erased_users import ErasedUsers
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.source import Position

if TYPE_CHECKING:
    from mlsd_lab.ingestion.stream.stream_sink import Arrived

_QUERY = f"""
    SELECT {EventRows.SELECT}, event_id
    FROM (FROM parsed UNION ALL BY NAME SELECT * FROM late WHERE NOT correction) ORDER BY known_at, event_id
"""


class StoreSink:
    """A `StreamSink` that lets a store absorb each event, also one that is late by its phone's clock.

    Windows of features are of `known_at`: an event counts from when it was known. So a store cannot take in what was
    known before the newest that it absorbed, which happens where collectors' clocks disagree; nor a correction of what
    it has added up. These are counted in `missed`, and in the features once the store is made anew from the lake.
    `log` knows the videos, and which events are relevant. With `lake`, events of users erased from it are left out;
    without, those that still wait in the stream come back: let the consumer catch up before `erase_from_store`.

    >>> import tempfile
    >>> from datetime import UTC, datetime
    >>> from pathlib import Path
    >>> import pandas as pd
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

    def __init__(self, store: OnlineStore, log: Log, lake: Lake | None = None) -> None:
        self._store, self._rows, self._lake = store, EventRows(log), lake
        self.missed = 0
        """Events that the store could not take in any more, or had from a backfill."""
        self.refused = 0
        """Events with a value that a feature refuses, such as more seconds than can be added up: left out."""
        self.erased = 0
        """Events of users who were erased from the lake."""

    def position(self) -> Position | None:
        """Return where in the stream the store stands, as it keeps it beside its totals.

        Raises `ConfigError` where a backfill has broken off, for the stream would leave a gap, and where the store has
        events and does not say up to where: some would come twice.
        """
        mark = self._store.mark
        if isinstance(mark, dict) and "stream" in mark:
            return mark
        if mark is None and self._store.position == 0:
            return None
        if not isinstance(mark, dict) or KEY not in mark:
            raise ConfigError(
                f"store: expected one that a stream or a backfill filled, found {self._store.position:,} events with "
                f"the mark {mark!r}; let mlsd-lab features backfill go on from there, or begin with an empty store"
            )
        if not mark[KEY].get("whole"):
            raise ConfigError(
                f"store: expected a whole backfill, found one that broke off after {mark[KEY]['events']:,} events; "
                "let it go on: mlsd-lab features backfill"
            )
        return None

    def apply(self, arrived: "Arrived") -> None:
        """Let the store absorb a piece, and keep its position with it."""
        begin = arrived.position["offset"] - arrived.on_time - arrived.late - len(arrived.dead)
        position = self.position()
        if position is not None and position["offset"] != begin:
            raise ConflictError(
                f"store: expected it at offset {begin:,} of the stream, found it at {position['offset']:,}: another"
                " consumer was first, nothing was absorbed; run again: it goes on from there"
            )
        filled = (self._store.mark or {}).get(KEY)
        events = arrived.connection.execute(_QUERY).df()
        corrections = arrived.on_time + arrived.late - len(events)
        if self._lake is not None:
            theirs = np.array(ErasedUsers(self._lake).among(events["user_id"]), dtype=bool)
            events, self.erased = events[~theirs], self.erased + int(theirs.sum())
        in_time = events["known_at"] >= self._store.newest
        if filled:
            held = events["known_at"] == filled["known_at"]
            in_time &= ~held | (False if filled["event_id"] is None else events["event_id"] > filled["event_id"])
        self.missed += int((~in_time).sum()) + corrections
        kept = {KEY: {name: filled[name] for name in ("known_at", "event_id")}} if filled else {}
        self.refused += absorb_good(self._store, self._rows.of(events[in_time]), {**arrived.position, **kept})
