import json
from datetime import timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsd_lab.errors import ConflictError, DataError, StorageError
from mlsd_lab.ingestion import lake_events
from mlsd_lab.ingestion.admit import write
from mlsd_lab.ingestion.erase import erase
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.lake_events import LakeEvents, Place
from mlsd_lab.ingestion.lake_table import LakeTable
from mlsd_lab.ingestion.stream.consume import consume
from mlsd_lab.ingestion.stream.correct import correct
from mlsd_lab.ingestion.stream.lake_sink import LakeSink
from mlsd_lab.ingestion.stream.sqlite_stream import SqliteStream
from mlsd_lab.ingestion.upkeep import compact
from mlsd_lab.ingestion.warehouse import Warehouse
from tests.ingestion.stream.test_consume import NOW, START, event, records

SELECT = "user_id, epoch_us(known_at) AS known_at, liked"


def streamed(folder: Path, *lines: bytes, batch: int = 100, pieces: int = 100) -> Lake:
    """A lake that has read so many pieces of a stream."""
    lake, stream = Lake(folder / "lake"), SqliteStream(folder / "stream.db")
    if lines:
        stream.append(lines)
    list(islice(consume(stream, LakeSink(lake), lambda: NOW, timedelta(minutes=30), batch), pieces))
    stream.close()
    return lake


def told(events: LakeEvents, after: Place | None = None, rows: int = 2048) -> pd.DataFrame:
    pieces = list(events.pieces(SELECT, after, rows))
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame({"event_id": []})


