import shutil
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlsd_lab.errors import ConfigError, ConflictError, StorageError
from mlsd_lab.ingestion.stream.sqlite_stream import SqliteStream
from tests.ingestion.stream.stream_contract import Opened, StreamContract, record


@pytest.fixture
def anew(tmp_path: Path) -> Iterator[Callable[[], Opened]]:
    folder = tmp_path / "streams"
    folder.mkdir()

    def new() -> Opened:
        path = folder / f"{len(list(folder.iterdir()))}" / "stream.db"
        path.parent.mkdir()
        return lambda: SqliteStream(path)

    yield new
    shutil.rmtree(folder)


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    return lambda: SqliteStream(tmp_path / "stream.db")


class TestSqliteStream(StreamContract):
    """The embedded stream is an event stream."""


def test_an_append_is_synced_before_it_returns(tmp_path: Path) -> None:
    stream = SqliteStream(tmp_path / "stream.db")
    settings = [stream._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert settings == ["wal", 2]
    stream.close()


def test_a_writer_that_is_not_let_in_is_told_and_a_reader_reads(tmp_path: Path) -> None:
    holder, writer = SqliteStream(tmp_path / "s.db"), SqliteStream(tmp_path / "s.db", patience=0.01)
    holder.append([record("a")])
    with holder._transaction(), pytest.raises(ConflictError, match="another process holds the stream"):
        writer.append([record("b")])
    with holder._transaction():
        assert writer.read(0, 10).records == (record("a"),)
    assert writer.append([record("b")]).end == 2
    holder.close()
    writer.close()


def test_a_stream_that_another_process_is_making_is_waited_for(tmp_path: Path) -> None:
    maker = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    maker.execute("BEGIN IMMEDIATE")
    with pytest.raises(ConflictError, match="another process holds the stream"):
        SqliteStream(tmp_path / "s.db", patience=0.01)
    with ThreadPoolExecutor(1) as beside:
        opened = beside.submit(lambda: _end_of_new(tmp_path / "s.db"))
        with pytest.raises(TimeoutError):
            opened.result(timeout=0.05)
        maker.execute("COMMIT")
        assert opened.result(timeout=30) == 1
    maker.close()


def _end_of_new(path: Path) -> int:
    stream = SqliteStream(path)
    end = stream.append([record("a")]).end
    stream.close()
    return end


def test_what_is_no_stream_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello " * 1_000, encoding="utf-8")
    with pytest.raises(StorageError, match=r"text: file is not a database\. Is it a stream\?"):
        SqliteStream(tmp_path / "text")
    with pytest.raises(StorageError, match="unable to open database file"):
        SqliteStream(tmp_path / "no folder" / "stream.db")
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE theirs (a)")
    other.commit()
    with pytest.raises(ConfigError, match="found another database"):
        SqliteStream(tmp_path / "other.db")
    assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    other.close()


def test_a_stream_is_always_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        stream = SqliteStream(Path(":memory:"))
        assert stream.append([record("a")]).end == 1
        stream.close()


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    stream = SqliteStream(tmp_path / "s.db")
    stream._connection.execute("PRAGMA user_version = 3")
    stream.close()
    with pytest.raises(ConfigError, match="expected a stream of format 2, found another database or a newer format"):
        SqliteStream(tmp_path / "s.db")


def test_a_full_disk_ends_in_a_sentence_and_nothing_half_done(tmp_path: Path) -> None:
    stream = SqliteStream(tmp_path / "s.db")
    stream.append([record("a")])
    pages = stream._connection.execute("PRAGMA page_count").fetchone()[0]
    stream._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StorageError, match="database or disk is full"):
        stream.append([record(f"b{number}", text="x" * 500) for number in range(100)])
    stream._connection.execute("PRAGMA max_page_count = 100000")
    assert stream.append([record("c")]).end == 2
    assert stream.read(0, 10).records == (record("a"), record("c"))
    stream.close()


def test_a_stream_made_anew_in_its_place_has_another_name(tmp_path: Path) -> None:
    one = SqliteStream(tmp_path / "s.db")
    one.close()
    names = {one.id, SqliteStream(tmp_path / "s.db").id}
    assert len(names) == 1
    for file in tmp_path.glob("s.db*"):
        file.unlink()
    assert SqliteStream(tmp_path / "s.db").id not in names
