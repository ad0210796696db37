"""A store made from the lake: all of its events, from wherever the store stands, until the stream takes over."""

from dataclasses import asdict, dataclass, fields

import numpy as np
import pandas as pd

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError
from mlsd_lab.features.stores.absorb_good import absorb_good
from mlsd_lab.features.stores.event_rows import EventRows
from mlsd_lab.features.stores.online import OnlineStore
from mlsd_lab.ingestion.ingest import OnProgress
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.lake_events import LakeEvents, Place

KEY = "backfill"
"""Under which a store's mark tells where among the lake's events it stands."""
_ROWS = 25 * 2048


@dataclass(frozen=True)
class Backfilled:
    """What a backfill did, and where the store stands after it.

    >>> Backfilled(absorbed=9, refused=1, position=20, offset=None).absorbed
    9
    """

    absorbed: int
    refused: int
    """Had a value that a feature refuses, and were left out."""
    position: int
    """Events that the store has absorbed, those from before too."""
    offset: int | None
    """Where in the stream a `StoreSink` goes on; None where the lake reads no stream."""


def backfill(
    store: OnlineStore,
    lake: Lake,
    log: Log,
    on_progress: OnProgress = lambda _stage, _share: None,
    rows: int = _ROWS,
) -> Backfilled:
    """Let a store absorb the lake's events that it lacks, in stream order, about `rows` at once.

    `log` knows the videos, and which events are relevant: `Warehouse.outline` gives one.
    The store is then, to the bit, what training computes on the corrected lake, and a `StoreSink` goes on from
    the lake's place in the stream. Killed at any moment, it goes on from the store's own mark. Raises `ConfigError`
    where the store does not hold just the beginning of the lake's events: some came in between, changed or were erased.

    >>> import tempfile
    >>> from datetime import UTC, datetime
    >>> from pathlib import Path
    >>> from mlsd_lab.features import MemoryStore
    >>> from mlsd_lab.features.feed import FEED
    >>> from mlsd_lab.ingestion.click_log import ClickLog
    >>> from mlsd_lab.ingestion.ingest import ingest
    >>> from mlsd_lab.ingestion.warehouse import Warehouse
    >>> seen = '"user_id": "ann", "video_id": "v", "occurred_at": "2026-01-02T09:00:00Z"'
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "1.jsonl").write_text(f'{{"event_id": "e", {seen}, "known_at": "2026-01-02T09:00:07Z"}}')
    ...     lake = Lake(f"{folder}/lake")
    ...     _ = ingest(lake, [ClickLog(Path(folder))], datetime(2026, 1, 3, tzinfo=UTC))
    ...     log = Warehouse(lake).outline()
    ...     store = MemoryStore(FEED, log.videos)
    ...     backfill(store, lake, log)
    Backfilled(absorbed=1, refused=0, position=1, offset=None)
    """
    events, made, position = LakeEvents(lake), EventRows(log), store.position
    if _is_ahead(store, events):
        return Backfilled(0, 0, position, store.mark["offset"])
    place, refused = _place(store, events), 0
    for piece in events.pieces(made.SELECT, place, rows):
        place = _after(place, piece)
        refused += absorb_good(store, made.of(piece), {KEY: asdict(place)})
        on_progress(f"{place.events:,} of {events.total:,} events", place.events / events.total)
    done = {KEY: {**asdict(place), "whole": True}} if place else {}
    store.absorb(pd.DataFrame(), offset=store.position, mark={**(events.stream or {}), **done} or None)
    return Backfilled(store.position - position, refused, store.position, (events.stream or {}).get("offset"))


def _place(store: OnlineStore, events: LakeEvents) -> Place | None:
    """Return where among the lake's events the store stands: behind those, and only those, that it has absorbed."""
    kept = store.mark.get(KEY, {}) if isinstance(store.mark, dict) else {}
    if "events" in kept:
        place = Place(**{field.name: kept[field.name] for field in fields(Place)})
    elif store.position == 0:
        return None
    else:
        place = Place(store.newest, None, store.position, None)
    found = events.until(place.known_at, place.event_id)
    if found.events != place.events or place.digest not in (None, found.digest):
        held = "as many, and not the same" if found.events == place.events else f"{found.events:,}"
        raise ConfigError(
            f"backfill: expected the {place.events:,} events that the store has seen, up to "
            f"{pd.Timestamp(place.known_at, unit='us', tz='UTC')}, found {held} in the lake: since then some came, "
            "were corrected or erased, or the store left some out. Fill an empty store instead: at another place, or "
            "once this one is deleted"
        )
    return place


def _is_ahead(store: OnlineStore, events: LakeEvents) -> bool:
    """Say whether a stream brought the store further than the lake has read it."""
    mark, lake = store.mark, events.stream
    if lake is None or not isinstance(mark, dict) or not {"stream", "offset"} <= {*mark}:
        return False
    if "events" in mark.get(KEY, {}):
        return False
    if mark["stream"] != lake["stream"]:
        raise ConfigError(
            f"backfill: expected a store fed by the lake's stream {lake['stream']}, found {mark['stream']}"
        )
    return mark["offset"] >= lake["offset"] and store.position >= events.total


def _after(place: Place | None, piece: pd.DataFrame) -> Place:
    before, last = place or Place(0, None, 0, 0), piece.iloc[-1]
    digest = int(np.bitwise_xor.reduce(piece["digest"].to_numpy(np.uint64)))
    whole = None if before.digest is None else before.digest ^ digest
    return Place(int(last["known_at"]), str(last["event_id"]), before.events + len(piece), whole)
