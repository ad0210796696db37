"""Click events as files of JSON lines, and the same as a lake, at any size in seconds: for ingestion's benchmarks."""

from datetime import UTC, datetime
from pathlib import Path

from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect

NOW = datetime(2026, 2, 1, tzinfo=UTC)
_DAYS, _AT_ONCE = 30, 1_000_000
_EVENTS = """
    SELECT CAST({number} AS VARCHAR) AS event_id, 'u' || (hash({number}) % 200000) AS user_id,
      'v' || (hash({number} * 7 + 1) % 100000) AS video_id,
      TIMESTAMPTZ '2026-01-01 00:00:00Z' + to_microseconds(CAST(({number} % {last}) AS BIGINT) * {step}) AS occurred_at,
      occurred_at + to_microseconds(CAST(hash({number} + 3) % 60000000 AS BIGINT)) AS known_at,
      CAST({number} // 10 AS VARCHAR) AS request_id, 'home' AS surface, CAST({number} % 10 AS INTEGER) AS "position",
      hash({number} + 1) % 5 = 0 AS clicked, hash({number} + 2) % 4 = 0 AS long_view, false AS liked,
      CAST(NULL AS DOUBLE) AS rating, (hash({number} + 4) % 120000) / 1000 AS watch_seconds,
      (hash({number} + 5) % 1000000) / 1000000 AS propensity, CAST(occurred_at AS DATE) AS event_date
"""


def events(log: int, begin: int, end: int, stride: int = 1, days: int = _DAYS) -> str:
    """Return SQL for the events `begin` to `end` of a log of so many, spread over `days` from 1 January 2026."""
    query = _EVENTS.format(number="number", last=log, step=days * 86_400_000_000 // log)
    return f"{query} FROM (SELECT unnest(range({begin}, {end}, {stride})) AS number)"


def write_lines(folder: Path, count: int, stored: int = 0, days: int = _DAYS, files: int = 8) -> int:
    """Write `count` new events of one day as JSON lines, and for 50 of them one stored in the last `days`."""
    folder.mkdir(parents=True)
    connection = connect()
    times = (f"strftime({name}, '%Y-%m-%dT%H:%M:%S.%fZ') AS {name}" for name in ("occurred_at", "known_at"))
    columns = "* EXCLUDE (event_date, rating, occurred_at, known_at), " + ", ".join(times)
    lines, part, copies = 0, count // files, stored and count // 50
    for number in range(files):
        begin = stored + number * part
        query = f"SELECT {columns} FROM ({events(count, begin, begin + part, days=1)})"
        if copies:
            among = stored * days // _DAYS
            old = events(stored, stored - among + number, stored, stride=max(1, among // copies) * files)
            query += f" UNION ALL (SELECT {columns} FROM ({old}))"
        lines += connection.execute(f"COPY ({query}) TO '{folder}/clicks-{number:04}.jsonl' (FORMAT json)").fetchall()[
            0
        ][0]
    return lines


def fill_lake(folder: Path, count: int) -> Lake:
    """Make a lake that holds `count` events of 30 days, a file or two a day."""
    lake, connection = Lake(folder), connect()
    table = lake.table("events")
    for begin in range(0, count, _AT_ONCE):
        table.append(connection, events(count, begin, min(begin + _AT_ONCE, count)), {})
    return lake
