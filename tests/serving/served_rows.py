"""Served rows for the tests: a store that answers after each batch of a small stream, and the lake of that stream."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlsd_lab.datasets import Log
from mlsd_lab.features import Catalogue, MemoryStore, stream
from mlsd_lab.features.feed import FEED
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.through_lake import through_lake
from tests.features.streams import seeded_log

LOG = seeded_log(200)
VIDEOS = ["v0", "v1", "v2", "v3", "unheard of"]
Change = Callable[[pd.DataFrame], pd.DataFrame]


def served_rows(
    lag: timedelta = timedelta(microseconds=1),
    change: Change = lambda events: events,
    catalogue: Catalogue = FEED,
    log: Log = LOG,
    batch: int = 20,
    up_to: str = "us",
) -> pd.DataFrame:
    """Serve a slate so long after each batch of a stream, on the next full `up_to`; the store absorbs it changed."""
    store, events, slates = MemoryStore(catalogue, log.videos), stream(log), []
    for at in range(0, len(events), batch):
        some = events.iloc[at : at + batch]
        store.absorb(change(some), offset=store.position)
        user, scores, as_of = f"u{at % 3}", np.linspace(-1, 1, 5), (some["known_at"].iloc[-1] + lag).ceil(up_to)
        found = store.lookup(user, VIDEOS, as_of, surface="home", retrieval_score=scores)
        facts: dict[str, Any] = {
            "request_id": f"r{at}",
            "user_id": user,
            "video_id": VIDEOS,
            "rank": range(5),
            "score": -scores,
        }
        facts |= {"as_of": as_of, "position_absorbed": found.position, "tile": found.tile, "surface": "home"}
        facts |= {"retrieval_score": scores, "bundle": "b" * 64, "degraded": None}
        newest = pd.DatetimeIndex(np.full(5, found.newest).astype("datetime64[us]"), tz="UTC")
        slates.append(pd.DataFrame(facts).assign(newest_known_at=newest).join(found.to_frame()))
    return pd.concat(slates, ignore_index=True)


def lake_of(folder: Path, log: Log = LOG) -> Lake:
    """Bring a log, its videos too, into a lake, with everything that goes wrong on the way."""
    through_lake(log, keep=folder)
    return Lake(folder)
