"""One side of an ingestion benchmark: `python ingest_side.py SIDE CLICKS FOLDER` prints seconds, and SQL for its rows.

`python ingest_side.py count SQL` counts them, in a process of its own: what counting needs is not the side's memory.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import deltalake  # noqa: F401  loading it is not timed
import duckdb  # noqa: F401
import pandas as pd

from benchmarks.event_lines import NOW
from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.contracts import EVENTS
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.lake_files import data_files
from mlsd_lab.ingestion.parsing import connect, parse
from mlsd_lab.ingestion.shape import Shape


def ours(clicks: Path, folder: Path) -> str:
    """Ingest, and return SQL for the rows that are there now."""
    lake = Lake(folder / "lake")
    ingest(lake, [ClickLog(clicks)], NOW)
    return f"read_parquet({lake.table('events').files})"


def parse_alone(clicks: Path, _folder: Path) -> str:
    """Read the lines and check them against the contract, batch by batch, and no more."""
    connection, found = connect(), 0
    for batch in ClickLog(clicks).since(None):
        parse(connection, batch.lines, EVENTS, batch.origin, NOW)
        found += connection.execute("SELECT count(*) FROM parsed").fetchall()[0][0]
    return f"(SELECT CAST(unnest(range({found})) AS VARCHAR) AS event_id)"


def deltalake_append(clicks: Path, folder: Path) -> str:
    """Let DuckDB read the JSON with given types, and append it to Delta by day: no contract, no copies found."""
    from deltalake import DeltaTable, write_deltalake

    types = json.dumps(Shape.of(EVENTS).columns).replace('"', "'")
    rows = f"read_json('{clicks}/*.jsonl', format = 'newline_delimited', columns = {types})"
    stream = connect().sql(f"SELECT *, CAST(occurred_at AS DATE) AS event_date FROM {rows}")
    write_deltalake(str(folder / "delta"), stream, partition_by=["event_date"], mode="append")
    return f"read_parquet({data_files(DeltaTable(str(folder / 'delta')))})"


def pandas_parquet(clicks: Path, folder: Path) -> str:
    """Read each file with pandas, and let DuckDB write the frame as Parquet."""
    for path in sorted(clicks.iterdir()):
        frame = pd.read_json(path, lines=True, dtype={"event_id": str, "request_id": str})
        frame["occurred_at"], frame["known_at"] = (pd.to_datetime(frame[each]) for each in ("occurred_at", "known_at"))
        connection = connect()
        connection.register("frame", frame)
        connection.execute(f"COPY (FROM frame) TO '{folder}/{path.stem}.parquet'")
    return f"read_parquet('{folder}/*.parquet')"


SIDES: dict[str, Callable[[Path, Path], str]] = {
    side.__name__: side for side in (ours, parse_alone, deltalake_append, pandas_parquet)
}


def count(rows: str) -> dict[str, int]:
    """Return how many rows there are, and how many ids."""
    found, ids = connect().sql(f"SELECT count(*), count(DISTINCT event_id) FROM {rows}").fetchall()[0]
    return {"rows": found, "ids": ids}


if __name__ == "__main__":
    if sys.argv[1] == "count":
        print(json.dumps(count(sys.argv[2])))
        sys.exit()
    side = SIDES[sys.argv[1]]
    began = perf_counter()
    made = side(Path(sys.argv[2]), Path(sys.argv[3]))
    seconds = perf_counter() - began
    print(json.dumps({"seconds": seconds, "made": made}))
