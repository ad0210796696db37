import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError, ConflictError
from mlsd_lab.features import Catalogue, MemoryStore, OnlineStore, SqliteStore, Sum, Timeline, last, windowed
from mlsd_lab.features import stream as rows_of
from mlsd_lab.features.feed import FEED
from mlsd_lab.features.stores.erase_from_store import erase_from_store
from mlsd_lab.features.stores.store_sink import StoreSink
from mlsd_lab.ingestion.erase import erase
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.stream.consume import consume
from mlsd_lab.ingestion.stream.lake_sink import LakeSink
from mlsd_lab.ingestion.stream.sqlite_stream import SqliteStream
from tests.features.store_contract import asked
from tests.features.streams import EVENT, Event, assert_bits_equal, log_of, seeded_log

NOW = datetime(2027, 1, 1, tzinfo=UTC)
COLUMNS = list(FEED.columns)


def lines(log: Log) -> list[bytes]:
    """The log's events as a collector appends them, in the order in which they were known."""
    text = json.loads(
        log.events.astype({"user_id": str, "video_id": str}).to_json(
            orient="records", date_format="iso", date_unit="us"
        )
    )
    return [json.dumps({**event, "event_id": str(event["event_id"])}).encode() for event in text]


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[SqliteStream]:
    opened = SqliteStream(tmp_path / "stream.db")
    yield opened
    opened.close()


def opened(kind: str, folder: Path, log: Log) -> OnlineStore:
    return MemoryStore(FEED, log.videos) if kind == "memory" else SqliteStore(folder / "store.db", FEED, log.videos)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    events=st.lists(EVENT, min_size=1, max_size=30),
    piece=st.integers(1, 12),
    poison=st.lists(st.integers(0, 30), max_size=3),
)
def test_what_is_read_from_a_store_fed_by_a_stream_is_what_training_computes(
    kind: str, events: list[Event], piece: int, poison: list[int]
) -> None:
    log = log_of(events)
    sent = lines(log)
    for number in poison:
        sent.insert(number, b"poison %d" % number)
    with TemporaryDirectory() as folder:
        stream, store = SqliteStream(Path(folder, "stream.db")), opened(kind, Path(folder), log)
        sink = StoreSink(store, log)
        for at in range(0, len(sent), 7):
            stream.append(sent[at : at + 7])
            list(consume(stream, sink, lambda: NOW, timedelta(hours=1), piece))
        stream.close()
        assert (store.position, sink.missed) == (len(log.events), 0)
        rows = asked(store, log.events["known_at"].iloc[-1] + timedelta(minutes=1), "u0")
        store.close()
    assert_bits_equal(rows[COLUMNS], Timeline(FEED, log).features(rows, rows["position_absorbed"].to_numpy()))


def test_a_piece_is_absorbed_in_the_order_in_which_it_was_known(stream: SqliteStream) -> None:
    log = seeded_log(60)
    stream.append(list(reversed(lines(log))))
    store = MemoryStore(FEED, log.videos)
    list(consume(stream, StoreSink(store, log), lambda: NOW, timedelta(hours=1)))
    rows = asked(store, log.events["known_at"].iloc[-1] + timedelta(minutes=1), "u1")
    assert_bits_equal(rows[COLUMNS], Timeline(FEED, log).features(rows, np.full(len(rows), 60)))


def test_what_cannot_be_added_any_more_is_counted(stream: SqliteStream) -> None:
    log = seeded_log(10)
    sent, store = lines(log), MemoryStore(FEED, log.videos)
    sink = StoreSink(store, log)
    stream.append(sent[5:])
    list(consume(stream, sink, lambda: NOW))
    stream.append([*sent[:5], sent[7][:-1] + b', "request_id": "r"}'])
    list(consume(stream, sink, lambda: NOW))
    before = int((log.events["known_at"].iloc[:5] < log.events["known_at"].iloc[-1]).sum())
    assert (store.position, sink.missed) == (10 - before, before + 1)


def test_a_store_goes_on_where_it_stood_when_it_was_saved(stream: SqliteStream, tmp_path: Path) -> None:
    log = seeded_log(40)
    sent, store = lines(log), MemoryStore(FEED, log.videos)
    stream.append(sent[:25])
    list(consume(stream, StoreSink(store, log), lambda: NOW))
    store.save(tmp_path / "state")
    stream.append(sent[25:])
    list(consume(stream, StoreSink(store, log), lambda: NOW))
    again = MemoryStore.load(tmp_path / "state", FEED, log.videos)
    assert [one.read for one in consume(stream, StoreSink(again, log), lambda: NOW)] == [15]
    later = log.events["known_at"].iloc[-1] + timedelta(minutes=1)
    assert_bits_equal(asked(again, later, "u2")[COLUMNS], asked(store, later, "u2")[COLUMNS])
    other = SqliteStream(tmp_path / "other.db")
    with pytest.raises(ConfigError, match="made anew or is another"):
        list(consume(other, StoreSink(again, log), lambda: NOW))
    other.close()


def test_of_two_consumers_of_one_store_the_second_absorbs_nothing_twice(stream: SqliteStream) -> None:
    log = seeded_log(9)
    moment = log.events["known_at"].iloc[-1].isoformat()
    stream.append([json.dumps({**json.loads(line), "known_at": moment}).encode() for line in lines(log)])
    store = MemoryStore(FEED, log.videos)
    pieces = consume(stream, StoreSink(store, log), lambda: NOW, batch=3)
    next(pieces)
    list(consume(stream, StoreSink(store, log), lambda: NOW, batch=2))
    with pytest.raises(ConflictError, match=r"expected it at offset 3 .*, found it at 9: another consumer was first"):
        next(pieces)
    assert (store.position, store.mark["offset"]) == (9, 9)


