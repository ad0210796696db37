import json
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.content import content_hash
from mlsd_lab.ingestion.contracts import EVENTS
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.source import Position
from mlsd_lab.ingestion.stream.consume import Consumed, consume
from mlsd_lab.ingestion.stream.correct import correct
from mlsd_lab.ingestion.stream.lake_sink import LakeSink
from mlsd_lab.ingestion.stream.sqlite_stream import SqliteStream
from mlsd_lab.ingestion.stream.stream_sink import Arrived

START = datetime(2026, 1, 1, 22, tzinfo=UTC)
NOW = datetime(2026, 2, 1, tzinfo=UTC)


def event(name: str, minute: int, delay: int = 0, **values: Any) -> bytes:
    occurred = START + timedelta(minutes=minute)
    times = {"occurred_at": occurred.isoformat(), "known_at": (occurred + timedelta(minutes=delay)).isoformat()}
    return json.dumps({"event_id": name, "user_id": "u", "video_id": "v", **times, **values}).encode()


records = st.one_of(
    st.builds(event, st.sampled_from("abcdefgh"), st.integers(0, 200), st.integers(0, 3)),
    st.builds(event, st.uuids().map(str), st.integers(0, 200)),
    st.sampled_from([b"", b"poison", b"a\nb", event("f", 5, liked="yes"), event("é\x01".encode().hex(), 7)]),
)


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[SqliteStream]:
    opened = SqliteStream(tmp_path / "stream.db")
    yield opened
    opened.close()


def expected_late(stream: SqliteStream, lateness: timedelta) -> list[str]:
    """The rule, one record at a time."""
    found, late, newest = stream.read(0, 1_000), [], None
    for offset, record in enumerate(found.records):
        try:
            values = EVENTS.read(record.replace(b"\n", b" "), NOW)
        except DataError:
            continue
        if offset in found.corrections or (newest is not None and values["occurred_at"] < newest - lateness):
            late.append(values["event_id"])
        newest = max(newest or START, values["occurred_at"])
    return sorted(late)


class Listing:
    """A sink that keeps what it is given, in this process."""

    def __init__(self) -> None:
        self.on_time: list[str] = []
        self.late: list[str] = []
        self.at: Position | None = None

    def position(self) -> Position | None:
        return self.at

    def apply(self, arrived: Arrived) -> None:
        for table, kept in (("parsed", self.on_time), ("late", self.late)):
            ids = arrived.connection.execute(f"SELECT event_id FROM {table}").fetchall()
            kept += [name for (name,) in ids]
        self.at = arrived.position


@settings(max_examples=40, deadline=None)
@given(
    batches=st.lists(st.lists(records, max_size=12), max_size=5),
    minutes=st.sampled_from([0, 10, 60, 1_000]),
    sizes=st.lists(st.integers(1, 20), min_size=1, max_size=4),
)
def test_what_is_late_does_not_depend_on_the_pieces(batches: list[list[bytes]], minutes: int, sizes: list[int]) -> None:
    lateness = timedelta(minutes=minutes)
    with TemporaryDirectory() as folder:
        stream, sink = SqliteStream(Path(folder, "stream.db")), Listing()
        for number, batch in enumerate(batches):
            stream.append(batch)
            list(consume(stream, sink, lambda: NOW, lateness, batch=sizes[number % len(sizes)]))
        assert sorted(sink.late) == expected_late(stream, lateness)
        assert sink.at is None or sink.at["offset"] == stream.end
        stream.close()


def brought_in(folder: Path, records: list[bytes]) -> Lake:
    """What batch ingestion makes of the same records."""
    (folder / "clicks").mkdir()
    (folder / "clicks" / "1.jsonl").write_bytes(b"".join(record.replace(b"\n", b" ") + b"\n" for record in records))
    lake = Lake(folder / "batch")
    ingest(lake, [ClickLog(folder / "clicks")], NOW, bad_share=1)
    return lake


def ids_of(lake: Lake, table: str) -> set[str]:
    connection = connect()
    lake.view(connection, table, "held")
    return {name for (name,) in connection.execute("SELECT event_id FROM held").fetchall()}


