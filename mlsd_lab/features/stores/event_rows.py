"""Events as the lake and the stream keep them, made into rows as features read them."""

import pandas as pd

from mlsd_lab.datasets import Log
from mlsd_lab.features.timeline import READ, stream_rows, video_columns

_FLAGS = "clicked", "long_view", "liked"
_VALUES = [name if name not in _FLAGS else f"CAST({name} AS DOUBLE) AS {name}" for name in READ if name != "relevant"]


class EventRows:
    """Makes rows of what `SELECT` finds in a table of the contract `events`; the log knows videos and relevance.

    >>> time = pd.to_datetime(["2026-01-01"], utc=True)
    >>> frame = pd.DataFrame({"user_id": ["ann"], "video_id": ["v"], "occurred_at": time, "clicked": [True]})
    >>> found = {"user_id": ["bob"], "video_id": "new", "occurred_at": [5], "known_at": [7], "clicked": 1.0}
    >>> rows = EventRows(Log.from_frames(frame)).of(pd.DataFrame(found))
    >>> rows[["user_id", "relevant", "duration_seconds"]].values.tolist(), str(rows["known_at"][0])
    ([['bob', 1.0, nan]], '1970-01-01 00:00:00.000007+00:00')
    """

    SELECT = ", ".join(
        [
            *("user_id", "video_id", "surface", *_VALUES),
            *("epoch_us(occurred_at) AS occurred_at", "epoch_us(known_at) AS known_at"),
        ]
    )

    def __init__(self, log: Log) -> None:
        self._datasheet, self._columns = log.datasheet, video_columns(log.videos)
        self._videos = pd.Index(log.videos["video_id"].astype(object))

    def of(self, events: pd.DataFrame) -> pd.DataFrame:
        """Return the rows, in the same order; times are in microseconds UTC."""
        times = {name: pd.to_datetime(events[name], unit="us", utc=True) for name in ("occurred_at", "known_at")}
        events = events.assign(**times).reset_index(drop=True)
        video = self._videos.get_indexer(events["video_id"].astype(object))
        return stream_rows(events, self._datasheet.relevant(events), self._columns, video)
