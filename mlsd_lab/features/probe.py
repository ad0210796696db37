"""A few made-up events on which a definition is tried out before it is taken."""

from typing import TYPE_CHECKING

import numpy as np

from mlsd_lab.features.about import DAY

if TYPE_CHECKING:
    import pandas as pd


def probe_events() -> "pd.DataFrame":
    """Return a fixed table of events with every column that a feature may read, nulls among them.

    >>> len(probe_events())
    5
    """
    import pandas as pd

    times = pd.to_datetime(np.arange(5) * DAY * 3 // 2, unit="us", utc=True).astype("datetime64[us, UTC]")
    naive = times.tz_localize(None).to_numpy()
    return pd.DataFrame(
        {
            "user_id": ["a", "a", "b", "b", "c"],
            "video_id": ["x", "y", "x", "z", "y"],
            "topic": ["t", None, "t", "s", None],
            "creator_id": ["p", "q", "p", None, "q"],
            "surface": ["home", "home", None, "search", "home"],
            "occurred_at": times,
            "known_at": times,
            "as_of": naive + np.timedelta64(90, "m"),
            "uploaded_at": np.where(np.arange(5) == 3, np.datetime64("NaT", "us"), naive - np.timedelta64(36, "h")),
            "duration_seconds": [10.0, 0.0, np.nan, 59.5, 3600.0],
            "watch_seconds": [7.5, 3.0, np.nan, 80.0, 0.0],
            "retrieval_score": [0.1, -2.0, np.nan, 0.0, 3.5],
            "rating": [4.0, np.nan, 0.5, 5.0, 3.0],
            "position": [0.0, 1.0, np.nan, 3.0, 4.0],
            "relevant": [1.0, 0.0, np.nan, 1.0, 0.0],
            "clicked": [1.0, 0.0, np.nan, 1.0, 1.0],
            "long_view": [1.0, 0.0, np.nan, 0.0, 1.0],
            "liked": [0.0, 0.0, np.nan, 1.0, 0.0],
        }
    )
