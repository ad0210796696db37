"""A table of users in SQLite or PostgreSQL for the tests of profiles, and what the lake makes of what is read."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsd_lab.ingestion.contracts import USERS
from mlsd_lab.ingestion.profiles import Profiles
from mlsd_lab.ingestion.source import Batch, Position

if TYPE_CHECKING:
    from tests.postgres import Server

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PLAIN, FLAG, TIME = "", "deleted", "deleted_at"
"""How a table tells of deletes."""
Fold = dict[str, dict[str, Any]]


class Bench:
    """A table of users in one of the databases, and the few ways in which a test changes it."""

    def __init__(self, url: str, table: str, run: Callable[[str, tuple[Any, ...]], None], sign: str, kind: str) -> None:
        self.url, self.table, self._run, self._sign, self.kind = url, table, run, sign, kind

    def create(self, deletes: str = PLAIN, more: str = "") -> None:
        stamp = "timestamptz" if self._sign == "%s" else "text"
        column = {PLAIN: "", FLAG: ", deleted boolean", TIME: f", deleted_at {stamp}"}[deletes]
        self.sql(f"CREATE TABLE {self.table} (user_id text, updated_at {stamp}, app text, email text{column}{more})")

    def sql(self, statement: str, *values: Any) -> None:
        texts = [value.isoformat() if isinstance(value, datetime) else value for value in values]
        self._run(statement.replace("?", self._sign), tuple(texts))

    def put(self, user: str, at: datetime, app: str = "web", **more: Any) -> None:
        """Write a user, whether or not it is there."""
        self.drop(user)
        columns = {"user_id": user, "updated_at": at, "app": app, "email": f"{user}@example.org", **more}
        marks = ", ".join("?" for _ in columns)
        self.sql(f"INSERT INTO {self.table} ({', '.join(columns)}) VALUES ({marks})", *columns.values())

    def drop(self, user: str) -> None:
        self.sql(f"DELETE FROM {self.table} WHERE user_id = ?", user)

    def profiles(self, page: int = 3, overlap: timedelta = 10 * MINUTE) -> Profiles:
        return Profiles(self.url, self.table, page=page, overlap=overlap)

    def read(self, position: Position | None = None, page: int = 3, overlap: timedelta = 10 * MINUTE) -> list[Batch]:
        return list(self.profiles(page, overlap).since(position))


NUMBERS = count()


@contextmanager
def sqlite_bench(folder: Path) -> Iterator[Bench]:
    path = folder / f"profiles {next(NUMBERS)}.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:

        def run(statement: str, values: tuple[Any, ...]) -> None:
            connection.execute(statement, values)

        connection.execute("PRAGMA journal_mode = WAL")  # as a database that is written to while it is read would have
        connection.execute("PRAGMA synchronous = OFF")
        yield Bench(f"sqlite:///{path}", "users", run, "?", "sqlite")


@contextmanager
def postgres_bench(server: "Server") -> Iterator[Bench]:
    import psycopg

    schema = f"crm_{next(NUMBERS)}"
    connection = psycopg.connect(server.url(), autocommit=True)

    def run(statement: str, values: tuple[Any, ...]) -> None:
        nonlocal connection
        try:
            connection.execute(statement.encode(), values or None)
        except psycopg.OperationalError:  # the server was restarted since
            connection.close()
            connection = psycopg.connect(server.url(), autocommit=True)
            connection.execute(statement.encode(), values or None)

    try:
        run(f"CREATE SCHEMA {schema}", ())
        yield Bench(server.url(), f"{schema}.users", run, "%s", "postgresql")
        run(f"DROP SCHEMA {schema} CASCADE", ())
    finally:
        connection.close()


def records(batches: list[Batch]) -> list[dict[str, Any]]:
    """Return the records in their order, each held to the contract."""
    lines = [line for batch in batches for line in batch.lines.splitlines(keepends=True)]
    assert all(line.endswith(b"\n") for line in lines)
    for line in lines:
        USERS.read(line)
    return [json.loads(line) for line in lines]


def ids(batches: list[Batch]) -> list[str]:
    return [record["user_id"] for record in records(batches)]


def times(position: Position) -> datetime:
    """Return the update time of a position or a record."""
    return datetime.fromisoformat(position["updated_at"])


def fold(batches: list[Batch], held: Fold) -> None:
    """Do what the lake does: the newest of each user stays, ids that are no longer present go."""
    for batch in batches:
        for record in records([batch]):
            old = held.get(record["user_id"])
            if old is None or times(old) < times(record):
                held[record["user_id"]] = record
        if batch.present is not None:
            for gone in set(held) - batch.present:
                del held[gone]
