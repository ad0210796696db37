"""The embedded event stream: one SQLite file, and a write-ahead log that is synced before an append returns."""

import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mlsd_lab.errors import ConfigError, ConflictError, StorageError
from mlsd_lab.ingestion.stream.event_stream import Receipt, Records
from mlsd_lab.ingestion.stream.record_key import record_keys
from mlsd_lab.ingestion.stream.stream_errors import check_offset, check_records

_FORMAT = 1
_TABLES = f"""
    CREATE TABLE records (
      number INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL UNIQUE, content BLOB NOT NULL,
      correction INTEGER NOT NULL, record BLOB NOT NULL);
    CREATE TABLE stream (id TEXT NOT NULL);
    PRAGMA user_version = {_FORMAT};
"""
# with OR IGNORE instead of WHERE a row that is not added would use up a number all the same
_ADD = """INSERT INTO records (key, content, correction, record) SELECT :key, :content, 0, :record
    WHERE NOT EXISTS (SELECT 1 FROM records WHERE key IN (:key, :content))"""
_CORRECT = """INSERT INTO records (key, content, correction, record) SELECT :content, :content, 1, :record
    WHERE NOT EXISTS (SELECT 1 FROM records WHERE (key = :key AND content = :content) OR key = :content)"""


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
        with self._told():
            self._connection = sqlite3.connect(path, timeout=patience, isolation_level=None)
            try:
                self.id = self._open()
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
        rows = [
            {"key": key, "content": content, "record": record}
            for (key, content), record in zip(record_keys(records), records, strict=True)
        ]
        with self._told(), self._transaction():
            taken = self._connection.executemany(_ADD, rows).rowcount if rows else 0
            # where some ids were known, with the same content or another
            corrections = self._connection.executemany(_CORRECT, rows).rowcount if taken < len(rows) else 0
            end = self._bounds()[1]
        return Receipt(end, taken + corrections, corrections, len(rows) - taken - corrections)

    def read(self, offset: int, limit: int) -> Records:
        """Return up to `limit` records from `offset` on, none at the end."""
        query = "SELECT record, correction FROM records WHERE number > ? ORDER BY number LIMIT ?"
        with self._told(), self._transaction("DEFERRED"):
            check_offset(str(self._path), offset, *self._bounds())
            found = self._connection.execute(query, (offset, limit)).fetchall()
        corrections = frozenset(offset + at for at, (_, correction) in enumerate(found) if correction)
        return Records(offset, tuple(record for record, _ in found), corrections)

    def trim(self, before: int) -> int:
        """Let records with an offset smaller than `before` go, and return how many there were."""
        with self._told(), self._transaction():
            return self._connection.execute("DELETE FROM records WHERE number <= ?", (before,)).rowcount

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _open(self) -> str:
        for setting in ("journal_mode = WAL", "synchronous = FULL", "fullfsync = ON", "cache_size = -65536"):
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
