import random
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from threading import Thread

import pandas as pd
import pytest

from mlsd_lab.errors import ConfigError, ConflictError, StorageError
from mlsd_lab.features import Catalogue, Snapshot, SqliteStore
from mlsd_lab.features.feed import FEED
from mlsd_lab.features.stores.head import HEAD
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


def test_a_thread_that_has_ended_leaves_no_open_file_behind(tmp_path: Path) -> None:
    store, later = SqliteStore(tmp_path / "features.db", FEED, VIDEOS), START
    for _ in range(20):
        thread = Thread(target=store.lookup, args=("u0", ["v0"], later))
        thread.start()
        thread.join()
    assert len(store._connections) == 2  # ours, and the last one's
    store.close()
    assert store._connections == {}


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


def answered(path: Path) -> bytes:
    store = SqliteStore(path, FEED, VIDEOS)
    try:
        rows = [asked(store, START.replace(year=2030), user)[list(FEED.columns)] for user in ("u0", "u1", "nobody")]
        return pd.concat(rows).to_numpy().tobytes()
    finally:
        store.close()


def test_a_file_cut_at_any_length_gets_a_sentence_or_answers_as_before(path: Path) -> None:
    whole, right, seeded = path.read_bytes(), answered(path), random.Random(0)
    lengths = [2, 15, 16, 99, *seeded.sample(range(100, len(whole) - 4096), 20)]
    for length in lengths:
        path.write_bytes(whole[:length])
        with pytest.raises(StorageError, match=r"cannot use .*features\.db: .*make it anew from the lake"):
            answered(path)
    for length in seeded.sample(range(len(whole) - 4096, len(whole)), 20):  # within the last page
        path.write_bytes(whole[:length])
        try:
            assert answered(path) == right
        except StorageError as told:
            assert "make it anew from the lake" in str(told)


def test_flipped_bits_get_a_sentence_or_change_nothing(path: Path) -> None:
    whole, right, seeded, refused = path.read_bytes(), answered(path), random.Random(1), 0
    for _ in range(60):
        changed = bytearray(whole)
        changed[seeded.randrange(len(whole))] ^= 1 << seeded.randrange(8)
        path.write_bytes(changed)
        try:
            assert answered(path) == right
        except (StorageError, ConfigError) as told:  # the latter: a bit of the format's number
            refused += 1
            assert "features.db" in str(told)
    assert refused > 5


@pytest.mark.parametrize(
    "meddling, said",
    [
        ("UPDATE rows SET state = (SELECT state FROM rows WHERE key = x'317c7630') WHERE key = x'317c7631'", "b'1|v1'"),
        ("UPDATE rows SET state = CAST(state || x'00' AS BLOB) WHERE key = x'317c7631'", "b'1|v1'"),
        ("UPDATE rows SET state = 'text' WHERE key = x'317c7631'", "b'1|v1'"),
        ("UPDATE rows SET state = x'' WHERE key = x'317c7631'", "b'1|v1'"),
        ("UPDATE rows SET id = id + 1 WHERE key = x'317c7631'", "rows are missing, or stand under another number"),
        ("DROP TRIGGER went; DELETE FROM rows WHERE key = CAST('head' AS BLOB)", "rows are missing"),
        ("DELETE FROM tally", "rows are missing"),
    ],
)
def test_a_row_that_is_not_as_it_was_written_is_not_answered_from(path: Path, meddling: str, said: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(meddling)
    with pytest.raises(StorageError, match=re.escape(said)):
        answered(path)


def test_of_several_rows_the_wrong_one_is_named_also_beside_some_that_are_not_there(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("UPDATE rows SET state = zeroblob(length(state)) WHERE key = x'317c7631'")
    store = SqliteStore(path, FEED, VIDEOS)
    for slate in (["v0", "v1"], ["nobody", "v0", "nor they", "v1"], ["v1"]):
        with pytest.raises(StorageError, match=r"the row of b'1\|v1' does not have its checksum"):
            store.lookup("u0", slate, START.replace(year=2030))
    assert store.lookup("u0", ["v0", "nobody"], START.replace(year=2030)).values.shape == (2, len(FEED.columns))
    store.close()


def test_a_snapshot_is_of_one_moment_though_another_process_writes_between_its_reads(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, writer = SqliteStore(path, FEED, VIDEOS), SqliteStore(path, FEED, VIDEOS)
    read, later = store._get_to_write, three_events()[1]["known_at"].iloc[-1] + pd.Timedelta("9D")

    def read_and_let_the_other_write(keys: Sequence[bytes]) -> Sequence[bytes | None]:
        found = read(keys)
        writer.absorb(three_events()[1].iloc[2:], offset=writer.position)
        return found

    monkeypatch.setattr(store, "_get_to_write", read_and_let_the_other_write)
    snapshot = Snapshot.of(store, [*(f"filler {at}" for at in range(4_000)), "v2"], later)
    assert snapshot.position == 3
    assert snapshot.lookup(["v2"]).to_frame()["video_impressions_all"].item() == 1
    assert writer.position == 6
    for each in (store, writer):
        each.close()


@pytest.mark.parametrize("whole", [b"", b"S"])  # to SQLite one byte is nothing
def test_a_file_cut_to_nothing_is_a_store_that_absorbs_from_the_beginning(path: Path, whole: bytes) -> None:
    path.write_bytes(whole)
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
    with pytest.raises(ConfigError, match=r"expected a feature store of format 3, found format 7; make a new one"):
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


def test_rows_of_one_kind_of_entity_lie_together(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        keys = [key for (key,) in connection.execute("SELECT key FROM rows WHERE key != ? ORDER BY id", [HEAD])]
    kinds = [key[:1] for key in keys]
    assert kinds == sorted(kinds)
    assert len(set(kinds)) == len(FEED.entities)


def test_a_row_that_was_damaged_hurts_those_alone_whose_read_takes_it(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE rows SET state = substr(state, 1, 80) WHERE substr(key, 1, 2) = x'307C'")
        connection.commit()
    store = SqliteStore(path, FEED, VIDEOS)
    with pytest.raises(StorageError, match="checksum"):
        asked(store, START.replace(year=2030), "u0")
    alone = store.lookup("u0", ["v0"], START.replace(year=2030), columns=["video_relevant_all"])
    assert alone.values.shape == (1, 1)
    store.close()


def test_two_keys_of_one_number_are_refused_and_not_mixed_up(path: Path) -> None:
    store = SqliteStore(path, FEED, VIDEOS)
    store._numbers.update(dict.fromkeys([b"1|v0", b"1|v3"], store._numbers[b"1|v0"]))
    events = three_events()[1].iloc[2:].assign(video_id="v3")
    with pytest.raises(StorageError, match=r"the row of b'1\|v3' does not have its checksum"):
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
