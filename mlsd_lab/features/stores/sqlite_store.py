"""The embedded online store: one SQLite file."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from threading import Lock, Thread, current_thread, local
from typing import Any
from zlib import crc32

import pandas as pd

from mlsd_lab.errors import ConfigError, ConflictError, StorageError
from mlsd_lab.features.catalogue import Catalogue
from mlsd_lab.features.stores.head import HEAD
from mlsd_lab.features.stores.keyed_store import KeyedStore

_REMEMBERED = 2**18  # row numbers
_FORMAT, _APP = 3, 0x4D4C5346  # "MLSF": a file of ours, not any other SQLite database
_AFTER = 0x2144DF1C  # the CRC-32 of whatever ends with its own CRC-32
_MAKE = (
    "CREATE TABLE rows (id INTEGER PRIMARY KEY, key BLOB NOT NULL, state BLOB NOT NULL)",
    "CREATE TABLE tally AS SELECT 0 AS rows, 0 AS low, 0 AS high",
    "CREATE TRIGGER came AFTER INSERT ON rows BEGIN UPDATE tally SET "
    "rows = rows + 1, low = low + (NEW.id & 0xffffffff), high = high + (NEW.id >> 32); END",
    "CREATE TRIGGER went AFTER DELETE ON rows BEGIN UPDATE tally SET "
    "rows = rows - 1, low = low - (OLD.id & 0xffffffff), high = high - (OLD.id >> 32); END",
)
_UNTALLIED = """SELECT count(*), ifnull(sum(id & 0xffffffff), 0), ifnull(sum(id >> 32), 0) FROM rows
    EXCEPT SELECT rows, low, high FROM tally"""
_GET = "SELECT state FROM json_each(?) LEFT JOIN rows ON rows.id = json_each.value"
_PUT = "INSERT INTO rows (id, key, state) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state"


class SqliteStore(KeyedStore):
    """An `OnlineStore` in a file. Threads and processes may read while one writes: a write-ahead log keeps them apart.

    A power cut may lose the newest batches, whole, with their marks: absorb again from the mark that is left. A file
    that was damaged raises `StorageError`: opening one checks all of it, and each row read has its checksum.
    `patience`: so many seconds one waits for another who holds the file.

    >>> import tempfile
    >>> from mlsd_lab.features.feed import FEED
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = SqliteStore(Path(folder, "features.db"), FEED, pd.DataFrame({"video_id": ["v"]}))
    ...     found = store.lookup("ann", ["v"], pd.Timestamp("2026-01-01", tz="UTC"))
    ...     store.close()
    >>> found.position, found.to_frame()["user_relevant_all"].tolist()
    (0, [0.3])
    """

    def __init__(self, path: Path, catalogue: Catalogue, videos: pd.DataFrame, patience: float = 5.0) -> None:
        super().__init__(catalogue, videos)
        self.name, self._path, self._patience = str(path), path, patience
        self._numbers = _Numbers()
        self._own, self._lock = local(), Lock()  # a connection a thread
        self._connections: dict[Thread, sqlite3.Connection] = {}
        try:
            with self._told():
                self._open()
            self._begin()
        except BaseException:
            self.close()
            raise

    def erase(self, user_id: str) -> int:
        """Remove what is kept by user of one of them, also the older pages of it in the write-ahead log.

        Deleted rows are overwritten in the file. Raises `ConflictError` while somebody reads: then erase again.
        """
        rows = super().erase(user_id)
        with self._told():
            (busy, _, _) = self._connection().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise ConflictError(f"{self.name}: the rows are deleted, but others read, and old pages stay; erase again")
        return rows

    def close(self) -> None:
        """Let go of the file, in all threads."""
        with self._lock:
            while self._connections:
                self._connections.popitem()[1].close()

    def _get(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        with self._told():
            found = self._connection().execute(_GET, [f"[{','.join(map(self._numbers.__getitem__, keys))}]"]).fetchall()
        rows = [row for (row,) in found]
        self._check(keys, rows)
        return [None if row is None else row[:-4] for row in rows]

    def _check(self, keys: Sequence[bytes], rows: Sequence[Any]) -> None:
        """Raise for a row that does not end with its seal; None is no row."""
        there = zip(keys, rows, strict=True)
        if not _sealed(there if all(rows) else (pair for pair in there if pair[1] is not None)):
            pairs = zip(keys, rows, strict=True)
            wrong = next(key for key, row in pairs if row is not None and not _sealed([(key, row)]))
            raise self._damaged(f"the row of {wrong[:80]!r} does not have its checksum")

    def _put(self, rows: Iterable[tuple[bytes, bytes]], gone: Sequence[bytes], before: bytes) -> bool:
        with self._told(), self._transaction() as connection:
            if (self._get([HEAD])[0] or b"") != before:
                return False
            values = [(int(self._numbers[key]), key, row + _seal(key, row)) for key, row in rows]
            connection.executemany(_PUT, values)
            connection.executemany(
                "DELETE FROM rows WHERE id = ? AND key = ?", [(int(self._numbers[k]), k) for k in gone]
            )
        return True

    def _keys_with(self, prefix: bytes) -> list[bytes]:
        with self._told():
            query = "SELECT key FROM rows WHERE substr(key, 1, ?) = ?"
            return [key for (key,) in self._connection().execute(query, [len(prefix), prefix]).fetchall()]

    @contextmanager
    def _still(self) -> Iterator[None]:
        with self._told():
            connection = self._connection()
            connection.execute("BEGIN")  # from the first read on one moment, and the writer goes on
            try:
                yield
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def _open(self) -> None:
        with self._transaction() as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            if not connection.execute("SELECT 1 FROM sqlite_master").fetchall():
                for statement in _MAKE:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {_APP}")
                connection.execute(f"PRAGMA user_version = {_FORMAT}")
            elif application != _APP:
                raise ConfigError(f"{self.name}: expected a feature store, found another SQLite database")
            elif version != _FORMAT:
                raise ConfigError(
                    f"{self.name}: expected a feature store of format {_FORMAT}, found format {version}; make a new "
                    "one from the lake, or use the version of mlsd_lab that made it"
                )
        ((said,),) = connection.execute("PRAGMA quick_check(1)").fetchall()
        if said != "ok":
            raise self._damaged(" ".join(said.split()))
        if connection.execute(_UNTALLIED).fetchall():
            raise self._damaged("rows are missing, or stand under another number")

    def _connection(self) -> sqlite3.Connection:
        if getattr(self._own, "connection", None) is None:
            connection = sqlite3.connect(
                self._path, timeout=self._patience, isolation_level=None, check_same_thread=False
            )
            with self._lock:
                for gone in [thread for thread in self._connections if not thread.is_alive()]:
                    self._connections.pop(gone).close()
                self._connections[current_thread()] = connection
            for setting in ("journal_mode = WAL", "synchronous = NORMAL", "cache_size = -65536", "secure_delete = ON"):
                connection.execute(f"PRAGMA {setting}")
            self._own.connection = connection
        return self._own.connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter tells of an error whose text is damaged
            if "locked" in str(error) or "busy" in str(error):
                raise ConflictError(
                    f"{self.name}: another process holds the store, for {self._patience:g} s or more; try again"
                ) from error
            raise self._damaged(error) from error

    def _damaged(self, what: object) -> StorageError:
        return StorageError(
            f"cannot use {self.name}: {what}. If the file is damaged, delete it and make it anew from the lake: "
            "open an empty one and absorb the stream from its beginning"
        )


def _seal(key: bytes, row: bytes) -> bytes:
    """Return what stands after a row, so that a changed byte, or another key's row, is known as such."""
    return crc32(row, crc32(key, _AFTER)).to_bytes(4, "little")


def _sealed(rows: Iterable[tuple[bytes, Any]]) -> bool:
    """Tell whether each row ends with its seal: one that does not leaves another checksum, and so do all after it."""
    try:
        return crc32(b"".join(chain.from_iterable(rows)), _AFTER) == _AFTER
    except TypeError:  # one is a text or a number
        return False


class _Numbers(dict[bytes, str]):
    """The row number of each key, as text: SQLite finds whole numbers in less time than bytes.

    The first four bits are those of its kind, so that rows of one kind lie together: a slate's are on fewer pages.
    """

    def __missing__(self, key: bytes) -> str:
        if len(self) > _REMEMBERED:
            self.clear()
        kind = key.partition(b"|")[0]
        number = int.from_bytes(blake2b(key, digest_size=8).digest(), "little") >> 4
        self[key] = str((int(kind) % 8 << 60 if kind.isdigit() else 0) + number)
        return self[key]