def hash_of(lake: Lake) -> str:
    return content_hash(connect(), lake.table("events"))


@settings(max_examples=15, deadline=None)
@given(batches=st.lists(st.lists(records, max_size=12), min_size=1, max_size=3), size=st.integers(4, 20))
def test_the_late_table_holds_what_is_missing_until_the_correction_makes_the_lake_what_batch_makes(
    batches: list[list[bytes]], size: int
) -> None:
    with TemporaryDirectory() as folder:
        stream, lake = SqliteStream(Path(folder, "stream.db")), Lake(f"{folder}/streamed")
        for batch in batches:
            stream.append(batch)
        seen = list(consume(stream, LakeSink(lake), lambda: NOW, timedelta(minutes=30), size))
        late = set(expected_late(stream, timedelta(minutes=30)))
        assert sum(one.read for one in seen) == sum(one.on_time + one.late + one.dead for one in seen) == stream.end
        stream.close()
        whole = brought_in(Path(folder), [record for batch in batches for record in batch])
        assert ids_of(lake, "late_events") == late
        assert ids_of(lake, "events") | late == ids_of(whole, "events")
        assert correct(lake).late == len(late)
        assert hash_of(lake) == hash_of(whole)
        assert correct(lake).late == 0


within = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 3)), min_size=1, max_size=20)


@settings(max_examples=15, deadline=None)
@given(events=within, order=st.randoms(use_true_random=False), size=st.integers(1, 20))
def test_any_order_and_any_copies_within_the_lateness_are_no_matter(
    events: list[tuple[int, int]], order: random.Random, size: int
) -> None:
    sent = [event(f"e{at}", minute) for at, (minute, copies) in enumerate(events) for _ in range(copies)]
    order.shuffle(sent)
    with TemporaryDirectory() as folder:
        stream, lake = SqliteStream(Path(folder, "stream.db")), Lake(f"{folder}/streamed")
        for at in range(0, len(sent), 5):
            stream.append(sent[at : at + 5])
            list(consume(stream, LakeSink(lake), lambda: NOW, timedelta(minutes=200), size))
        stream.close()
        assert not lake.has("late_events")
        assert hash_of(lake) == hash_of(brought_in(Path(folder), sent))


def told(stream: SqliteStream, events: Sequence[bytes], **more: Any) -> Consumed:
    stream.append(events)
    [found] = consume(stream, Listing(), lambda: NOW, **more)
    return found


def test_the_watermark_follows_the_newest_event_and_the_lag_what_is_left(stream: SqliteStream) -> None:
    stream.append([event("a", 0), event("b", 100), event("c", 50), b"poison"])
    first, second = consume(stream, Listing(), lambda: NOW, timedelta(minutes=60), batch=3)
    assert (first.watermark, first.lag) == (START + timedelta(minutes=40), 1)
    assert (second.dead, second.lag, second.watermark) == (1, 0, first.watermark)


def test_a_piece_that_was_applied_is_told_though_the_stream_is_gone(stream: SqliteStream) -> None:
    class Last(Listing):
        def apply(self, arrived: Arrived) -> None:
            super().apply(arrived)
            stream.close()

    stream.append([event("a", 0), event("b", 0)])
    found = next(consume(stream, Last(), lambda: NOW, batch=1))
    assert (found.on_time, found.lag) == (1, 1)


def test_a_poison_record_first_in_line_holds_nobody_up(stream: SqliteStream) -> None:
    found = told(stream, [b"\xff\x00", event("a", 0)])
    assert (found.dead, found.on_time, found.lag) == (1, 1, 0)


