"""Online equals offline equals DuckDB, bit for bit, at every position of any stream."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ArtifactError, ConfigError, DataError
from mlsd_lab.features import Catalogue, Count, MemoryStore, Timeline, stream, windowed
from mlsd_lab.features.feed import FEED
from tests.features.oracle import windowed_features
from tests.features.streams import EVENT, START, VIDEOS, Event, assert_bits_equal, log_of, seeded_log

WINDOWED = [column for feature in FEED.windowed for column in feature.columns]


def asked(store: MemoryStore, as_of: pd.Timestamp, user: str) -> pd.DataFrame:
    """Look up all videos, and one that nobody has heard of, and return rows as a served log has them."""
    videos = [*VIDEOS["video_id"], "unheard of"]
    scores = np.linspace(-1, 1, len(videos))
    found = store.lookup(user, videos, as_of, surface="home", retrieval_score=scores)
    rows = pd.DataFrame({"user_id": user, "video_id": videos, "as_of": as_of, "surface": "home"})
    rows = rows.assign(retrieval_score=scores, position_absorbed=found.position, tile=found.tile)
    return rows.join(found.to_frame())


@settings(max_examples=40, deadline=None, derandomize=True)
@given(events=st.lists(EVENT, min_size=1, max_size=30), data=st.data())
def test_a_store_answers_as_training_and_duckdb_compute_at_every_position(
    events: list[Event], data: st.DataObject
) -> None:
    log = log_of(events)
    timeline, batches = Timeline(FEED, log), stream(log)
    store = MemoryStore(FEED, log.videos)
    at, answers = 0, []
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
            answers.append(rows)
    every = pd.concat(answers, ignore_index=True)
    assert_bits_equal(every[WINDOWED], windowed_features(log, every))


def test_a_restart_in_the_middle_changes_nothing(tmp_path: Path) -> None:
    log = seeded_log(300)
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
    with pytest.raises(DataError, match="0 or more and at most 0, the position reached, found -1"):
        store.absorb(events, offset=-1)


def test_a_store_that_has_absorbed_nothing_answers_as_training_does_before_the_first_event() -> None:
    store, events = small_store()
    rows = asked(store, events["known_at"].iloc[0], "u0")
    log = log_of([(1, 0, 0, True, 1.0, 0)])
    assert_bits_equal(rows[list(FEED.columns)], Timeline(FEED, log).features(rows, np.zeros(len(rows), dtype=np.int64)))


def test_events_out_of_stream_order_are_refused_and_leave_the_store_as_it_was() -> None:
    store, events = small_store()
    with pytest.raises(DataError, match="order of known_at"):
        store.absorb(events.iloc[::-1], offset=0)
    assert store.position == 0


def test_a_batch_that_a_feature_refuses_leaves_the_store_as_it_was() -> None:
    @windowed(entity="video_id", over=("1d",), aggregate=Count)
    def seconds(events: pd.DataFrame) -> pd.Series:
        """Seconds watched, and infinity for the third video."""
        return events.watch_seconds.where(events.video_id != "v2", np.inf)

    _, events = small_store()
    store = MemoryStore(Catalogue("unsafe", "1", [*FEED.windowed, seconds]), VIDEOS)
    store.absorb(events.iloc[:1], offset=0)
    later = events["known_at"].iloc[-1] + timedelta(hours=1)
    before = store.lookup("u0", ["v0", "v2"], later)
    with pytest.raises(DataError, match="seconds: expected finite values"):
        store.absorb(events.iloc[1:], offset=1)
    with pytest.raises(AttributeError, match="watch_seconds"):
        store.absorb(events.iloc[1:].drop(columns="watch_seconds"), offset=1)
    after = store.lookup("u0", ["v0", "v2"], later)
    assert after.position == before.position == 1
    assert_bits_equal(after.to_frame(), before.to_frame())


def test_a_mark_is_kept_with_its_batch_and_without_events_and_never_moves_back(tmp_path: Path) -> None:
    store, events = small_store()
    store.absorb(events.iloc[:2], offset=0, mark={"offset": 2})
    store.absorb(events.iloc[:0], offset=2, mark={"offset": 5})
    store.absorb(events.iloc[:1], offset=0, mark={"offset": 1})
    store.absorb(events.iloc[2:], offset=2)
    assert store.position == 3
    with pytest.raises(DataError, match="order of known_at"):
        store.absorb(events.iloc[:1], offset=3, mark={"offset": 9})
    store.save(tmp_path / "state")
    assert MemoryStore.load(tmp_path / "state", FEED, VIDEOS).mark == {"offset": 5}


def test_a_store_that_has_grown_many_times_knows_each_user_and_survives_a_restart(tmp_path: Path) -> None:
    users = [f"u{at}" for at in range(40)]
    times = START + pd.to_timedelta(np.arange(120), unit="m")
    frame = pd.DataFrame({"user_id": users * 3, "video_id": "v0", "occurred_at": times, "clicked": True})
    log = Log.from_frames(frame, VIDEOS)
    batches, store = stream(log), MemoryStore(FEED, log.videos)
    for at in range(0, 120, 3):
        store.absorb(batches.iloc[at : at + 3], offset=at)
    store.save(tmp_path / "state")
    again = MemoryStore.load(tmp_path / "state", FEED, log.videos)
    later = times[-1] + timedelta(minutes=1)
    for one in (store, again):
        seen = [one.lookup(user, ["v0"], later).to_frame()["user_impressions_7d"].item() for user in users]
        assert seen == [3.0] * 40


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
