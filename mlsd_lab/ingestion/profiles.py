"""Profiles out of a database, read incrementally by (updated_at, id)."""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from mlsd_lab.errors import ConfigError, SourceError
from mlsd_lab.ingestion.contract import Contract
from mlsd_lab.ingestion.contracts import USERS
from mlsd_lab.ingestion.profile_databases import Row, Snapshot, SQLiteTable, Table, moment
from mlsd_lab.ingestion.profile_postgresql import PostgreSQLTable
from mlsd_lab.ingestion.source import Batch, Position

_BEGINNING = datetime.min.replace(tzinfo=UTC)
_SUFFIXES = (".db", ".sqlite", ".sqlite3")


class Profiles:
    """A table of profiles as a `Source`: every run reads one snapshot, page by page, and only the contract's columns.

    `since(position)` begins `overlap` before the position's `updated_at`, because a transaction that commits late may
    carry an earlier time; the copies are harmless, the lake drops them. A row whose `updated_at` cannot be read, or
    lies after the database's clock, comes in every run and moves no position.

    Deletes: rows with `deleted` true or with a `deleted_at` become tombstones (`"deleted": true`, `updated_at` the
    later of both times). Of a table with neither column the last batch of a run holds all ids, as `present`.

    `url` is `sqlite:///relative.db`, `sqlite:////absolute/path.db`, the path of a .db or .sqlite file, or
    `postgresql://user:password@host:port/database`. Raises `ConfigError` for any other, `SourceError` where the table
    cannot be read or lacks the id or `updated_at`, `DataError` where a file is no database.

    >>> import sqlite3
    >>> from contextlib import closing
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with closing(sqlite3.connect(f"{folder}/profiles.db")) as database, database:
    ...         _ = database.execute("CREATE TABLE users (user_id, updated_at, deleted_at, email)")
    ...         _ = database.execute("INSERT INTO users VALUES ('ann', '2026-01-31 18:05', NULL, 'ann@example.org')")
    ...     batches = list(Profiles(f"sqlite:///{folder}/profiles.db").since(None))
    >>> batches[0].lines
    b'{"user_id": "ann", "updated_at": "2026-01-31T18:05:00Z", "deleted": false}\\n'
    >>> batches[0].position
    {'updated_at': '2026-01-31T18:05:00Z', 'key': 'ann'}
    """

    name = "profiles"

    def __init__(
        self,
        url: str,
        table: str = "users",
        contract: Contract = USERS,
        page: int = 5000,
        overlap: timedelta = timedelta(minutes=10),
    ) -> None:
        if page < 1:
            raise ConfigError(f"page: expected 1 row or more, found {page}")
        if overlap < timedelta(0):
            raise ConfigError(f"overlap: expected a time of 0 or more, found {overlap}")
        self.contract = contract
        self._database, self._table, self._page, self._overlap = _database(url, table), table, page, overlap
        self._where = f"{table} of {self._database.shown}"

    def since(self, position: Position | None) -> Iterator[Batch]:
        """Yield the rows updated after `position` and in the overlap before it; the position never goes backwards.

        A generator holds its snapshot open: read it to its end or close it.
        """
        mark = _Mark.read(position)
        try:
            with self._database.opened() as snapshot:
                shape = self._shape(snapshot)
                start, now = mark.less(self._overlap), snapshot.clock()
                key = shape.key
                for rows in snapshot.pages(shape.columns, key, shape.times, start, self._page):
                    records = [shape.record(row) for row in rows]
                    passed = next((record for record in reversed(records) if _before(record, now)), None)
                    mark = mark if passed is None else max(mark, _Mark.of(passed, key))
                    lines = "".join(json.dumps(record, default=_refused) + "\n" for record in records)
                    yield Batch(lines.encode(), mark.position, f"{self._where}, {_span(records)}")
                if not shape.tells_deletes:
                    yield self._all_ids(snapshot, key, mark)
        except SourceError as error:
            raise SourceError(f"{self.name}: {error}; mend that and run again: it goes on {mark}") from None

    def _shape(self, snapshot: Snapshot) -> "_Shape":
        has, key = snapshot.columns(), self.contract.key[0]
        if not has:
            raise SourceError(f"{self._where}: expected a table of that name, found none")
        if missing := [name for name in (key, "updated_at") if name not in has]:
            raise SourceError(f"{self._where}: expected a column {missing[0]}, found {', '.join(sorted(has))}")
        times = tuple(name for name in ("updated_at", "deleted_at") if name in has)
        if wrong := [name for name in times if not has[name]]:
            raise SourceError(
                f"{self._where}: expected {wrong[0]} to be a timestamp with time zone, found another type"
            )
        readers = {field.name: _READ.get(field.kind, _plain) for field in self.contract.fields if field.name in has}
        return _Shape(key, tuple(dict.fromkeys((*readers, *times))), times, tuple(readers.items()))

    def _all_ids(self, snapshot: Snapshot, key: str, mark: "_Mark") -> Batch:
        values = (_plain(value) for rows in snapshot.ids(key, self._page) for (value,) in rows)
        present = frozenset(str(value) for value in values if isinstance(value, str | int))
        notes = () if present else (f"{self._where} is empty: every user that was ever read is taken for deleted",)
        return Batch(b"", mark.position, f"{self._where}, all ids", present=present, notes=notes)