def test_what_is_sent_again_mended_waits_for_the_correction(stream: SqliteStream, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    stream.append([event("a", 0, watch_seconds=-5.0), event("a", 0)])
    [found] = consume(stream, LakeSink(lake), lambda: NOW)
    assert (found.dead, found.on_time, found.late) == (1, 0, 1)
    assert (correct(lake).new, ids_of(lake, "events")) == (1, {"a"})


def test_a_clock_a_year_ahead_does_not_make_all_others_late(stream: SqliteStream) -> None:
    found = told(stream, [event("ahead", 60 * 24 * 365), event("a", 0)])
    assert (found.dead, found.on_time, found.late) == (1, 1, 0)


def test_a_consumer_that_comes_back_after_a_day_goes_on(stream: SqliteStream) -> None:
    sink = Listing()
    for day in (0, 1):
        stream.append([event(f"{day}-{number}", day * 24 * 60 + number) for number in range(5)])
        list(consume(stream, sink, lambda: NOW))
    assert len(sink.on_time) == 10


def test_a_consumer_that_waits_goes_on_with_what_came_meanwhile(stream: SqliteStream) -> None:
    sink, days = Listing(), iter([1, 2])
    stream.append([event("0", 0)])

    def wait() -> bool:
        if day := next(days, None):
            stream.append([event(f"{day}", day * 24 * 60)])
        return day is not None

    moments = iter(NOW + timedelta(days=day) for day in range(9))
    seen = list(consume(stream, sink, lambda: next(moments), wait=wait))
    assert ([one.read for one in seen], sink.on_time) == ([1, 1, 1], ["0", "1", "2"])
    assert next(moments) == NOW + timedelta(days=3)


def test_the_clock_is_asked_for_each_piece(stream: SqliteStream) -> None:
    late = int(timedelta(days=40) / timedelta(minutes=1))
    stream.append([event("a", late), event("b", late)])
    days = iter([0, 60])
    seen = list(consume(stream, Listing(), lambda: NOW + timedelta(days=next(days)), batch=1))
    assert [(one.dead, one.on_time) for one in seen] == [(1, 0), (0, 1)]


def test_a_sink_that_stands_elsewhere_is_refused_with_a_sentence(stream: SqliteStream, tmp_path: Path) -> None:
    sink = Listing()
    stream.append([event(name, 0) for name in "abc"])
    list(consume(stream, sink, lambda: NOW, batch=2))
    other = SqliteStream(tmp_path / "other.db")
    with pytest.raises(
        ConfigError, match=r"in which the sink stands at 3, found the stream .* made anew or is another"
    ):
        next(consume(other, sink, lambda: NOW))
    other.close()
    sink.at = {**(sink.at or {}), "offset": 1}
    stream.trim(2)
    with pytest.raises(ConfigError, match="expected an offset of 2 or more, found 1: what lay before was trimmed"):
        next(consume(stream, sink, lambda: NOW))


def test_a_stream_that_was_set_back_and_written_on_is_told_from_the_one_that_was_read(tmp_path: Path) -> None:
    sink, file, copy = Listing(), tmp_path / "stream.db", tmp_path / "copy.db"
    for records in ([event("a", 0)], [event("b", 0), event("c", 0)]):
        copy.write_bytes(file.read_bytes()) if file.exists() else None
        stream = SqliteStream(file)
        stream.append(records)
        list(consume(stream, sink, lambda: NOW))
        stream.close()
    file.write_bytes(copy.read_bytes())
    stream = SqliteStream(file)
    stream.append([event("b", 0)])
    with pytest.raises(ConfigError, match="at most 2, the stream's end, found 3"):
        next(consume(stream, sink, lambda: NOW))
    stream.append([event("d", 0), event("e", 0)])
    with pytest.raises(ConfigError, match="at offset 2 the record that the sink read last, found another"):
        next(consume(stream, sink, lambda: NOW))
    stream.trim(3)
    list(consume(stream, sink, lambda: NOW))
    assert sink.on_time == ["a", "b", "c", "e"]
    stream.close()


def test_a_new_sink_begins_where_the_stream_does(stream: SqliteStream) -> None:
    stream.append([event(name, 0) for name in "abc"])
    stream.trim(1)
    sink = Listing()
    list(consume(stream, sink, lambda: NOW))
    assert sorted(sink.on_time) == ["b", "c"]


@pytest.mark.parametrize("wrong", [{"batch": 0}, {"lateness": timedelta(seconds=-1)}, {"lateness": timedelta.max}])
def test_settings_that_make_no_sense_are_refused(stream: SqliteStream, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="expected batch 1 or more and lateness 0 to 100 years"):
        next(consume(stream, Listing(), lambda: NOW, **wrong))
