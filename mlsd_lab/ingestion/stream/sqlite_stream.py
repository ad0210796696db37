"""The embedded event stream: one SQLite file, and a write-ahead log that is synced before an append returns."""

import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.errors import ConfigError, ConflictError, StorageError
from mlsd_lab.ingestion.stream.event_stream import Receipt, Records
from mlsd_lab.ingestion.stream.known_keys import KnownKeys
from mlsd_lab.ingestion.stream.record_key import record_keys
from mlsd_lab.ingestion.stream.stream_errors import check_offset, check_records

_FORMAT = 2
_TABLES = f"""
    CREATE TABLE records (
      number INTEGER PRIMARY KEY AUTOINCREMENT, correction INTEGER NOT NULL, record BLOB NOT NULL);
    CREATE TABLE appended (last INTEGER PRIMARY KEY, keys BLOB NOT NULL);
    CREATE TABLE stream (id TEXT NOT NULL);
    PRAGMA user_version = {_FORMAT};
"""


class SqliteStream:
    """An `EventStream` in a file. Several processes may append and read at once; each instance belongs to one thread.

    `patience`: so many seconds a writer waits for another one.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     stream = SqliteStream(Path(folder, "stream.db"))
    ...     stream.append([b'{"event_id": "a", "clicked": false}', b"not JSON"]).end
    ...     stream.append([b'{"event_id": "a", "clicked": true}', b"not JSON"])
    ...     stream.trim(1), stream.begin, stream.read(1, limit=10).records
    ...     stream.close()
    2
    Receipt(end=3, taken=1, corrections=1, copies=1)
    (1, 1, (b'not JSON', b'{"event_id": "a", "clicked": true}'))
    """

    def __init__(self, path: Path, patience: float = 30.0) -> None:
        self._path = path
        self._known, self._begin, self._learned = KnownKeys(), 0, 0
        with self._told():
            self._connection = sqlite3.connect(path.absolute(), timeout=patience, isolation_level=None)
            try:
                self.id = self._open(patience)
            except BaseException:
                self._connection.close()
                raise

    @property
    def begin(self) -> int:
        """The offset of the first record that was not trimmed."""
        with self._told():
            return self._bounds()[0]

    @property
    def end(self) -> int:
        """The offset that the next record will have."""
        with self._told():
            return self._bounds()[1]

    def append(self, records: Sequence[bytes]) -> Receipt:
        """Add those records that the stream does not hold, in one transaction; return when they are on the disk."""
        check_records(records)
        keys = record_keys(records)
        with self._told(), self._transaction():
            kept, corrections = self._new(keys)
            if kept:
                rows = ((at in corrections, records[at]) for at in kept)
                self._connection.executemany("INSERT INTO records (correction, record) VALUES (?, ?)", rows)
            end = self._bounds()[1]
            if kept:
                self._connection.execute("INSERT INTO appended VALUES (?, ?)", (end, keys[:, kept].tobytes()))
        return Receipt(end, len(kept), len(corrections), len(records) - len(kept))

    def read(self, offset: int, limit: int) -> Records:
        """Return up to `limit` records from `offset` on, none at the end."""
        query = "SELECT record, correction FROM records WHERE number > ? ORDER BY number LIMIT ?"
        with self._told(), self._transaction("DEFERRED"):
            check_offset(str(self._path), offset, *self._bounds())
            return Records.of(offset, self._connection.execute(query, (offset, limit)))

    def trim(self, before: int) -> int:
        """Let records with an offset smaller than `before` go, and return how many there were."""
        with self._told(), self._transaction():
            gone = self._connection.execute("DELETE FROM records WHERE number <= ?", (before,)).rowcount
            self._connection.execute("DELETE FROM appended WHERE last <= ?", (before,))
        return gone

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _open(self, patience: float) -> str:
        from tenacity import Retrying, retry_if_exception_message, stop_after_delay, wait_fixed

        # for a file that another process is making this very moment SQLite itself does not wait
        until_free = Retrying(
            retry=retry_if_exception_message(match=".*locked"),
            wait=wait_fixed(0.01), stop=stop_after_delay(patience), reraise=True,
        )  # fmt: skip
        until_free(self._connection.execute, "PRAGMA journal_mode = WAL")
        for setting in ("synchronous = FULL", "fullfsync = ON", "cache_size = -65536"):
            self._connection.execute(f"PRAGMA {setting}")
        with self._transaction():
            (found,) = self._connection.execute("PRAGMA user_version").fetchone()
            if found == 0 and not self._connection.execute("SELECT 1 FROM sqlite_master").fetchall():
                for statement in _TABLES.split(";"):
                    self._connection.execute(statement)
                self._connection.execute("INSERT INTO stream VALUES (?)", (uuid.uuid4().hex,))
            elif found != _FORMAT:
                raise ConfigError(
                    f"{self._path}: expected a stream of format {_FORMAT}, found another database or a newer format"
                )
            ((name,),) = self._connection.execute("SELECT id FROM stream").fetchall()
        return str(name)

    def _new(self, keys: NDArray[np.int64]) -> tuple[list[int], set[int]]:
        """Return the places of records that the stream does not hold, and which of these have an id that it holds."""
        self._learn_keys()
        held, kept, corrections = self._known.contents(keys[0]), [], set()
        for at, (name, content) in enumerate(keys.T.tolist()):
            contents = held.setdefault(name, set())
            if content not in contents:
                kept.append(at)
                if contents:
                    corrections.add(at)
                contents.add(content)
        return kept, corrections

    def _learn_keys(self) -> None:
        """Read what any process has appended since the last time, or all that is left after something was trimmed."""
        begin, end = self._bounds()
        if begin != self._begin:
            self._begin, self._known, self._learned = begin, KnownKeys(), begin
        appended = self._connection.execute(
            "SELECT last, keys FROM appended WHERE last > ? ORDER BY last", (self._learned,)
        )
        keys = [np.frombuffer(blob, dtype="<i8").reshape(2, -1)[:, -(last - begin) :] for last, blob in appended]
        if keys:
            self._known.add(np.concatenate(keys, axis=1))
        self._learned = end

    def _bounds(self) -> tuple[int, int]:
        """Return begin and end; the greatest number that was ever given outlives its record."""
        query = """SELECT (SELECT min(number) - 1 FROM records),
            coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'records'), 0)"""
        begin, end = self._connection.execute(query).fetchone()
        return (end if begin is None else begin), end

    @contextmanager
    def _transaction(self, kind: str = "IMMEDIATE") -> Iterator[None]:
        self._connection.execute(f"BEGIN {kind}")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise ConflictError(
                    f"{self._path}: another process holds the stream; run again when it is done"
                ) from error
            raise StorageError(f"cannot use {self._path}: {error}. Mend it and run again: nothing is lost") from error
        except sqlite3.DatabaseError as error:
            raise StorageError(f"cannot use {self._path}: {error}. Is it a stream?") from error