@dataclass(frozen=True)
class _Shape:
    """What is read of a table, and how a row of it becomes a record."""

    key: str
    columns: tuple[str, ...]
    times: tuple[str, ...]
    readers: tuple[tuple[str, Callable[[Any], Any]], ...]

    @property
    def tells_deletes(self) -> bool:
        return "deleted" in self.columns or "deleted_at" in self.times

    def record(self, row: Row) -> dict[str, Any]:
        values = dict(zip(self.columns, row, strict=True))
        record = {name: read(values[name]) for name, read in self.readers}
        if "deleted_at" in self.times:
            if values["deleted_at"] is not None or "deleted" not in record:
                record["deleted"] = values["deleted_at"] is not None
            if times := [found for name in self.times if (found := moment(values[name])) is not None]:
                record["updated_at"] = _iso(max(times))
        return record


@dataclass(frozen=True, order=True)
class _Mark:
    """How far a run has come; the id only tells a person where that is."""

    updated_at: datetime = _BEGINNING
    key: str = ""

    @classmethod
    def read(cls, position: Position | None) -> "_Mark":
        if position is None or dict(position) == cls().position:
            return cls()
        updated_at = moment(position.get("updated_at"))
        if updated_at is None or not isinstance(position.get("key"), str):
            raise ConfigError(f"profiles: expected a position with updated_at and key, found {dict(position)!r}")
        return cls(updated_at, position["key"])

    @classmethod
    def of(cls, record: dict[str, Any], key: str) -> "_Mark":
        return cls(moment(record["updated_at"]) or _BEGINNING, str(record[key]))

    @property
    def position(self) -> dict[str, Any]:
        begun = self > _Mark()
        return {"updated_at": _iso(self.updated_at) if begun else None, "key": self.key if begun else None}

    def less(self, overlap: timedelta) -> datetime | None:
        """Return when to begin, or None for the beginning."""
        try:
            return self.updated_at - overlap if self > _Mark() else None
        except OverflowError:
            return None

    def __str__(self) -> str:
        return f"after {_iso(self.updated_at)} (id {self.key})" if self > _Mark() else "from the beginning"


def _database(url: str, table: str) -> Table:
    scheme, separator, rest = url.partition("://")
    if separator and scheme in ("postgresql", "postgres"):
        return PostgreSQLTable(url, table)
    if separator and scheme == "sqlite" and rest.startswith("/") and rest.strip("/"):
        return SQLiteTable(Path(rest[1:]), table)
    if not separator and Path(url).suffix in _SUFFIXES and Path(url).is_file():
        return SQLiteTable(Path(url), table)
    found = f"one that begins with {scheme}://" if separator else repr(url)
    raise ConfigError(
        "expected sqlite:///relative.db, sqlite:////absolute/path.db, the path of a .db or .sqlite file that is there, "
        f"or postgresql://user:password@host:port/database, found {found}"
    )


def _before(record: dict[str, Any], now: datetime) -> bool:
    """Return whether a record may move the position: one from a clock ahead would hide all that come after it."""
    updated_at = moment(record["updated_at"])
    return updated_at is not None and updated_at <= now


def _span(records: list[dict[str, Any]]) -> str:
    return f"updated {records[0]['updated_at']} to {records[-1]['updated_at']}"


def _iso(found: datetime) -> str:
    return found.isoformat().replace("+00:00", "Z")


def _moment(value: Any) -> Any:
    found = moment(value)
    return _plain(value) if found is None else _iso(found)


def _flag(value: Any) -> Any:
    return bool(value) if isinstance(value, int) and value in (0, 1) else _plain(value)


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; what it cannot hold becomes what the contract refuses, with its reason."""
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return str(value) if isinstance(value, UUID | date | time) else value


def _refused(value: Any) -> dict[str, str]:
    """Return bytes and the like as an object: no kind of field takes one."""
    return {type(value).__name__: value.hex() if isinstance(value, bytes) else str(value)}


_READ = {"moment": _moment, "flag": _flag}
