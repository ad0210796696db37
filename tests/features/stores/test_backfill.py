"""A store made from the lake is what training computes on it; the stream goes on from there, nothing lost or twice."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError, StorageError
from mlsd_lab.features import Catalogue, MemoryStore, OnlineStore, Sum, Timeline, stream, windowed
from mlsd_lab.features.feed import FEED
from mlsd_lab.features.stores.backfill import KEY, Backfilled, backfill
from mlsd_lab.features.stores.head import HEAD, Head
from mlsd_lab.features.stores.store_sink import StoreSink
from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.erase import erase
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.lake_events import LakeEvents
from mlsd_lab.ingestion.stream.consume import consume
from mlsd_lab.ingestion.stream.correct import correct
from mlsd_lab.ingestion.stream.lake_sink import LakeSink
from mlsd_lab.ingestion.stream.sqlite_stream import SqliteStream
from mlsd_lab.ingestion.warehouse import Warehouse
from tests.features.oracle import windowed_features
from tests.features.store_contract import MANY_KEYS, WINDOWED, asked, assert_as_computed_offline
from tests.features.stores.test_store_sink import NOW, lines
from tests.features.streams import EVENT, START, VIDEOS, Event, assert_bits_equal, log_of, seeded_log
from tests.ingestion.killing import Job, Zygote, zygote


def numbered(log: Log) -> Log:
    """The same log with ids whose order as text is their order."""
    return log.with_events(log.events.assign(event_id=[f"e{number:05}" for number in range(len(log.events))]))


class Way:
    """A stream, and a lake that reads it."""

    def __init__(self, folder: Path, log: Log) -> None:
        self.log, self.sent = log, lines(log)
        self.stream, self.lake = SqliteStream(folder / "stream.db"), Lake(folder / "lake")

    def read(self, pieces: int = 1_000, batch: int = 1_000) -> None:
        """Let the lake read so many pieces."""
        sink = LakeSink(self.lake)
        list(islice(consume(self.stream, sink, lambda: NOW, timedelta(hours=1), batch), pieces))

    def feed(self, store: OnlineStore, batch: int = 1_000) -> StoreSink:
        """Let a store read what it lacks of the stream."""
        sink = StoreSink(store, self.log)
        list(consume(self.stream, sink, lambda: NOW, timedelta(hours=1), batch))
        return sink

    def timeline(self, catalogue: Catalogue = MANY_KEYS) -> Timeline:
        """What training sees of the whole lake, once it is corrected."""
        correct(self.lake)
        events = Warehouse(self.lake).query("SELECT * EXCLUDE (event_date) FROM fact_events")
        return Timeline(catalogue, Log.from_frames(events, VIDEOS, datasheet=self.log.datasheet))

    def assert_equal(self, store: OnlineStore) -> None:
        timeline = self.timeline(store.catalogue)
        assert store.position == len(timeline.known_at)
        later = pd.Timestamp(store.newest, unit="us", tz="UTC") + timedelta(minutes=1)
        for user in ("u0", "u1", "nobody"):
            assert_as_computed_offline(timeline, asked(store, later, user))


@pytest.fixture
def way(tmp_path: Path) -> Iterator[Way]:
    made = Way(tmp_path, numbered(seeded_log(300)))
    yield made
    made.stream.close()


@settings(max_examples=8, deadline=None, derandomize=True)
@given(events=st.lists(EVENT, min_size=2, max_size=30), batch=st.integers(1, 9), data=st.data())
def test_wherever_the_lake_stands_the_store_is_what_training_computes_and_the_stream_goes_on(
    events: list[Event], batch: int, data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder:
        way = Way(Path(folder), numbered(log_of(events)))
        way.stream.append(way.sent)
        way.read(data.draw(st.integers(1, 4)), batch)
        if data.draw(st.booleans()):
            correct(way.lake)
        store = MemoryStore(MANY_KEYS, VIDEOS)
        found = backfill(store, way.lake, way.log, rows=1)
        assert found.offset == store.position == found.absorbed == min(found.offset or 0, len(events))
        way.assert_equal(store)
        sink = way.feed(store, data.draw(st.integers(1, 9)))
        assert (sink.missed, sink.refused) == (0, 0)
        way.read()
        way.assert_equal(store)
        way.stream.close()


@settings(max_examples=5, deadline=None, derandomize=True)
@given(events=st.lists(EVENT, min_size=2, max_size=20), data=st.data())
def test_after_copies_corrections_and_an_erasure_a_new_store_is_what_training_and_duckdb_compute(
    events: list[Event], data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder:
        way = Way(Path(folder), numbered(log_of(events)))
        for _ in range(3):
            at = data.draw(st.integers(0, len(way.sent) - 1))
            event = json.loads(way.sent[at])
            later = pd.Timestamp(event["known_at"]) + timedelta(minutes=data.draw(st.sampled_from([0, 3, 600])))
            copy = event | {"known_at": later.isoformat(), "watch_seconds": data.draw(st.sampled_from([1.0, 2.0]))}
            way.sent.insert(data.draw(st.integers(at, len(way.sent))), json.dumps(copy).encode())
        cut = data.draw(st.integers(1, len(way.sent)))
        way.stream.append(way.sent[:cut])
        way.read(batch=data.draw(st.integers(1, 9)))
        fed = MemoryStore(MANY_KEYS, VIDEOS)
        backfill(fed, way.lake, way.log)
        way.stream.append(way.sent[cut:] or way.sent[-1:])
        sink = way.feed(fed, data.draw(st.integers(1, 9)))
        way.read()
        if sink.missed == 0:
            way.assert_equal(fed)
        erase(way.lake, data.draw(st.sampled_from(["u0", "u1", "nobody"])), NOW)
        store = MemoryStore(MANY_KEYS, VIDEOS)
        backfill(store, way.lake, way.log)
        if store.position:
            way.assert_equal(store)
            log = Log.from_frames(LakeEvents(way.lake).to_frame(), VIDEOS, datasheet=way.log.datasheet)
            rows = asked(store, pd.Timestamp(store.newest, unit="us", tz="UTC").ceil("D") + timedelta(days=7), "u2")
            assert_bits_equal(rows[WINDOWED], windowed_features(log, rows))
        way.stream.close()


def test_it_reads_no_more_than_asked_for_at_once_and_tells_how_far_it_is(way: Way) -> None:
    way.stream.append(way.sent)
    way.read()
    store, told, sizes = MemoryStore(FEED, VIDEOS), [], []
    absorb = store.absorb

    def noted(batch: pd.DataFrame, offset: int, mark: Any = None) -> None:
        sizes.append(len(batch))
        absorb(batch, offset, mark)

    store.absorb = noted  # type: ignore[method-assign]
    found = backfill(store, way.lake, way.log, lambda stage, share: told.append((stage, share)))
    assert found == Backfilled(absorbed=300, refused=0, position=300, offset=300)
    assert told[-1] == ("300 of 300 events", 1.0)
    assert [share for _, share in told] == sorted(share for _, share in told)
    assert sizes[-1] == 0
    assert backfill(store, way.lake, way.log) == Backfilled(0, 0, 300, 300)


def test_a_store_goes_on_where_it_stands_whoever_brought_it_there(way: Way) -> None:
    way.stream.append(way.sent[:200])
    way.read()
    by_backfill, by_stream, by_hand = (MemoryStore(MANY_KEYS, VIDEOS) for _ in range(3))
    backfill(by_backfill, way.lake, way.log)
    way.feed(by_stream)
    by_hand.absorb(stream(way.log).iloc[:200], offset=0)
    way.stream.append(way.sent[200:])
    way.read()
    for store in (by_backfill, by_stream, by_hand):
        assert store.position == 200
        assert backfill(store, way.lake, way.log) == Backfilled(100, 0, 300, 300)
        way.assert_equal(store)
        assert way.feed(store).missed == 0
        assert store.position == 300


def test_a_store_that_the_stream_took_further_than_the_lake_is_left_as_it_is(way: Way) -> None:
    way.stream.append(way.sent[:100])
    way.read()
    store = MemoryStore(FEED, VIDEOS)
    backfill(store, way.lake, way.log)
    way.stream.append(way.sent[100:])
    way.feed(store)
    mark = store.mark
    assert backfill(store, way.lake, way.log) == Backfilled(0, 0, 300, 300)
    assert store.mark == mark
    way.read()
    assert backfill(store, way.lake, way.log) == Backfilled(0, 0, 300, 300)


def test_what_was_corrected_or_erased_under_a_store_is_said_and_nothing_is_absorbed(way: Way) -> None:
    way.stream.append(way.sent[:200])
    way.read()
    store = MemoryStore(FEED, VIDEOS)
    backfill(store, way.lake, way.log)
    before = store.position, store.mark
    better = json.loads(way.sent[150])
    better["known_at"] = better["occurred_at"] = way.log.events["occurred_at"].iloc[0].isoformat()
    way.stream.append([json.dumps(better).encode()])
    way.read()
    with pytest.raises(ConfigError, match=r"expected the 200 events .* found as many, and not the same in the lake"):
        backfill(store, way.lake, way.log)
    erase(way.lake, "u1", NOW)
    with pytest.raises(ConfigError, match=r"found \d+ in the lake: since then some came, were corrected or erased"):
        backfill(store, way.lake, way.log)
    assert (store.position, store.mark) == before
    anew = MemoryStore(MANY_KEYS, VIDEOS)
    backfill(anew, way.lake, way.log)
    way.assert_equal(anew)


def test_a_store_of_another_stream_is_refused(way: Way, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Way(tmp_path / "other", way.log)
    for one in (way, other):
        one.stream.append(one.sent[:50])
        one.read()
    store = MemoryStore(FEED, VIDEOS)
    way.feed(store)
    with pytest.raises(ConfigError, match="expected a store fed by the lake's stream"):
        backfill(store, other.lake, way.log)
    other.stream.close()


def click_lake(folder: Path, log: Log) -> Lake:
    (folder / "clicks").mkdir(exist_ok=True)
    (folder / "clicks" / f"{len(log.events)}.jsonl").write_bytes(b"\n".join(lines(log)) + b"\n")
    lake = Lake(folder / "lake")
    ingest(lake, [ClickLog(folder / "clicks")], NOW)
    return lake


def test_what_batches_brought_does_not_come_again_by_the_stream(way: Way, tmp_path: Path) -> None:
    events = way.log.events
    same = events["known_at"].where(events.index < 296, events["known_at"].iloc[299])  # four known at one moment
    way = Way(tmp_path, way.log.with_events(events.assign(known_at=same)))
    lake = click_lake(tmp_path, way.log.with_events(way.log.events.iloc[:298]))
    store = MemoryStore(MANY_KEYS, VIDEOS)
    assert backfill(store, lake, way.log) == Backfilled(298, 0, 298, None)
    assert StoreSink(store, way.log).position() is None
    way.stream.append(way.sent)
    sink = way.feed(store, batch=7)
    assert (store.position, sink.missed) == (300, 298)
    way.read()
    way.assert_equal(store)


def test_a_lake_without_a_stream_may_grow(way: Way, tmp_path: Path) -> None:
    store = MemoryStore(MANY_KEYS, VIDEOS)
    for size in (120, 300):
        lake = click_lake(tmp_path, way.log.with_events(way.log.events.iloc[:size]))
        backfill(store, lake, way.log)
    way.assert_equal(store)


def test_a_value_that_a_feature_refuses_holds_nobody_up(way: Way) -> None:
    @windowed(entity="user_id", over="7d", aggregate=Sum)
    def seconds(events: pd.DataFrame) -> pd.Series:
        """Seconds watched."""
        return events["watch_seconds"]

    def sent(at: int) -> bytes:
        return json.dumps({**json.loads(way.sent[at]), "watch_seconds": 1e308 if at % 40 == 7 else 1}).encode()

    way.stream.append([sent(at) for at in range(200)])
    way.read()
    store = MemoryStore(Catalogue("seconds", "1", [seconds]), VIDEOS)
    assert backfill(store, way.lake, way.log) == Backfilled(195, 5, 195, 200)
    way.stream.append([sent(at) for at in range(200, 300)])
    way.read()
    assert backfill(store, way.lake, way.log) == Backfilled(97, 3, 292, 300)


def test_what_a_store_left_out_is_among_the_reasons_why_it_cannot_go_on_from_the_lake(way: Way) -> None:
    @windowed(entity="user_id", over="7d", aggregate=Sum)
    def seconds(events: pd.DataFrame) -> pd.Series:
        """Seconds watched."""
        return events["watch_seconds"]

    way.stream.append([json.dumps({**json.loads(line), "watch_seconds": 1e308}).encode() for line in way.sent[:9]])
    way.stream.append(way.sent[9:200])
    way.read()
    store = MemoryStore(Catalogue("seconds", "1", [seconds]), VIDEOS)
    assert backfill(store, way.lake, way.log).refused == 9
    way.stream.append(way.sent[200:])
    way.feed(store)
    way.read()
    with pytest.raises(ConfigError, match=r"expected the 291 events .* or the store left some out"):
        backfill(store, way.lake, way.log)


@pytest.mark.parametrize("mark", [{"offset": 5}, {"stream": "s"}, 7])
def test_a_mark_that_somebody_else_left_is_none_of_a_stream(way: Way, mark: Any) -> None:
    way.stream.append(way.sent)
    way.read()
    store = MemoryStore(FEED, VIDEOS)
    store.absorb(stream(way.log).iloc[:5], offset=0, mark=mark)
    assert backfill(store, way.lake, way.log) == Backfilled(295, 0, 300, 300)
    way.assert_equal(store)


def test_a_store_that_a_backfill_left_half_made_is_not_fed(way: Way) -> None:
    way.stream.append(way.sent)
    way.read()
    store = broken_off(way, MemoryStore(FEED, VIDEOS))
    with pytest.raises(ConfigError, match=r"found one that broke off after 300 events; .* mlsd-lab features backfill"):
        way.feed(store)
    backfill(store, way.lake, way.log)
    assert way.feed(store).missed == 0


def broken_off(way: Way, store: MemoryStore) -> MemoryStore:
    def stopped(_stage: str, _share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backfill(store, way.lake, way.log, stopped)
    return store


def test_events_that_came_late_while_it_was_broken_off_are_found_out(way: Way) -> None:
    way.stream.append(way.sent[1:])
    way.read()
    store = broken_off(way, MemoryStore(FEED, VIDEOS))
    way.stream.append(way.sent[:1])
    way.read()
    with pytest.raises(ConfigError, match=r"expected the 299 events .* found 300 in the lake"):
        backfill(store, way.lake, way.log)


def test_an_outline_of_the_lake_knows_what_training_knows(way: Way, tmp_path: Path) -> None:
    lake, store = click_lake(tmp_path, way.log), MemoryStore(MANY_KEYS, VIDEOS)
    outline, whole = Warehouse(lake).outline(), Warehouse(lake).log()
    assert outline.datasheet == whole.datasheet
    assert outline.events.empty
    store = MemoryStore(FEED, outline.videos)
    backfill(store, lake, outline)
    later = pd.Timestamp(store.newest, unit="us", tz="UTC") + timedelta(minutes=1)
    assert_as_computed_offline(Timeline(FEED, whole), asked(store, later, "u0"))


def test_without_a_lake_it_says_so(way: Way, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="expected a lake at"):
        backfill(MemoryStore(FEED, VIDEOS), Lake(tmp_path / "none"), way.log)
    way.read()  # an empty stream
    store = MemoryStore(FEED, VIDEOS)
    LakeSink(way.lake).position()
    assert backfill(store, way.lake, way.log) == Backfilled(0, 0, 0, None)
    assert store.mark is None


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    with zygote(tmp_path_factory.mktemp("temporary")) as running:
        yield running


DEATHS = [[(3, "after"), (2, "before"), (4, "after")], [(11, "before")], [(1, "before"), (1, "after"), (9, "before")]]
"""Of a store each: at which of its writes each run is killed; the tenth is the last piece, then comes the end."""


def test_killed_before_or_after_any_write_and_run_again_it_leaves_the_bits_of_an_undisturbed_one(
    processes: Zygote, tmp_path: Path
) -> None:
    log = numbered(seeded_log(20_000))
    times = START + pd.to_timedelta(np.arange(20_000) // 3, unit="min")
    lake = click_lake(tmp_path, log.with_events(log.events.assign(occurred_at=times, known_at=times)))
    job: Job = {"do": "backfill", "lake": lake.root, "store": str(tmp_path / "undisturbed"), "batch": 2048}
    processes.done(job)
    expected = held(Path(job["store"]))
    position, mark = expected[HEAD]
    assert (position, mark[KEY]["whole"], mark[KEY]["events"]) == (20_000, True, 20_000)
    positions = []
    for number, deaths in enumerate(DEATHS):
        place = tmp_path / str(number)
        for write, when in deaths:
            [killed] = processes.run({**job, "store": str(place), "die": write, "when": when})
            assert killed.hit, killed.said
            positions.append(held(place)[HEAD][0])
        processes.done({**job, "store": str(place)})
        assert held(place) == expected
    assert positions == [3 * 2048, 4 * 2048, 8 * 2048, 20_000, 0, 2048, 9 * 2048]


def held(place: Path) -> dict[bytes, Any]:
    """Everything in the one store of a folder; of its head what does not tell how often it was written."""
    (file,) = place.glob("*.db")
    with closing(sqlite3.connect(file)) as connection:  # a state ends with its checksum
        rows = {key: state[:-4] for key, state in connection.execute("SELECT key, state FROM rows")}
    head = Head.of(rows[HEAD]) if HEAD in rows else Head("")
    return {**rows, HEAD: (head.position, head.mark)}
