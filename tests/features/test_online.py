"""Offline equals online, bit for bit, at every position of any stream."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ArtifactError, ConfigError, DataError
from mlsd_lab.features import Catalogue, MemoryStore, Timeline, stream
from mlsd_lab.features.feed import FEED

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
# minutes since the event before (ties are likely, and so are gaps of days), user, video, relevant, seconds, minutes of delay
EVENT = st.tuples(
    st.sampled_from([0, 0, 1, 30, 61, 24 * 60, 9 * 24 * 60]),
    st.integers(0, 2),
    st.integers(0, 3),
    st.sampled_from([True, False, None]),
    st.floats(0, 1e4),
    st.sampled_from([0, 0, 5, 3000]),
)


def log_of(events: list[tuple[int, int, int, bool | None, float, int]]) -> Log:
    minutes, users, videos, relevant, seconds, late = zip(*events, strict=True)
    occurred = START + pd.to_timedelta(np.cumsum(minutes), unit="m")
    frame = pd.DataFrame(
        {
            "user_id": [f"u{user}" for user in users],
            "video_id": [f"v{video}" for video in videos],
            "occurred_at": occurred,
            "known_at": occurred + pd.to_timedelta(list(late), unit="m"),
            "long_view": pd.array(relevant, dtype="boolean"),
            "watch_seconds": seconds,
            "surface": ["home" if user else None for user in users],
        }
    )
    return Log.from_frames(frame, VIDEOS)


def asked(store: MemoryStore, as_of: pd.Timestamp, user: str) -> pd.DataFrame:
    """Look up all videos, and one that nobody has heard of, and return rows as a served log has them."""
    videos = [*VIDEOS["video_id"], "unheard of"]
    scores = np.linspace(-1, 1, len(videos))
    found = store.lookup(user, videos, as_of, surface="home", retrieval_score=scores)
    rows = pd.DataFrame({"user_id": user, "video_id": videos, "as_of": as_of, "surface": "home"})
    rows = rows.assign(retrieval_score=scores, position_absorbed=found.position, tile=found.tile)
    return rows.join(found.to_frame())


def assert_bits_equal(a: pd.DataFrame, b: pd.DataFrame) -> None:
    assert list(a.columns) == list(b.columns)
    left, right = (np.where(np.isnan(frame), np.nan, frame).view(np.int64) for frame in (a, b))
    np.testing.assert_array_equal(left, right)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(events=st.lists(EVENT, min_size=1, max_size=30), data=st.data())
def test_a_store_answers_as_training_computes_at_every_position(events: list, data: st.DataObject) -> None:
    log = log_of(events)
    timeline, batches = Timeline(FEED, log), stream(log)
    store = MemoryStore(FEED, log.videos)
    at = 0
    while at < len(batches):
        size = data.draw(st.integers(1, 7))
        again = data.draw(st.integers(0, at))  # a batch may reach back over what was absorbed already
        store.absorb(batches.iloc[again : at + size], offset=again)
        at = min(at + size, len(batches))
        assert store.position == at
        newest = batches["known_at"].iloc[at - 1]
        wait = data.draw(st.sampled_from([timedelta(microseconds=1), timedelta(hours=1), timedelta(days=3)]))
        for user in ("u0", "u1", "nobody"):
            rows = asked(store, newest + wait, user)
            offline = timeline.features(rows, rows["position_absorbed"].to_numpy())
            assert_bits_equal(rows[list(FEED.columns)], offline)


def test_a_restart_in_the_middle_changes_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    events = [
        (int(rng.integers(0, 300)), int(rng.integers(3)), int(rng.integers(4)), bool(rng.integers(2)), 3.0, 0)
        for _ in range(300)
    ]
    log = log_of(events)
    batches = stream(log)
    whole, first = MemoryStore(FEED, log.videos), MemoryStore(FEED, log.videos)
    whole.absorb(batches, offset=0)
    first.absorb(batches.iloc[:140], offset=0)
    first.save(tmp_path / "state")
    second = MemoryStore.load(tmp_path / "state", FEED, log.videos)
    second.absorb(batches.iloc[100:], offset=100)
    later = batches["known_at"].iloc[-1] + timedelta(minutes=1)
    assert second.position == whole.position == 300
    for user in ("u0", "u1", "u2"):
        assert_bits_equal(asked(second, later, user)[list(FEED.columns)], asked(whole, later, user)[list(FEED.columns)])


def small_store() -> tuple[MemoryStore, pd.DataFrame]:
    log = log_of([(1, 0, 0, True, 1.0, 0), (1, 1, 1, False, 2.0, 0), (1, 0, 2, True, 3.0, 0)])
    return MemoryStore(FEED, log.videos), stream(log)


def test_a_gap_in_the_stream_is_refused() -> None:
    store, events = small_store()
    with pytest.raises(DataError, match="at most 0, the position reached, found 1"):
        store.absorb(events.iloc[1:], offset=1)


def test_events_out_of_stream_order_are_refused_and_leave_the_store_as_it_was() -> None:
    store, events = small_store()
    with pytest.raises(DataError, match="order of known_at"):
        store.absorb(events.iloc[::-1], offset=0)
    assert store.position == 0


def test_a_time_that_is_not_after_the_newest_event_is_refused() -> None:
    store, events = small_store()
    store.absorb(events, offset=0)
    with pytest.raises(ConfigError, match="after the newest event absorbed"):
        store.lookup("u0", ["v0"], as_of=events["known_at"].iloc[-1])


def test_a_slate_of_none_and_a_slate_of_one_are_answered() -> None:
    store, events = small_store()
    store.absorb(events, offset=0)
    later = events["known_at"].iloc[-1] + timedelta(seconds=1)
    assert store.lookup("u0", [], later).values.shape == (0, len(FEED.columns))
    assert store.lookup("u0", ["v0"], later).values.shape == (1, len(FEED.columns))


def test_a_state_saved_for_other_features_is_refused(tmp_path: Path) -> None:
    store, events = small_store()
    store.absorb(events, offset=0)
    store.save(tmp_path / "state")
    other = Catalogue("feed", "2", [*FEED.windowed, *FEED.derived])
    with pytest.raises(ArtifactError, match=other.fingerprint):
        MemoryStore.load(tmp_path / "state", other, VIDEOS)


def test_the_state_of_a_video_and_of_a_user_stays_small() -> None:
    rng = np.random.default_rng(0)
    videos = pd.DataFrame({"video_id": [f"v{i:02d}" for i in range(60)], "topic": [f"t{i:02d}" for i in range(60)]})
    times = START + pd.to_timedelta(np.sort(rng.integers(0, 40 * 86400, 60_000)), unit="s")
    frame = pd.DataFrame({"occurred_at": times, "user_id": rng.integers(0, 4, len(times)).astype(str)})
    frame["video_id"] = videos["video_id"].to_numpy()[rng.integers(0, 60, len(times))]
    log = Log.from_frames(frame.assign(clicked=True, watch_seconds=1.0), videos)
    store = MemoryStore(FEED, log.videos)
    store.absorb(stream(log), offset=0)
    assert max(store.packed(("video_id",)).values()) <= 2_000
    topics = pd.Series(store.packed(("user_id", "topic")))
    per_user = topics.groupby([user for user, _ in topics.index]).sum()
    assert max(per_user[user] + size for user, size in store.packed(("user_id",)).items()) <= 20_000
