from datetime import timedelta
from pathlib import Path

import pytest

from mlsd_lab.errors import ConfigError
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.stream.consume import consume
from mlsd_lab.ingestion.stream.lake_sink import LakeSink
from mlsd_lab.ingestion.stream.sqlite_stream import SqliteStream
from mlsd_lab.ingestion.stream.stream_status import StreamStatus, stream_status
from tests.ingestion.stream.test_consume import NOW, START, event


def test_it_counts_what_is_held_read_and_waiting(tmp_path: Path) -> None:
    stream, lake = SqliteStream(tmp_path / "stream.db"), Lake(tmp_path / "lake")
    stream.append([event("a", 200), event("late", 0), b"poison", event("b", 210)])
    next(consume(stream, LakeSink(lake), lambda: NOW, batch=3))
    stream.trim(2)
    found = stream_status(stream, lake, timedelta(minutes=30))
    watermark = START + timedelta(minutes=170)
    assert found == StreamStatus(begin=2, end=4, offset=3, watermark=watermark, events=1, late=1, dead=1)
    assert found.lag == 1
    stream.close()


def test_a_lake_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    stream = SqliteStream(tmp_path / "stream.db")
    stream.append([event("a", 0), event("b", 0)])
    stream.trim(1)
    assert stream_status(stream, Lake(tmp_path / "lake")) == StreamStatus(1, 2, 1, None, 0, 0, 0)
    assert not (tmp_path / "lake").exists()
    stream.close()


def test_a_lake_that_reads_another_stream_is_told(tmp_path: Path) -> None:
    stream, other, lake = SqliteStream(tmp_path / "s.db"), SqliteStream(tmp_path / "o.db"), Lake(tmp_path / "lake")
    other.append([event("a", 0)])
    list(consume(other, LakeSink(lake), lambda: NOW))
    with pytest.raises(ConfigError, match="made anew or is another"):
        stream_status(stream, lake)
    stream.close()
    other.close()


def test_a_stream_that_was_set_back_is_told_before_what_nobody_read_is_trimmed(tmp_path: Path) -> None:
    file, lake = tmp_path / "stream.db", Lake(tmp_path / "lake")
    stream = SqliteStream(file)
    stream.close()
    empty = file.read_bytes()
    for name in "ab":
        file.write_bytes(empty)
        stream = SqliteStream(file)
        stream.append([event(name, 0)])
        if name == "a":
            list(consume(stream, LakeSink(lake), lambda: NOW))
            assert stream_status(stream, lake).lag == 0
            stream.close()
    with pytest.raises(ConfigError, match="at offset 0 the record that the sink read last, found another"):
        stream_status(stream, lake)
    stream.close()