def test_of_two_consumers_with_a_handle_each_the_second_absorbs_nothing_twice_and_may_go_on(
    stream: SqliteStream, tmp_path: Path
) -> None:
    log = seeded_log(12)
    stream.append(lines(log)[:9])
    first, second = (SqliteStore(tmp_path / "store.db", FEED, log.videos) for _ in range(2))
    pieces = consume(stream, StoreSink(first, log), lambda: NOW, batch=3)
    next(pieces)
    with pytest.raises(ConflictError, match="another writer was first, and nothing of this batch was written"):
        list(consume(stream, StoreSink(second, log), lambda: NOW, batch=2))
    list(consume(stream, StoreSink(second, log), lambda: NOW, batch=2))
    with pytest.raises(ConflictError, match="another writer was first"):
        next(pieces)
    stream.append(lines(log)[9:])
    list(consume(stream, StoreSink(first, log), lambda: NOW))
    rows = asked(second, log.events["known_at"].iloc[-1] + timedelta(minutes=1), "u0")
    assert_bits_equal(rows[COLUMNS], Timeline(FEED, log).features(rows, np.full(len(rows), 12)))
    assert (first.position, first.mark["offset"]) == (12, 12)
    first.close()
    second.close()


@pytest.mark.parametrize("which", [0, 1])
def test_a_value_that_a_feature_refuses_holds_nobody_up(stream: SqliteStream, which: int) -> None:
    @windowed(entity="user_id", over="7d", aggregate=Sum)
    def seconds(events: pd.DataFrame) -> pd.Series:
        """Seconds watched."""
        return events["watch_seconds"]

    @last("video_id")
    def double(events: pd.DataFrame) -> pd.Series:
        """Twice the seconds watched, infinite for the largest numbers."""
        return events["watch_seconds"] * 2

    log = seeded_log(20)
    sent = [json.dumps({**json.loads(line), "watch_seconds": 1}).encode() for line in lines(log)]
    for at in (0, 7, 19):
        sent[at] = sent[at].replace(b'"watch_seconds": 1', b'"watch_seconds": 1e308')
    stream.append(sent)
    store = MemoryStore(Catalogue("seconds", "1", [(seconds, double)[which]]), log.videos)
    sink = StoreSink(store, log)
    assert [one.lag for one in consume(stream, sink, lambda: NOW, batch=10)] == [10, 0]
    assert (store.position, sink.refused, sink.missed) == (17, 3, 0)


@pytest.mark.parametrize("mark", [None, 7, {"offset": 3}])
def test_a_store_that_does_not_say_up_to_where_it_has_absorbed_is_refused(stream: SqliteStream, mark: Any) -> None:
    log = seeded_log(10)
    stream.append(lines(log))
    store = MemoryStore(FEED, log.videos)
    store.absorb(rows_of(log).iloc[:5], offset=0, mark=mark)
    with pytest.raises(
        ConfigError, match=r"expected one that a stream or a backfill filled, found 5 events with the m"
    ):
        list(consume(stream, StoreSink(store, log), lambda: NOW))
    assert store.position == 5


def test_who_was_erased_from_the_lake_does_not_come_back_by_the_stream(stream: SqliteStream, tmp_path: Path) -> None:
    log, lake = seeded_log(60), Lake(tmp_path / "lake")
    mine = (log.events["user_id"] == "u0").to_numpy()
    stream.append(lines(log)[:30])
    list(consume(stream, LakeSink(lake), lambda: NOW))
    store = MemoryStore(FEED, log.videos)
    sink = StoreSink(store, log, lake)
    list(consume(stream, sink, lambda: NOW, batch=7))
    assert (store.position, sink.erased) == (30, 0)
    erase(lake, "u0", NOW)
    erase_from_store(store, "u0")
    stream.append(lines(log)[30:])
    list(consume(stream, sink, lambda: NOW, batch=7))
    assert (store.position, sink.erased, sink.missed) == (60 - mine[30:].sum(), mine[30:].sum(), 0)
    later = log.events["known_at"].iloc[-1] + timedelta(minutes=1)
    of_user = [column for column in COLUMNS if column.startswith("user_")]
    assert_bits_equal(asked(store, later, "u0")[of_user], asked(store, later, "nobody")[of_user])


def test_people_and_videos_that_the_log_never_had_are_known_once_they_were_seen(stream: SqliteStream) -> None:
    log, store = seeded_log(5), None
    at = {"occurred_at": "2026-06-01T10:00:00Z", "known_at": "2026-06-01T10:00:01Z"}
    event: dict[str, Any] = {"event_id": "new", "user_id": "newcomer", "video_id": "upload", "long_view": True, **at}
    stream.append([json.dumps(event).encode()])
    store = MemoryStore(FEED, log.videos)
    list(consume(stream, StoreSink(store, log), lambda: NOW))
    answer = store.lookup("newcomer", ["upload", "v0"], pd.Timestamp("2026-06-01 10:01", tz="UTC")).to_frame()
    assert answer["user_impressions_1d"].tolist() == [1, 1]
    assert answer["video_impressions_1d"].tolist() == [1, 0]
    assert answer["video_duration"].isna().tolist() == [True, False]
