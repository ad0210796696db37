import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from mlsd_lab.errors import ConfigError, ConflictError, StorageError
from mlsd_lab.features import Catalogue, SqliteStore
from mlsd_lab.features.feed import FEED
from mlsd_lab.features.head import HEAD
from tests.features.store_contract import Opened, StoreContract, asked, three_events
from tests.features.streams import START, VIDEOS


@pytest.fixture
def anew(tmp_path: Path) -> Iterator[Callable[[], Opened]]:
    numbers, made = count(), []

    def new() -> Opened:
        path = tmp_path / f"{next(numbers)}.db"

        def opened(catalogue: Catalogue) -> SqliteStore:
            made.append(SqliteStore(path, catalogue, VIDEOS))
            return made[-1]

        return opened

    yield new
    for store in made:
        store.close()


class TestSqliteStore(StoreContract):
    """The embedded store is an online store."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a store that has absorbed something, closed."""
    path = tmp_path / "features.db"
    store = SqliteStore(path, FEED, VIDEOS)
    store.absorb(three_events()[1], offset=0)
    store.close()
    return path


def test_a_file_cut_short_gets_a_sentence(path: Path) -> None:
    whole = path.read_bytes()
    for length in (len(whole) - 4096, len(whole) // 2, 4096, 100):
        path.write_bytes(whole[:length])
        with pytest.raises(StorageError, match=r"cannot use .*features\.db: .*make it anew from the lake"):
            asked(SqliteStore(path, FEED, VIDEOS), START.replace(year=2030), "u0")


def test_a_file_cut_to_nothing_is_a_store_that_absorbs_from_the_beginning(path: Path) -> None:
    path.write_bytes(b"")
    store = SqliteStore(path, FEED, VIDEOS)
    assert (store.position, store.mark) == (0, None)
    store.close()


def test_what_is_no_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello " * 1_000, encoding="utf-8")
    with pytest.raises(StorageError, match="text: file is not a database"):
        SqliteStore(tmp_path / "text", FEED, VIDEOS)
    with pytest.raises(StorageError, match="unable to open database file"):
        SqliteStore(tmp_path / "no folder" / "features.db", FEED, VIDEOS)
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY)")
    connection.close()
    with pytest.raises(ConfigError, match=r"other\.db: expected a feature store, found another SQLite database"):
        SqliteStore(tmp_path / "other.db", FEED, VIDEOS)


def test_a_store_of_another_format_is_refused(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 7")
    connection.close()
    with pytest.raises(ConfigError, match=r"expected a feature store of format 2, found format 7; make a new one"):
        SqliteStore(path, FEED, VIDEOS)


def test_a_store_held_by_another_is_read_and_a_writer_is_told(path: Path) -> None:
    store = SqliteStore(path, FEED, VIDEOS, patience=0.01)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    later = three_events()[1]["known_at"].iloc[-1] + (START - START.floor("h"))
    assert set(asked(store, later, "u0")["position_absorbed"]) == {3}
    with pytest.raises(ConflictError, match=r"another process holds the store, for 0\.01 s or more; try again"):
        store.absorb(three_events()[1].iloc[:0], offset=3, mark=1)
    holder.execute("ROLLBACK")
    store.absorb(three_events()[1].iloc[:0], offset=3, mark=1)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    store.close()
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(ConflictError, match="another process holds the store"):
        SqliteStore(path, FEED, VIDEOS, patience=0.01)
    holder.close()


@pytest.mark.parametrize("state", ["substr(state, 1, 80)", "CAST(state || x'00' AS BLOB)", "x''", "zeroblob(1520)"])
def test_a_row_of_another_length_is_refused(path: Path, state: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"UPDATE rows SET state = {state} WHERE substr(key, 1, 2) = x'307C'")
    connection.commit()
    connection.close()
    store = SqliteStore(path, FEED, VIDEOS)
    with pytest.raises(StorageError, match=r"features\.db: rows of user_id: expected .*; make the store anew"):
        asked(store, START.replace(year=2030), "u0")
    store.close()


def test_rows_of_one_kind_of_entity_lie_together(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        keys = [key for (key,) in connection.execute("SELECT key FROM rows WHERE key != ? ORDER BY id", [HEAD])]
    kinds = [key[:1] for key in keys]
    assert kinds == sorted(kinds)
    assert len(set(kinds)) == len(FEED.entities)


def test_two_keys_of_one_number_are_refused_and_not_mixed_up(path: Path) -> None:
    store = SqliteStore(path, FEED, VIDEOS)
    store._numbers.update(dict.fromkeys([b"1|v0", b"1|v3"], store._numbers[b"1|v0"]))
    events = three_events()[1].iloc[2:].assign(video_id="v3")
    with pytest.raises(StorageError, match="two keys have the same number"):
        store.absorb(events, offset=3)
    assert store.position == 3
    store.close()


def test_what_was_erased_is_not_left_in_the_file(path: Path) -> None:
    store = SqliteStore(path, FEED, VIDEOS)
    assert b"0|u0" in path.read_bytes()
    store.erase("u0")
    store.close()
    assert b"0|u0" not in path.read_bytes()
    assert b"0|u1" in path.read_bytes()
