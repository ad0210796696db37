"""Lines into typed rows: all at once in DuckDB, and one by one under the contract what DuckDB is not sure of."""

import hashlib
import json
import os
import tempfile
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mlsd_lab.errors import DataError
from mlsd_lab.ingestion.contract import ERA, LEEWAY, Contract, Field
from mlsd_lab.ingestion.shape import PARTITION, TYPES
from mlsd_lab.ingestion.source import Dead
from mlsd_lab.ingestion.storage_errors import explained

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_VALID = "CASE WHEN json_valid(line) THEN line END"  # where TRY must catch an error, DuckDB goes row by row
KEPT_BYTES = 64 * 1024
"""Of a huge dead record so many first bytes are kept, and the hash of all."""


def connect(folder: Path | None = None) -> "DuckDBPyConnection":
    """Return an empty DuckDB in memory, in UTC, that spills to `folder` and never loads an extension from outside.

    >>> connect().sql("SELECT TIMESTAMPTZ '2026-01-01 00:00:00+01'::VARCHAR AS at").fetchall()
    [('2025-12-31 23:00:00+00',)]
    """
    import duckdb

    options: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "TimeZone": "UTC",
    }
    if folder is not None:
        options["temp_directory"] = str(folder)
    return duckdb.connect(config=options)


def parse(
    connection: "DuckDBPyConnection", lines: bytes, contract: Contract, origin: str, now: datetime | None = None
) -> list[Dead]:
    """Make `lines` the table `parsed` of a connection, columns as in the contract, and return what is refused.

    DuckDB takes a line only if it is surely good; any other goes to `Contract.read`, which gives the reason.
    Where the contract has a `date`, `parsed` has its UTC date too, as `event_date`. The number of a row's line in
    `lines`, from 0, is `coalesce(place, rowid)`, until rows are added.

    >>> from mlsd_lab.ingestion.contracts import EVENTS
    >>> connection, at = connect(), "2026-01-01T00:00:00Z"
    >>> good = json.dumps({"event_id": "e", "user_id": 7, "video_id": "v", "occurred_at": at, "known_at": at})
    >>> [dead.reason for dead in parse(connection, f"{good}\\nhello\\n".encode(), EVENTS, "clicks-1.jsonl")]
    ['expected a JSON object, found none that can be read (Expecting value: line 1 column 1 (char 0))']
    >>> connection.sql('SELECT event_id, user_id, clicked, event_date FROM parsed').fetchall()
    [('e', '7', None, datetime.date(2026, 1, 1))]
    """
    clean, apart = _set_apart(lines)
    with _as_file(clean) as name:
        connection.execute(_parsed(contract, name, now))
    unsure = connection.sql("SELECT rowid, line FROM parsed WHERE line IS NOT NULL ORDER BY 1").fetchall()
    connection.execute("DELETE FROM parsed WHERE line IS NOT NULL") if unsure else None
    rows, dead = [], []
    for place, text in unsure:
        line = apart.get(place) or text.encode()
        try:
            rows.append([*contract.read(line, now).values(), place])
        except DataError as error:
            dead.append(refused(line, str(error), origin))
    _append(connection, contract, rows)
    return dead


def refused(record: bytes, reason: str, origin: str) -> Dead:
    """Return a dead letter for a record that is all there.

    >>> refused(b"{}", "event_id: expected text, found nothing", "clicks-1.jsonl").size
    2
    """
    return Dead(record[:KEPT_BYTES], reason, origin, len(record), hashlib.sha256(record).hexdigest())


@contextmanager
def _as_file(lines: bytes) -> Iterator[str]:
    """Yield the path of a file, in memory where the system can: no disk is waited for, a kill leaves nothing behind."""
    in_memory = hasattr(os, "memfd_create")
    place = "memory" if in_memory else f"the temporary folder {tempfile.gettempdir()}"
    with (
        explained(place),  # outside: a full one fails at the close once more
        os.fdopen(os.memfd_create("lines"), "wb") if in_memory else tempfile.NamedTemporaryFile() as file,
    ):
        file.write(lines)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}" if in_memory else file.name


def _set_apart(lines: bytes) -> tuple[bytes, dict[int, bytes]]:
    """Put `-` in the place of lines that DuckDB's reader would stumble over: control characters, and no UTF-8."""
    clean: list[bytes] = []
    apart: dict[int, bytes] = {}
    at = number = 0
    mark = [0] * lines.startswith(BOM_UTF8)  # which the reader would pass over, at the beginning alone
    for place in sorted([*mark, *_controls(lines), *_no_text(lines)]):
        if place >= at:
            start, end = lines.rfind(b"\n", 0, place) + 1, lines.find(b"\n", place) + 1 or len(lines)
            number += lines.count(b"\n", at, start)
            clean += lines[at:start], b"-\n"
            apart[number] = lines[start:end].removesuffix(b"\n")
            at, number = end, number + 1
    return (b"".join([*clean, lines[at:]]), apart) if apart else (lines, apart)


def _controls(lines: bytes) -> list[int]:
    """Find control characters other than tabs and newlines, a piece that fits the processor's cache at a time."""
    codes, piece, found = np.frombuffer(lines, dtype=np.uint8), 1 << 18, []
    for at in range(0, len(codes), piece):
        part = codes[at : at + piece]
        if np.count_nonzero(part < 32) > np.count_nonzero(part == 10):
            found += (np.flatnonzero((part < 32) & (part != 9) & (part != 10)) + at).tolist()
    return found