@settings(max_examples=15, deadline=None, derandomize=True)
@given(lines=st.lists(records, min_size=3, max_size=30), batch=st.integers(1, 9), data=st.data())
def test_they_are_at_any_time_what_the_correction_makes_of_them(
    lines: list[bytes], batch: int, data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder:
        lake = streamed(Path(folder), *lines, batch=batch, pieces=data.draw(st.integers(1, 5)))
        before = LakeEvents(lake)
        found = told(before)
        correct(lake)
        expected = (
            Warehouse(lake)
            .query("SELECT event_id, epoch_us(known_at) AS known_at, liked FROM fact_events ORDER BY ALL")
            .sort_values(["known_at", "event_id"], ignore_index=True)
        )
        assert before.total == len(found) == len(expected)
        if len(found):
            pd.testing.assert_frame_equal(found[["event_id", "known_at", "liked"]], expected, check_dtype=False)
            assert told(LakeEvents(lake))["digest"].tolist() == found["digest"].tolist()
            assert told(before)["event_id"].tolist() == found["event_id"].tolist()  # as they were when it was made


def test_a_place_is_behind_an_event_and_what_is_behind_it_comes_next(tmp_path: Path) -> None:
    lines = [event(f"e{number:02}", 7 * (number // 3)) for number in range(30)]  # three at each moment
    events = LakeEvents(streamed(tmp_path, *lines))
    whole = told(events)
    assert whole["event_id"].tolist() == [f"e{number:02}" for number in range(30)]
    for number in (0, 1, 2, 16, 29):
        row = whole.iloc[number]
        place = events.until(int(row["known_at"]), row["event_id"])
        assert place.events == number + 1
        assert told(events, place)["event_id"].tolist() == whole["event_id"].iloc[number + 1 :].tolist()
        moment = events.until(int(row["known_at"]), None)
        assert moment.events == 3 * (number // 3) + 3
        assert told(events, moment)["event_id"].tolist() == whole["event_id"].iloc[moment.events :].tolist()
    assert events.until(-1, None) == Place(-1, None, 0, 0)
    assert events.until(10**18, None).digest == events.until(int(whole["known_at"].iloc[-1]), "e29").digest


def test_an_event_from_before_1970_is_one_too(tmp_path: Path) -> None:
    epoch = int(-START.timestamp() // 60)
    lines = [event(name, epoch + at) for name, at in (("b", -90), ("c", -1), ("a", -60 * 24 * 365 - 30), ("d", 1))]
    events = LakeEvents(streamed(tmp_path, *lines))
    assert told(events)["event_id"].tolist() == events.to_frame()["event_id"].tolist() == list("abcd")


def test_few_are_sorted_at_once_and_few_are_handed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake_events, "_SORTED_AT_ONCE", 3_000)
    lines = [event(f"{number:05}", number, delay=number % 90) for number in range(6_000)]
    events = LakeEvents(streamed(tmp_path, *lines, batch=4_000))
    pieces = [*events.pieces(SELECT, None, 2048)]
    assert 4 <= len(pieces) <= 8
    assert max(map(len, pieces)) == 2048
    whole = pd.concat(pieces)
    assert whole.set_index(["known_at", "event_id"]).index.is_monotonic_increasing
    assert len(whole) == events.total == 6_000


def test_the_digest_tells_that_an_event_has_changed_though_their_number_has_not(tmp_path: Path) -> None:
    lake = streamed(tmp_path, event("a", 0), event("b", 1, delay=5))
    before = LakeEvents(lake).until(10**18, None)
    lake = streamed(tmp_path, event("b", 1, delay=2))
    after = LakeEvents(lake).until(10**18, None)
    assert before.events == after.events == 2
    assert before.digest != after.digest


def test_where_the_lake_stands_in_its_stream_goes_with_them(tmp_path: Path) -> None:
    lines = [event(name, 100) for name in "abcdef"]
    lake = streamed(tmp_path, *lines, batch=2, pieces=2)
    events = LakeEvents(lake)
    assert events.stream is not None
    assert (events.stream["offset"], events.total) == (4, 4)
    streamed(tmp_path)
    assert told(events)["event_id"].tolist() == list("abcd")


def test_a_consumer_between_its_two_commits_is_waited_for_and_one_that_died_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = streamed(tmp_path, event("a", 200), event("b", 190))

    write_of_events = write

    def dies_at_events(connection: Any, table: LakeTable, *rest: Any) -> None:
        if table.shape.name == "events":
            raise KeyboardInterrupt
        write_of_events(connection, table, *rest)

    with monkeypatch.context() as patch:
        patch.setattr("mlsd_lab.ingestion.stream.lake_sink.write", dies_at_events)
        with pytest.raises(KeyboardInterrupt):
            streamed(tmp_path, event("late", 0), event("c", 201))
    monkeypatch.setattr(lake_events, "_TRIES", 2)
    with pytest.raises(ConflictError, match=r"has written late events and not yet those on time; .*stream consume"):
        LakeEvents(lake)
    streamed(tmp_path)
    assert told(LakeEvents(lake))["event_id"].tolist() == ["late", "b", "a", "c"]


def test_a_correction_that_runs_meanwhile_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = streamed(tmp_path, event("a", 200), event("late", 0))
    table, opened = Lake.table, []

    def corrected_after_the_first(self: Lake, shape: Any) -> LakeTable:
        found = table(self, shape)
        opened.append(shape)
        if len(opened) == 1:
            correct(lake)
        return found

    monkeypatch.setattr(Lake, "table", corrected_after_the_first)
    assert told(LakeEvents(lake))["event_id"].tolist() == ["late", "a"]
    assert opened.count("events") > 2


def test_who_was_erased_is_not_among_them(tmp_path: Path) -> None:
    lake = streamed(tmp_path, event("a", 200), event("late", 0), event("b", 200, user_id="ann"))
    erase(lake, "ann", NOW)
    assert told(LakeEvents(lake))["event_id"].tolist() == ["late", "a"]


def test_a_lake_that_was_compacted_away_under_its_reader_is_a_conflict(tmp_path: Path) -> None:
    lake = streamed(tmp_path, *(event(name, 100) for name in "abcdef"), batch=1)
    events = LakeEvents(lake)
    compact(lake, keep_hours=0)
    with pytest.raises(ConflictError, match="another writer committed first"):
        told(events)
    assert len(told(LakeEvents(lake))) == 6


def test_where_there_are_no_events_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="expected a lake at"):
        LakeEvents(Lake(tmp_path / "none"))
    lake = Lake(tmp_path / "lake")
    lake.table("users")
    with pytest.raises(DataError, match="holds no events; bring some in with mlsd-lab ingest"):
        LakeEvents(lake)
    assert not lake.has("events")


def test_ids_of_any_text_are_in_the_order_of_their_code_points(tmp_path: Path) -> None:
    names = ["é", "z", "Z", "😀", "ﬀ", "'; --", "10", "9"]
    lines = [json.dumps({**json.loads(event("x", 5)), "event_id": name}).encode() for name in names]
    events = LakeEvents(streamed(tmp_path, *lines))
    assert told(events)["event_id"].tolist() == sorted(names)
    place = events.until(int(told(events)["known_at"].iloc[0]), "'; --")
    assert place.events == 1
