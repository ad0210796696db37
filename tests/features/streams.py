"""Streams for the tests of features: ties, late events, gaps of days, nulls and zeros wherever they may stand."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from mlsd_lab.datasets import Log

START = pd.Timestamp("2026-01-01 22:30", tz="UTC")
VIDEOS = pd.DataFrame(
    {
        "video_id": ["v0", "v1", "v2", "v3"],
        "creator_id": ["p", "p", None, "q"],
        "topic": ["sport", "sport", "news", None],
        "duration_seconds": [10.0, 0.0, None, 59.9],
        "uploaded_at": pd.to_datetime(["2025-12-30", None, "2026-01-01", "2025-01-01"], utc=True),
    }
)
Event = tuple[int, int, int, bool | None, float | None, int]
"""Minutes since the event before, user, video, relevant, seconds watched, minutes until it is known."""
EVENT = st.tuples(
    st.sampled_from([0, 0, 1, 30, 61, 24 * 60, 9 * 24 * 60]),  # ties are likely, and so are gaps of days
    st.integers(0, 2),
    st.integers(0, 3),
    st.sampled_from([True, False, None]),
    st.one_of(st.sampled_from([0.0, 3.0, None]), st.floats(0, 1e4)),
    st.sampled_from([0, 0, 5, 3000]),
)


def log_of(events: Sequence[Event]) -> Log:
    minutes, users, videos, relevant, seconds, late = zip(*events, strict=True)
    occurred = START + pd.to_timedelta(np.cumsum(minutes), unit="m")
    frame = pd.DataFrame(
        {
            "user_id": [f"u{user}" for user in users],
            "video_id": [f"v{video}" for video in videos],
            "occurred_at": occurred,
            "known_at": occurred + pd.to_timedelta(list(late), unit="m"),
            "long_view": pd.array(relevant, dtype="boolean"),
            "watch_seconds": np.array(seconds, dtype=np.float64),
            "surface": ["home" if user else None for user in users],
        }
    )
    return Log.from_frames(frame, VIDEOS)


def seeded_log(events: int = 300) -> Log:
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, [300, 3, 4, 2, 12, 60], (events, 6)).tolist()
    return log_of([(wait, user, video, bool(yes), float(s), late) for wait, user, video, yes, s, late in kinds])


def labels_at(times: Sequence[pd.Timestamp]) -> pd.DataFrame:
    """Ask at each time for each user and video, one of each unheard of, the users on different surfaces."""
    users = [("u0", None), ("u1", "home"), ("u2", "home"), ("nobody", "nowhere")]
    videos = [*VIDEOS["video_id"], "unheard of"]
    rows = [(user, video, time, surface) for time in times for user, surface in users for video in videos]
    return pd.DataFrame(rows, columns=["user_id", "video_id", "as_of", "surface"]).astype({"surface": object})


def assert_bits_equal(a: pd.DataFrame, b: pd.DataFrame) -> None:
    assert list(a.columns) == list(b.columns)
    left, right = (np.where(np.isnan(frame), np.nan, frame).view(np.int64) for frame in (a, b))
    np.testing.assert_array_equal(left, right)
