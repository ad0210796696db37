"""One consistent snapshot of a table of profiles: what every database must offer, and SQLite."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from mlsd_lab.errors import ConfigError, DataError, SourceError

Row = tuple[Any, ...]
BUSY_SECONDS = 5.0
"""How long a locked SQLite file is waited for."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Snapshot(Protocol):
    """One reading of a table: everything that is asked of it is as of one moment.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "profiles.db")
    ...     with closing(sqlite3.connect(path)) as database, database:
    ...         _ = database.execute("CREATE TABLE users AS SELECT 'ann' AS user_id, '2026-01-31' AS updated_at")
    ...     with SQLiteTable(path, "users").opened() as snapshot:
    ...         list(snapshot.pages(["user_id"], "user_id", ["updated_at"], start=None, size=10))
    [[('ann',)]]
    """

    def columns(self) -> dict[str, bool]:
        """Return the table's columns, and of each whether it can hold a time; none where there is no such table."""

    def clock(self) -> datetime:
        """Return what the database takes for now."""

    def pages(
        self, columns: Sequence[str], key: str, times: Sequence[str], start: datetime | None, size: int
    ) -> Iterator[list[Row]]:
        """Yield the rows, at most `size` at once, in the order of the latest of their `times`, then of the key.

        From `start` on; a row without a time that can be read comes last, and always.
        """

    def ids(self, key: str, size: int) -> Iterator[list[Row]]:
        """Yield the keys of all rows."""


class Table(Protocol):
    """A table that can be opened; `shown` says where it is, never with a password.

    >>> SQLiteTable(Path("profiles.db"), "users").shown
    'profiles.db'
    """

    shown: str

    def opened(self) -> AbstractContextManager[Snapshot]:
        """Open a snapshot; all that goes wrong while it is open becomes a sentence."""


class SQLiteTable:
    """A table of an SQLite file, opened read-only; nobody can write to a file without WAL while a snapshot is open.

    Times are text in any ISO 8601 format (without an offset they are UTC) or seconds since 1970, and may be mixed.
    Raises `DataError` where the file is no database, `SourceError` where it cannot be read.

    >>> with SQLiteTable(Path("missing.db"), "users").opened():
    ...     pass
    Traceback (most recent call last):
    mlsd_lab.errors.SourceError: missing.db: expected an SQLite file, found none
    """

    def __init__(self, path: Path, table: str) -> None:
        self.shown = str(path)
        self._path = path
        self._schema, self._name = table_parts(table)

    @contextmanager
    def opened(self) -> Iterator["_SQLite"]:
        """Open the file and begin one read transaction."""
        try:
            if not self._path.is_file():
                raise SourceError(f"{self.shown}: expected an SQLite file, found none")
            uri = f"{self._path.resolve().as_uri()}?mode=ro"
            with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
                connection.execute("BEGIN")
                yield _SQLite(connection, quoted(self._schema or "main"), quoted(self._name))
        except OSError as error:
            raise SourceError(f"{self.shown}: expected a file that can be read, found: {error.strerror}") from None
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
            if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                raise DataError(f"{self.shown}: expected an SQLite database, found: {error}") from None
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                found = f"a lock of another program that lasted {BUSY_SECONDS:g} s ({error})"
            else:
                found = str(error)
            raise SourceError(f"{self.shown}: expected a database that can be read, found: {found}") from None


class _SQLite:
    def __init__(self, connection: sqlite3.Connection, schema: str, name: str) -> None:
        self._connection, self._schema, self._name = connection, schema, name
        connection.text_factory = _text_or_bytes
        # SQLite's own date functions round to milliseconds and know few formats: one reader of times for both ends
        connection.create_function("mlsd_moment", -1, _microseconds, deterministic=True)

    def columns(self) -> dict[str, bool]:
        pragma = f"PRAGMA {self._schema}.table_xinfo({self._name})"
        return {row[1]: True for row in self._connection.execute(pragma) if row[6] != 1}  # 1: hidden

    def clock(self) -> datetime:
        text = self._connection.execute("SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')").fetchone()[0]
        return datetime.fromisoformat(text)

    def pages(
        self, columns: Sequence[str], key: str, times: Sequence[str], start: datetime | None, size: int
    ) -> Iterator[list[Row]]:
        latest = f"mlsd_moment({', '.join(map(quoted, times))})"
        where = "" if start is None else f"WHERE ifnull({latest} >= ?, 1)"
        query = f"""SELECT {", ".join(map(quoted, columns))} FROM {self._schema}.{self._name} {where}
            ORDER BY {latest} NULLS LAST, CAST({quoted(key)} AS TEXT)"""
        return self._read(query, () if start is None else (_microseconds(start.isoformat()),), size)

    def ids(self, key: str, size: int) -> Iterator[list[Row]]:
        return self._read(f"SELECT {quoted(key)} FROM {self._schema}.{self._name}", (), size)

    def _read(self, query: str, values: Row, size: int) -> Iterator[list[Row]]:
        with closing(self._connection.execute(query, values)) as cursor:
            while page := cursor.fetchmany(size):
                yield page


def quoted(name: str) -> str:
    """Return a name as an SQL identifier.

    >>> quoted('our "best" users')
    '"our ""best"" users"'
    """
    return '"' + name.replace('"', '""') + '"'


def moment(value: object) -> datetime | None:
    """Return a time of a database in UTC, or None: ISO 8601 text, UTC without an offset, or seconds since 1970.

    >>> moment("2026-01-31 18:05:00+02").isoformat(), moment(0).isoformat(), moment("yesterday")
    ('2026-01-31T16:05:00+00:00', '1970-01-01T00:00:00+00:00', None)
    """
    try:
        if isinstance(value, str):
            time = datetime.fromisoformat(value)
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _EPOCH + timedelta(seconds=value)
    except (ValueError, OverflowError):
        pass
    return None


def _microseconds(*values: object) -> int | None:
    """Return the latest of some times as SQLite compares them; of bytes and the like None."""
    times = [time for value in values if (time := moment(value)) is not None]
    return (max(times) - _EPOCH) // timedelta(microseconds=1) if times else None


def _text_or_bytes(value: bytes) -> str | bytes:
    """Return text; what is not UTF-8 stays bytes, which the contract refuses."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value


def table_parts(table: str) -> tuple[str, str]:
    """Return the schema ("" where none is named) and the name of a table.

    >>> table_parts("crm.users"), table_parts("users")
    (('crm', 'users'), ('', 'users'))
    """
    schema, dot, name = table.partition(".")
    schema, name = (schema, name) if dot else ("", schema)
    if not name or (dot and not schema) or "\0" in table:
        raise ConfigError(f"table: expected users or schema.users, found {table!r}")
    return schema, name