def _no_text(lines: bytes) -> list[int]:
    """Find in each line that is not UTF-8 the first byte that is wrong, some lines at a time."""
    found, at = [], len(lines) if lines.isascii() else 0
    while at < len(lines):
        end = lines.find(b"\n", min(at + (1 << 17), len(lines) - 1)) + 1 or len(lines)
        try:
            lines[at:end].decode("utf-8")
            at = end
        except UnicodeDecodeError as error:
            found.append(at + error.start)
            at = lines.find(b"\n", at + error.start) + 1 or len(lines)
    return found


def _parsed(contract: Contract, file: str, now: datetime | None) -> str:
    shape = {field.name: "VARCHAR" if field.kind in ("text", "moment") else "JSON" for field in contract.fields}
    values = ", ".join(f"{_value(field)} AS {_name(field)}" for field in contract.fields)
    sure = "s IS NOT NULL AND NOT contains(line, '\\u0000') AND " + " AND ".join(
        condition for field in contract.fields for condition in _sure(field, now)
    )
    if contract.added == "refuse":
        named = ", ".join(map(_quoted, contract.columns))
        sure += f" AND list_has_all([{named}], TRY(json_keys(line)))"
    day = "" if contract.date is None else f', CAST("{contract.date}" AS DATE) AS {PARTITION}'
    source = (
        f"read_csv({_quoted(file)}, header = false, auto_detect = false, delim = '\\x01', quote = '', escape = '', "
    )
    source += "columns = {'line': 'VARCHAR'}, max_line_size = 4194304)"
    return f"""CREATE OR REPLACE TEMP TABLE parsed AS
        SELECT CASE WHEN sure THEN NULL ELSE coalesce(line, '') END AS line,
          {", ".join(map(_name, contract.fields))}{day}, CAST(NULL AS BIGINT) AS place
        FROM (SELECT line, {values}, coalesce({sure}, false) AS sure
          FROM (SELECT line, TRY(from_json({_VALID}, {_quoted(json.dumps(shape))})) AS s FROM {source}))"""


def _value(field: Field) -> str:
    raw = f"s.{_name(field)}"
    if field.kind == "number":
        return f"try_cast(CAST({raw} AS VARCHAR) AS DOUBLE)"
    if field.kind == "whole":
        return f"try_cast(try_cast(CAST({raw} AS VARCHAR) AS DOUBLE) AS INTEGER)"
    if field.kind == "flag":
        return f"CASE CAST({raw} AS VARCHAR) WHEN 'true' THEN true WHEN 'false' THEN false END"
    return f"try_cast({raw} AS TIMESTAMPTZ)" if field.kind == "moment" else raw


def _sure(field: Field, now: datetime | None) -> Iterable[str]:
    """Yield SQL conditions under which a value is surely what the contract wants, and what `_value` made of it."""
    name, raw = _name(field), f"s.{_name(field)}"
    absent = (
        f"{raw} IS NULL" if field.kind in ("text", "moment") else f"coalesce(CAST({raw} AS VARCHAR), 'null') = 'null'"
    )
    good = {
        "text": f"(NOT starts_with({raw}, '{{') AND NOT starts_with({raw}, '[') AND {raw} NOT IN ('true', 'false')"
        f" AND CASE WHEN {raw} >= ':' OR {raw} = '' THEN true WHEN regexp_full_match({raw}, '[0-9]+') THEN true"
        f" ELSE try_cast({raw} AS DOUBLE) IS NULL END)",
        "whole": f"try_cast(CAST({raw} AS VARCHAR) AS DOUBLE) = {name} AND {_within(field)}",
        "number": f"isfinite({name}) AND {_within(field)}",
        "flag": f"{name} IS NOT NULL",
        "moment": f"strlen({raw}) BETWEEN 20 AND 32"
        f" AND CASE WHEN suffix({raw}, 'Z') THEN true ELSE {raw}[-6] IN ('+', '-') END"
        f" AND epoch_us({name}) BETWEEN {_microseconds(ERA[0])} AND {_microseconds(ERA[1]) - 1}",
    }[field.kind]
    if field.kind == "moment" and now is not None:
        good += f" AND epoch_us({name}) <= {_microseconds(now + LEEWAY)}"
    if field.not_after is not None:
        leeway = LEEWAY // timedelta(microseconds=1)
        good += f' AND coalesce(epoch_us({name}) <= epoch_us("{field.not_after}") + {leeway}, true)'
    yield f"({good})" if field.required else f"({absent} OR ({good}))"


def _microseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _within(field: Field) -> str:
    bounds = [f"{_name(field)} >= {field.low!r}"] if field.low > float("-inf") else []
    bounds += [f"{_name(field)} <= {field.high!r}"] if field.high < float("inf") else []
    return " AND ".join(bounds) or "true"


def _append(connection: "DuckDBPyConnection", contract: Contract, rows: list[list[object]]) -> None:
    """Add rows, each followed by its place, in one statement: a statement a row takes a millisecond a row."""
    if rows:
        kinds = {_name(field): TYPES[field.kind] for field in contract.fields} | {"place": "BIGINT"}
        columns = [f"unnest(CAST(${at} AS {kind}[])) AS {name}" for at, (name, kind) in enumerate(kinds.items(), 1)]
        day = "" if contract.date is None else f', CAST("{contract.date}" AS DATE)'
        connection.execute(
            f"INSERT INTO parsed SELECT NULL, * EXCLUDE (place){day}, place FROM (SELECT {', '.join(columns)})",
            [list(column) for column in zip(*rows, strict=True)],
        )


def _name(field: Field) -> str:
    return '"' + field.name.replace('"', '""') + '"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
