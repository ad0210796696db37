"""What each online store must do; an implementation inherits these tests and brings `anew`."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from threading import Event as Signal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ArtifactError, ConfigError, ConflictError, DataError
from mlsd_lab.features import (
    About,
    Catalogue,
    Count,
    Mean,
    OnlineStore,
    Snapshot,
    Timeline,
    audit,
    derived,
    last,
    stream,
    windowed,
)
from mlsd_lab.features.feed import FEED
from mlsd_lab.features.stores.keyed_store import KeyedStore
from tests.features.oracle import windowed_features
from tests.features.streams import EVENT, VIDEOS, Event, assert_bits_equal, log_of, seeded_log

Opened = Callable[[Catalogue], KeyedStore]
WINDOWED = [column for feature in FEED.windowed for column in feature.columns]
ASKED = [*VIDEOS["video_id"], "unheard of", "v1"]


@windowed(("surface", "topic", "video_id"), "3d", Count)
def shown_there(events: pd.DataFrame) -> pd.Series:
    """Times the video was shown on the surface."""
    return events.relevant


@windowed(("creator_id", "topic", "user_id"), ("1d", "all"), Mean, About(default=-1.0, time_to_live="36h"))
def watched_of(events: pd.DataFrame) -> pd.Series:
    """Seconds the person watched of the creator in the topic."""
    return events.watch_seconds


@last("video_id", About(time_to_live="1d"))
def last_seconds(events: pd.DataFrame) -> pd.Series:
    """Seconds the newest person watched the video."""
    return events.watch_seconds


@last(("user_id", "topic"), About(default=0.25))
def last_relevant(events: pd.DataFrame) -> pd.Series:
    """Whether the newest video of the topic was relevant to the person."""
    return events.relevant.where(events.watch_seconds > 1)


MANY_KEYS = Catalogue("many keys", "1", [*FEED.features, shown_there, watched_of, last_seconds, last_relevant])
"""All kinds of features, over keys of one to three columns."""


def asked(store: OnlineStore, as_of: pd.Timestamp, user: str, surface: str | None = "home") -> pd.DataFrame:
    """Look up all videos, one twice and one that nobody has heard of; return rows as a served log has them."""
    scores = np.linspace(-1, 1, len(ASKED))
    found = store.lookup(user, ASKED, as_of, surface, retrieval_score=scores)
    rows = pd.DataFrame({"user_id": user, "video_id": ASKED, "as_of": as_of, "surface": surface})
    rows = rows.assign(retrieval_score=scores, position_absorbed=found.position, tile=found.tile)
    return rows.join(found.to_frame())


def assert_as_computed_offline(timeline: Timeline, rows: pd.DataFrame) -> None:
    offline = timeline.features(rows, rows["position_absorbed"].to_numpy())
    assert_bits_equal(rows[list(timeline.catalogue.columns)], offline)


def three_events() -> tuple[Log, pd.DataFrame]:
    log = log_of([(1, 0, 0, True, 1.0, 0), (1, 1, 1, False, 2.0, 0), (1, 0, 2, True, 3.0, 0)])
    return log, stream(log)


class StoreContract:
    """Give it a fixture `anew`: a function that makes a place for a store, and returns what opens a handle on it."""

    @settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(events=st.lists(EVENT, min_size=1, max_size=30), data=st.data())
    def test_it_answers_as_training_and_duckdb_compute_at_every_position_after_any_restart(
        self, anew: Callable[[], Opened], events: list[Event], data: st.DataObject
    ) -> None:
        log, opened = log_of(events), anew()
        timeline, batches = Timeline(MANY_KEYS, log), stream(log)
        store = opened(MANY_KEYS)
        at, answers = 0, []
        while at < len(batches):
            size = data.draw(st.integers(1, 7))
            again = data.draw(st.integers(0, at))  # a batch may reach back over what was absorbed already
            store.absorb(batches.iloc[again : at + size], offset=again)
            at = min(at + size, len(batches))
            if data.draw(st.booleans()):
                store.close()
                store = opened(MANY_KEYS)
            assert store.position == at
            newest = batches["known_at"].iloc[at - 1]
            wait = data.draw(st.sampled_from([timedelta(microseconds=1), timedelta(hours=1), timedelta(days=3)]))
            for user, surface in (("u0", None), ("u1", "home"), ("nobody", "nowhere")):
                rows = asked(store, newest + wait, user, surface)
                assert_as_computed_offline(timeline, rows)
                answers.append(rows)
        every = pd.concat(answers, ignore_index=True)
        assert_bits_equal(every[WINDOWED], windowed_features(log, every))
        store.close()

    def test_an_answer_comes_from_one_position_while_a_writer_is_at_work(self, anew: Callable[[], Opened]) -> None:
        log, opened = seeded_log(400), anew()
        events, timeline = stream(log), Timeline(MANY_KEYS, log)
        later = events["known_at"].iloc[-1] + timedelta(seconds=1)
        writer, reader, done, start = opened(MANY_KEYS), opened(MANY_KEYS), Signal(), Barrier(9)

        def read(number: int) -> list[pd.DataFrame]:
            store = (writer, reader)[number % 2]  # half of the readers share the writer's handle
            found: list[pd.DataFrame] = []
            start.wait()
            while not done.is_set() or not found:
                found.append(asked(store, later, f"u{number % 4}"))
            return found

        with ThreadPoolExecutor(8) as threads:
            answers = [threads.submit(read, number) for number in range(8)]
            start.wait()
            for at in range(0, 400, 8):
                writer.absorb(events.iloc[at : at + 8], offset=at)
            done.set()
            every = pd.concat([rows for each in answers for rows in each.result()], ignore_index=True)
        assert every["position_absorbed"].nunique() > 2
        assert_as_computed_offline(timeline, every)
        for store in (writer, reader):
            store.close()

    def test_a_snapshot_is_of_one_position_while_a_writer_is_at_work_and_has_no_skew(
        self, anew: Callable[[], Opened]
    ) -> None:
        log, opened = seeded_log(400), anew()
        events, later = stream(log), log.events["known_at"].iloc[-1] + timedelta(hours=30)
        writer, done = opened(MANY_KEYS), Signal()
        videos = [*ASKED, *(f"filler {at}" for at in range(4_000))]  # so that it takes several reads
        start = Barrier(2)

        def take() -> list[Snapshot]:
            found: list[Snapshot] = []
            start.wait()
            while not done.is_set():
                found.append(Snapshot.of(writer, videos, later))
            return [*found, Snapshot.of(writer, videos, later)]

        with ThreadPoolExecutor(1) as threads:
            taken = threads.submit(take)
            start.wait()
            for at in range(0, 400, 8):
                writer.absorb(events.iloc[at : at + 8], offset=at)
            done.set()
            snapshots = taken.result()
        timeline = Timeline(snapshots[0].catalogue, log)
        for snapshot in snapshots:
            found = snapshot.lookup(ASKED)
            rows = pd.DataFrame({"user_id": "u0", "video_id": ASKED, "as_of": later})
            rows = rows.assign(position_absorbed=found.position, tile=found.tile).join(found.to_frame())
            assert audit(timeline, rows).mismatched == 0
        assert snapshots[-1].position == 400
        writer.close()

    def test_of_two_writers_one_is_refused_and_goes_on_from_what_the_other_left(
        self, anew: Callable[[], Opened]
    ) -> None:
        log, events = three_events()
        opened = anew()
        first, second = opened(FEED), opened(FEED)
        first.absorb(events.iloc[:2], offset=0, mark={"offset": 2})
        if first is not second:
            with pytest.raises(ConflictError, match="another writer was first, and nothing of this batch was written"):
                second.absorb(events.iloc[:1], offset=0, mark={"offset": 1})
        assert (second.position, second.mark) == (2, {"offset": 2})
        second.absorb(events, offset=0, mark={"offset": 3})
        rows = asked(opened(FEED), events["known_at"].iloc[-1] + timedelta(hours=1), "u0")
        assert set(rows["position_absorbed"]) == {3}
        assert_as_computed_offline(Timeline(FEED, log), rows)
        first.close()
        second.close()

    def test_many_writers_at_once_lose_nothing_and_bring_nothing_twice(self, anew: Callable[[], Opened]) -> None:
        log, opened = seeded_log(120), anew()
        events, start = stream(log), Barrier(4)
        handles = [opened(FEED) for _ in range(4)]

        def write(store: OnlineStore) -> int:
            start.wait()
            refused = 0
            while (at := store.position) < len(events):
                try:
                    store.absorb(events.iloc[at : at + 5], offset=at)
                except ConflictError:
                    refused += 1
            return refused

        with ThreadPoolExecutor(4) as threads:
            refused = sum(threads.map(write, handles))
        assert handles[0] is not handles[1] or refused == 0  # threads of one handle wait for each other
        rows = asked(opened(FEED), events["known_at"].iloc[-1] + timedelta(seconds=1), "u1")
        assert set(rows["position_absorbed"]) == {120}
        assert_as_computed_offline(Timeline(FEED, log), rows)
        for store in handles:
            store.close()

    def test_a_gap_in_the_stream_is_refused(self, anew: Callable[[], Opened]) -> None:
        store, (_, events) = anew()(FEED), three_events()
        with pytest.raises(DataError, match="at most 0, the position reached, found 1"):
            store.absorb(events.iloc[1:], offset=1)
        with pytest.raises(DataError, match="0 or more and at most 0, the position reached, found -1"):
            store.absorb(events, offset=-1)
        store.close()

    def test_a_store_that_has_absorbed_nothing_answers_as_training_does_before_the_first_event(
        self, anew: Callable[[], Opened]
    ) -> None:
        store, (log, events) = anew()(MANY_KEYS), three_events()
        rows = asked(store, events["known_at"].iloc[0], "u0")
        assert_as_computed_offline(Timeline(MANY_KEYS, log), rows)
        store.close()

    def test_what_is_refused_leaves_the_store_as_it_was(self, anew: Callable[[], Opened]) -> None:
        @windowed(entity="video_id", over=("1d",), aggregate=Count)
        def seconds(events: pd.DataFrame) -> pd.Series:
            """Seconds watched, and infinity for the third video."""
            return events.watch_seconds.where(events.video_id != "v2", np.inf)

        _, events = three_events()
        store = anew()(Catalogue("unsafe", "1", [*FEED.windowed, seconds]))
        store.absorb(events.iloc[:1], offset=0, mark=1)
        later = events["known_at"].iloc[-1] + timedelta(hours=1)
        before = store.lookup("u0", ["v0", "v2"], later)
        with pytest.raises(DataError, match="seconds: expected finite values"):
            store.absorb(events.iloc[1:], offset=1, mark=2)
        with pytest.raises(AttributeError, match="watch_seconds"):
            store.absorb(events.iloc[1:].drop(columns="watch_seconds"), offset=1, mark=2)
        with pytest.raises(DataError, match="order of known_at"):
            store.absorb(events.iloc[:0:-1], offset=1, mark=2)
        with pytest.raises(DataError, match="time zone"):
            store.absorb(events.iloc[1:].assign(known_at=events["known_at"].dt.tz_localize(None)), offset=1, mark=2)
        after = store.lookup("u0", ["v0", "v2"], later)
        assert after.position == before.position == store.position == store.mark == 1
        assert_bits_equal(after.to_frame(), before.to_frame())
        store.close()

    def test_a_mark_is_kept_with_its_batch_and_without_events_and_never_moves_back(
        self, anew: Callable[[], Opened]
    ) -> None:
        opened, (_, events) = anew(), three_events()
        store = opened(FEED)
        store.absorb(events.iloc[:2], offset=0, mark={"offset": 2})
        store.absorb(events.iloc[:0], offset=2, mark={"offset": 5})
        store.absorb(events.iloc[:1], offset=0, mark={"offset": 1})
        store.absorb(events.iloc[2:], offset=2)
        store.close()
        store = opened(FEED)
        assert (store.position, store.mark) == (3, {"offset": 5})
        store.close()

    def test_a_time_that_is_not_after_the_newest_event_is_refused(self, anew: Callable[[], Opened]) -> None:
        store, (_, events) = anew()(FEED), three_events()
        store.absorb(events, offset=0)
        with pytest.raises(ConfigError, match="after the newest event absorbed"):
            store.lookup("u0", ["v0"], as_of=events["known_at"].iloc[-1])
        with pytest.raises(DataError, match="as_of: expected a time with a time zone"):
            store.lookup("u0", ["v0"], as_of=events["known_at"].iloc[-1].tz_localize(None))
        store.close()

    def test_a_slate_of_none_and_a_slate_of_one_are_answered(self, anew: Callable[[], Opened]) -> None:
        store, (_, events) = anew()(MANY_KEYS), three_events()
        store.absorb(events, offset=0)
        later = events["known_at"].iloc[-1] + timedelta(seconds=1)
        assert store.lookup("u0", [], later).values.shape == (0, len(MANY_KEYS.columns))
        assert store.lookup("u0", ["v0"], later).values.shape == (1, len(MANY_KEYS.columns))
        store.close()

    def test_some_columns_are_answered_as_among_all_in_the_order_asked(self, anew: Callable[[], Opened]) -> None:
        store, (_, events) = anew()(MANY_KEYS), three_events()
        store.absorb(events, offset=0)
        later = events["known_at"].iloc[-1] + timedelta(hours=1)
        all_of_them = store.lookup("u0", ASKED, later, "home").to_frame()
        for columns in (["video_age_days"], ["last_seconds", "user_relevant_7d"], [*MANY_KEYS.columns[::-3]], []):
            found = store.lookup("u0", ASKED, later, "home", columns=columns)
            assert (found.columns, found.position) == (tuple(columns), 3)
            assert_bits_equal(found.to_frame(), all_of_them[columns])
        with pytest.raises(ConfigError, match="columns: expected some of catalogue many keys, found 'video_id'"):
            store.lookup("u0", ["v0"], later, columns=["video_id"])
        store.close()

    def test_what_was_not_asked_for_is_neither_computed_nor_counted(self, anew: Callable[[], Opened]) -> None:
        @derived
        def infinite(user_relevant_7d: Any) -> Any:
            """It fails whenever it is computed."""
            return np.inf + user_relevant_7d

        store, (_, events) = anew()(Catalogue("c", "1", [*MANY_KEYS.features, infinite])), three_events()
        store.absorb(events, offset=0)
        much_later = events["known_at"].iloc[-1] + timedelta(hours=40)
        with pytest.raises(DataError, match="infinite: expected finite values"):
            store.lookup("u0", ["v0", "v2"], much_later)
        found = store.lookup("u0", ["v0", "v2"], much_later, columns=["last_seconds"])
        assert (found.expired, found.defaulted) == (2, 0)
        found = store.lookup("u0", ["v0", "v2"], much_later, columns=["video_duration"])
        assert (found.expired, found.defaulted) == (0, 0)
        store.close()

    def test_any_text_is_an_id(self, anew: Callable[[], Opened]) -> None:
        odd = ["", "3:u", "ü\x00|:", "x" * 5_000]
        times = pd.to_datetime(np.arange(len(odd)), unit="h", utc=True)
        videos = pd.DataFrame({"video_id": odd, "topic": odd[::-1], "creator_id": odd})
        log = Log.from_frames(
            pd.DataFrame({"user_id": odd, "video_id": odd, "occurred_at": times, "clicked": True}), videos
        )
        store, timeline = anew()(MANY_KEYS), Timeline(MANY_KEYS, log)
        store.absorb(stream(log), offset=0)
        later = times[-1] + timedelta(hours=1)
        for user in odd:
            found = store.lookup(user, odd, later)
            rows = pd.DataFrame({"user_id": user, "video_id": odd, "as_of": later})
            by_user = [column for column in MANY_KEYS.columns if column.startswith(("user_i", "user_r", "user_c"))]
            offline = timeline.features(rows, np.full(len(odd), len(odd)))
            assert_bits_equal(found.to_frame()[by_user], offline[by_user])
        store.close()

    def test_what_has_outlived_its_time_and_what_is_missing_is_counted(self, anew: Callable[[], Opened]) -> None:
        store, (_, events) = anew()(MANY_KEYS), three_events()
        store.absorb(events, offset=0)
        newest = events["known_at"].iloc[-1]
        soon, late = (store.lookup("u0", ["v0", "v2"], newest + timedelta(hours=hours)) for hours in (1, 40))
        columns = [column for column in MANY_KEYS.columns if column.startswith(("watched_of", "last_"))]
        assert columns == ["watched_of_1d", "watched_of_all", "last_seconds", "last_relevant"]
        # v0 is sport by p, v2 news by nobody: u0 watched 1 s of the one and 3 s of the other
        np.testing.assert_array_equal(soon.to_frame()[columns], [[1, 1, 1, 0.25], [-1, -1, 3, 1]])
        assert (soon.expired, soon.defaulted) == (0, 3)
        np.testing.assert_array_equal(late.to_frame()[columns], [[-1, -1, np.nan, 0.25], [-1, -1, np.nan, 1]])
        assert (late.expired, late.defaulted) == (4, 3)
        store.close()

    def test_features_of_other_meaning_are_refused_and_need_a_store_of_their_own(
        self, anew: Callable[[], Opened]
    ) -> None:
        opened = anew()
        opened(FEED).close()
        other = Catalogue("feed", "2", FEED.features)
        with pytest.raises(ArtifactError, match=f"expected features with fingerprint {other.fingerprint}, found"):
            opened(other)

    def test_an_erased_user_is_a_stranger_and_the_others_are_not(self, anew: Callable[[], Opened]) -> None:
        log = log_of([(1, user, video, True, 2.0, 0) for user in (0, 1, 0) for video in (0, 2, 3)])
        opened = anew()
        store, events = opened(MANY_KEYS), stream(log)
        store.absorb(events, offset=0, mark=9)
        later = events["known_at"].iloc[-1] + timedelta(hours=1)
        other = asked(store, later, "u1")
        waiting = opened(MANY_KEYS)
        assert store.erase("u0") == 1 + 2 + 1  # the user, two topics, one creator with a topic
        assert store.erase("u0") == store.erase("u") == 0
        of_user = [column for column in FEED.columns if column.startswith("user_")]
        stranger, erased = asked(store, later, "nobody"), asked(store, later, "u0")
        assert_bits_equal(stranger[[*of_user, "watched_of_all"]], erased[[*of_user, "watched_of_all"]])
        assert_bits_equal(asked(store, later, "u1")[list(FEED.columns)], other[list(FEED.columns)])
        assert (store.position, store.mark) == (9, 9)
        if waiting is not store:
            with pytest.raises(ConflictError):  # what it had read of the user must not come back
                waiting.absorb(events.iloc[-1:], offset=9)
        store.close()
        waiting.close()
