"""One consistent snapshot of a table of profiles in PostgreSQL; psycopg is loaded when such a table is named."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from mlsd_lab.errors import ConfigError, MissingExtraError, SourceError
from mlsd_lab.ingestion.profile_databases import Row, quoted, table_parts

if TYPE_CHECKING:
    import psycopg

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 300
"""The first page of a big table without an index is a sort of all of it."""
_LINE_GOES_DEAD = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}


class PostgreSQLTable:
    """A table of a PostgreSQL database, read in one REPEATABLE READ READ ONLY transaction by a server-side cursor.

    Times are of a date or timestamp type; without an offset they are UTC. Raises `MissingExtraError` without psycopg,
    `SourceError` where the server is not there, refuses, or goes away. Its way to say where it is keeps the password:

    >>> PostgreSQLTable.address("postgresql://app:secret@db:5432/prod?sslmode=require")
    'postgresql://app@db:5432/prod'
    """

    def __init__(self, url: str, table: str) -> None:
        self.shown = self.address(url)
        self._name = ".".join(quoted(part) for part in table_parts(table) if part)
        try:
            import psycopg  # noqa: F401
        except ImportError:
            raise MissingExtraError(f"{self.shown} needs psycopg: pip install 'mlsd_lab[postgres]'") from None
        parts = urlsplit(url)
        login = {"user": parts.username, "password": parts.password, "host": parts.hostname, "dbname": parts.path[1:]}
        self._login: dict[str, Any] = {
            "connect_timeout": CONNECT_SECONDS,
            **_LINE_GOES_DEAD,
            **dict(parse_qsl(parts.query)),
        }
        self._login |= {name: unquote(value) for name, value in login.items() if value}
        self._login |= {"port": parts.port} if parts.port else {}

    @staticmethod
    def address(url: str) -> str:
        """Return the URL without its password and options, or raise `ConfigError`."""
        try:
            parts = urlsplit(url)
            port = f":{parts.port}" if parts.port else ""
        except ValueError:  # its message may hold a piece of the password
            parts, port = urlsplit(""), ""
        # an @ further on: a / or ? or # of the password has cut it in two, and its pieces pass for host and database
        if parts.scheme not in ("postgresql", "postgres") or "@" in parts.path + parts.query or parts.fragment:
            raise ConfigError(
                "expected postgresql://user:password@host:port/database with the signs / ? # @ % of the password "
                "written as %2F %3F %23 %40 %25, found a URL that cannot be read so (not shown: it may hold a password)"
            )
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        return f"postgresql://{f'{parts.username}@' if parts.username else ''}{host}{port}{parts.path}"

    @contextmanager
    def opened(self) -> Iterator["_PostgreSQL"]:
        """Connect and begin the transaction."""
        import psycopg

        try:
            connection = psycopg.connect(**self._login, prepare_threshold=None)
        except (psycopg.Error, UnicodeError) as error:
            raise SourceError(
                f"{self.shown}: expected a PostgreSQL server that lets us in, found: {_one_line(error)}; "
                "see that it runs, and that host, port, database, user and password are right"
            ) from None
        try:
            with closing(connection):
                yield _PostgreSQL(connection, self._name)
        except (psycopg.Error, UnicodeError) as error:
            raise SourceError(f"{self.shown}: {self._refusal(error)}") from None

    def _refusal(self, error: Exception) -> str:
        from psycopg import errors

        if isinstance(error, errors.InsufficientPrivilege):
            return f"expected the right to SELECT from {self._name}, found: {_one_line(error)}; have it granted"
        if isinstance(error, errors.QueryCanceled):
            return (
                f"expected an answer within {STATEMENT_SECONDS} s, found: {_one_line(error)}; "
                "an index on the update time helps"
            )
        if isinstance(error, errors.OperationalError):
            return f"expected a server that stays until the end of the reading, found: {_one_line(error)}"
        return f"expected a table that can be read, found: {_one_line(error)}"


class _PostgreSQL:
    def __init__(self, connection: "psycopg.Connection[Row]", name: str) -> None:
        from psycopg import IsolationLevel
        from psycopg.types.string import TextLoader

        self._connection, self._name = connection, name
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        for time in ("timestamptz", "timestamp", "date", "timetz", "time", "interval"):
            connection.adapters.register_loader(time, TextLoader)  # infinity and years BC are no Python times
        for setting in ("TIME ZONE 'UTC'", "datestyle = 'ISO'", f"statement_timeout = '{STATEMENT_SECONDS}s'"):
            connection.execute(f"SET LOCAL {setting}".encode())

    def columns(self) -> dict[str, bool]:
        query = """SELECT attname, typcategory = 'D' FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
            WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped"""
        return dict(self._connection.execute(query, (self._name,)).fetchall())

    def clock(self) -> datetime:
        row = self._connection.execute("SELECT now()").fetchone()
        assert row is not None
        return datetime.fromisoformat(row[0])

    def pages(
        self, columns: Sequence[str], key: str, times: Sequence[str], start: datetime | None, size: int
    ) -> Iterator[list[Row]]:
        names = [quoted(time) for time in times]
        # each time by itself, so that an index on it can be used
        late = " OR ".join(f"{name} >= %(start)s" for name in names)
        where = "" if start is None else f"WHERE {late} OR {names[0]} IS NULL"
        query = f"""SELECT {", ".join(map(quoted, columns))} FROM {self._escaped} {where}
            ORDER BY greatest({", ".join(names)}) NULLS LAST, {quoted(key)}::text COLLATE "C" """
        return self._read(query, {"start": start}, size)

    def ids(self, key: str, size: int) -> Iterator[list[Row]]:
        return self._read(f"SELECT {quoted(key)} FROM {self._escaped}", {}, size)

    @property
    def _escaped(self) -> str:
        return self._name.replace("%", "%%")

    def _read(self, query: str, values: dict[str, Any], size: int) -> Iterator[list[Row]]:
        with self._connection.cursor(name="profiles") as cursor:
            cursor.execute(query.encode(), values)
            while page := cursor.fetchmany(size):
                yield page


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
