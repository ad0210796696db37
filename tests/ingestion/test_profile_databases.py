import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from mlsd_lab.errors import DataError, SourceError
from mlsd_lab.ingestion import profile_databases
from mlsd_lab.ingestion.contracts import USERS
from mlsd_lab.ingestion.profiles import Profiles
from tests.ingestion.bench import (
    ids,
    sqlite_bench,
)


def test_times_of_any_format_are_ordered_and_found(tmp_path: Path) -> None:
    with sqlite_bench(tmp_path) as bench:
        bench.sql("CREATE TABLE users (user_id, updated_at, deleted)")
        moments = ["2026-01-31 12:00", "2026-01-31T13:01:00+01:00", 1769860920, 1769860980.5, "20260131T120400Z"]
        for number, found in reversed(list(enumerate(moments))):
            bench.sql("INSERT INTO users VALUES (?, ?, 0)", f"u{number}", found)
        batches = bench.read(page=1)
        assert ids(batches) == ["u0", "u1", "u2", "u3", "u4"]
        assert [batch.position["updated_at"][11:] for batch in batches] == [
            "12:00:00Z", "12:01:00Z", "12:02:00Z", "12:03:00.500000Z", "12:04:00Z",
        ]  # fmt: skip
        assert ids(bench.read(batches[2].position, overlap=timedelta(0))) == ["u2", "u3", "u4"]


def test_a_time_that_cannot_be_read_and_text_that_is_none_are_refused_at_the_door(tmp_path: Path) -> None:
    with sqlite_bench(tmp_path) as bench:
        bench.sql("CREATE TABLE users (user_id, updated_at, deleted)")
        for odd in ("yesterday", b"12:00", 1e300, float("inf"), None):
            bench.sql("INSERT INTO users VALUES ('ann', ?, 0)", odd)
        bench.sql("INSERT INTO users VALUES (CAST(x'ff' AS TEXT), '2026-01-31', 2)")
        batches = bench.read()
        for line in b"".join(batch.lines for batch in batches).splitlines():
            with pytest.raises(DataError):
                USERS.read(line)
        assert sum(batch.lines.count(b"\n") for batch in batches) == 6


@pytest.mark.parametrize(
    ("content", "kind", "sentence"),
    [
        (b"no database " * 100, DataError, "expected an SQLite database, found: file is not a database"),
        (b"", SourceError, "expected a table of that name, found none"),
        (None, SourceError, "expected an SQLite file, found none.*run again: it goes on from the beginning"),
    ],
)
def test_a_file_that_is_none_is_told(
    tmp_path: Path, content: bytes | None, kind: type[Exception], sentence: str
) -> None:
    if content is not None:
        (tmp_path / "profiles.db").write_bytes(content)
    with pytest.raises(kind, match=sentence):
        list(Profiles(f"sqlite:///{tmp_path}/profiles.db").since(None))


def test_a_file_that_another_program_has_locked_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_databases, "BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(tmp_path / "profiles.db", isolation_level=None)) as other:
        other.execute("CREATE TABLE users (user_id, updated_at)")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(SourceError, match=r"a lock of another program that lasted 0.05 s"):
            list(Profiles(str(tmp_path / "profiles.db")).since(None))
        other.execute("ROLLBACK")
        assert len(list(Profiles(str(tmp_path / "profiles.db")).since(None))) == 1


def test_the_file_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "profiles.sqlite"
    with closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE users (user_id, updated_at)")
    before = path.read_bytes()
    assert len(list(Profiles(str(path)).since(None))) == 1
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == before


def test_a_relative_path_is_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("50% of #1?.db")) as made:
        made.execute("CREATE TABLE users (user_id, updated_at)")
    assert len(list(Profiles("sqlite:///50% of #1?.db").since(None))) == 1
