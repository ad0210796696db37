from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mlsd_lab.errors import ConflictError
from mlsd_lab.ingestion.dead_letters import redrive
from mlsd_lab.ingestion.erase import erase
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.lake_table import LakeTable
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.source import Position
from mlsd_lab.ingestion.stream.consume import consume
from mlsd_lab.ingestion.stream.correct import correct
from mlsd_lab.ingestion.stream.lake_sink import LakeSink
from mlsd_lab.ingestion.stream.sqlite_stream import SqliteStream
from tests.ingestion.stream.test_consume import NOW, event


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[SqliteStream]:
    opened = SqliteStream(tmp_path / "stream.db")
    yield opened
    opened.close()


def held(lake: Lake, table: str, column: str = "event_id") -> list[Any]:
    connection = connect()
    lake.view(connection, table, "held")
    return [value for (value,) in connection.execute(f"SELECT {column} FROM held ORDER BY ALL").fetchall()]


def test_each_kind_of_record_has_its_table(stream: SqliteStream, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    stream.append([event("a", 200), event("late", 0), b"poison", event("b", 190)])
    list(consume(stream, LakeSink(lake), lambda: NOW))
    assert (held(lake, "events"), held(lake, "late_events")) == (["a", "b"], ["late"])
    assert held(lake, "dead_letters", "record") == [b"poison"]
    assert held(lake, "dead_letters", "origin") == ["stream, offsets 0 to 3"]


def test_the_position_is_committed_with_the_events(stream: SqliteStream, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    stream.append([event(name, 0) for name in "abcd"])
    pieces = consume(stream, LakeSink(lake), lambda: NOW, batch=2)
    next(pieces)
    assert (held(lake, "events"), (LakeSink(lake).position() or {})["offset"]) == (["a", "b"], 2)
    assert [one.read for one in consume(stream, LakeSink(lake), lambda: NOW)] == [2]
    with pytest.raises(ConflictError, match="another writer committed first"):
        next(pieces)
    assert held(lake, "events") == ["a", "b", "c", "d"]


def test_a_crash_between_the_tables_changes_nothing(
    stream: SqliteStream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(tmp_path / "lake")
    stream.append([event("a", 200), event("late", 0), b"poison"])
    with monkeypatch.context() as patch:
        patch.setattr("mlsd_lab.ingestion.lake_table.LakeTable.append", _dies_at("events"))
        with pytest.raises(KeyboardInterrupt):
            list(consume(stream, LakeSink(lake), lambda: NOW))
    assert (held(lake, "events"), held(lake, "late_events"), LakeSink(lake).position()) == ([], ["late"], None)
    list(consume(stream, LakeSink(lake), lambda: NOW))
    assert (held(lake, "events"), held(lake, "late_events")) == (["a"], ["late"])
    assert held(lake, "dead_letters", "record") == [b"poison"]


def _dies_at(table: str) -> Any:
    whole = LakeTable.append

    def append(self: LakeTable, *arguments: Any) -> None:
        if self.shape.name == table:
            raise KeyboardInterrupt
        whole(self, *arguments)

    return append


def test_an_erased_user_does_not_come_back_by_the_stream(stream: SqliteStream, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    stream.append([event("a", 200), event("late", 0, user_id="ann"), event("b", 201, user_id="ann")])
    list(consume(stream, LakeSink(lake), lambda: NOW))
    assert [(one.table, one.rows) for one in erase(lake, "ann", NOW)] == [("events", 1), ("late_events", 1)]
    stream.append([event("c", 202, user_id="ann"), event("later", 0, user_id="ann"), event("d", 203)])
    list(consume(stream, LakeSink(lake), lambda: NOW))
    correct(lake)
    assert (held(lake, "events"), held(lake, "late_events")) == (["a", "d"], [])


def test_a_user_erased_while_a_piece_is_on_its_way_is_not_put_among_the_late(
    stream: SqliteStream, tmp_path: Path
) -> None:
    lake = Lake(tmp_path / "lake")
    stream.append([event("a", 200), event("late", 0)])
    list(consume(stream, LakeSink(lake), lambda: NOW))
    stream.append([event("b", 201), event("later", 0, user_id="ann"), event("last", 0)])
    sink = LakeSink(lake)
    sink.position()
    erase(lake, "ann", NOW)
    with pytest.raises(ConflictError, match="another writer committed first"):
        list(consume(stream, Stale(sink, (LakeSink(lake).position() or {})), lambda: NOW))
    assert held(lake, "late_events") == ["last", "late"]
    list(consume(stream, LakeSink(lake), lambda: NOW))
    assert (held(lake, "events"), held(lake, "late_events")) == (["a", "b"], ["last", "late"])


class Stale(LakeSink):
    """A sink that was asked for its position some time ago."""

    def __init__(self, sink: LakeSink, position: Position) -> None:
        self.__dict__, self._position = sink.__dict__, position

    def position(self) -> Position:
        return self._position


def test_a_dead_letter_of_the_stream_is_mended_and_driven_again(stream: SqliteStream, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    stream.append([event("a", 0, liked="yes"), event("b", 0)])
    list(consume(stream, LakeSink(lake), lambda: NOW))
    [done] = redrive(lake, NOW, mend=lambda record: record.replace(b'"yes"', b"true"))
    assert (done.source, done.kept, held(lake, "events")) == ("stream", 1, ["a", "b"])


def test_two_streams_in_one_lake_keep_their_own_positions(stream: SqliteStream, tmp_path: Path) -> None:
    lake, other = Lake(tmp_path / "lake"), SqliteStream(tmp_path / "other.db")
    stream.append([event("a", 0)])
    other.append([event("b", 0), event("c", 0)])
    list(consume(stream, LakeSink(lake), lambda: NOW, timedelta(0)))
    list(consume(other, LakeSink(lake, source="stream of phones"), lambda: NOW, timedelta(0)))
    offsets = [(LakeSink(lake, source=name).position() or {})["offset"] for name in ("stream", "stream of phones")]
    assert (offsets, held(lake, "events")) == ([1, 2], ["a", "b", "c"])
    other.close()
