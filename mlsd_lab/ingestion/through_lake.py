"""A log on the way that real data takes: click files with all their defects, a lake, and back as a log."""

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from mlsd_lab.datasets import Log
from mlsd_lab.datasets.click_files import Defects, write_click_files
from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.contracts import EVENTS, VIDEOS
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.intake import summary
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection

DEFECTS = Defects(late=0.02, repeated=0.01, shuffled=50, broken=0.001, gzipped=0.25)
"""What is wrong with the click files of a run: about what a careful collector delivers."""
_AT_ONCE = 1_000_000  # events sorted by the database at a time


def through_lake(
    log: Log, seed: int = 0, on_progress: Callable[[str], None] = lambda _said: None, keep: Path | None = None
) -> tuple[Log, dict[str, Any]]:
    """Write a log's events as click files, ingest them, and return the log as read from the lake, and what came of it.

    What comes back has the same events, each once, with the same values and types; `videos` and `users` do not pass.
    The clock of the run is the log's last `known_at`. Nothing is left behind on the disk, unless the lake is to `keep`
    in a folder, which is free: then the videos are put there too.

    >>> import pandas as pd
    >>> time = pd.to_datetime(["2026-01-01", "2026-01-02"], utc=True)
    >>> before = Log.from_frames(pd.DataFrame({"user_id": "ann", "video_id": ["v", "w"], "occurred_at": time}))
    >>> after, found = through_lake(before)
    >>> found["kept"], after.events.equals(before.events)
    (2, True)
    """
    with TemporaryDirectory(prefix="mlsd_lab_lake_") as folder:
        write_click_files(log, Path(folder, "clicks"), DEFECTS, seed=seed, on_progress=on_progress)
        lake = Lake(keep or Path(folder, "lake"))
        now = log.events["known_at"].max().to_pydatetime()
        intakes = ingest(
            lake, [ClickLog(Path(folder, "clicks"))], now, on_progress=lambda said, _share: on_progress(said)
        )
        if keep is not None:
            _put_videos(lake, log)
        with ThreadPoolExecutor(1) as beside:  # it sorts by id and hashes while the events are sorted by time
            found = beside.submit(summary, lake, intakes)
            after = log.with_events(_as_before(lake, log, on_progress))
            return after, {key: value for key, value in found.result().items() if key != "sources"}


def _put_videos(lake: Lake, log: Log) -> None:
    """Write the log's videos as if the API had given them at its first event."""
    connection, table = connect(), lake.table(VIDEOS.name)
    texts = [field.name for field in VIDEOS.fields if field.kind == "text" and field.name in log.videos]
    columns = [name for name in table.shape.columns if name in log.videos]
    connection.register("videos", log.videos[columns].astype(dict.fromkeys(texts, "string")))
    others = [f"NULL AS {name}" for name in table.shape.columns if name not in (*columns, "updated_at", "deleted")]
    first = f"TIMESTAMPTZ '{log.events['known_at'].min().isoformat()}' AS updated_at, false AS deleted"
    table.append(connection, f"SELECT {', '.join([*columns, *others, first])} FROM videos", {})


def _as_before(lake: Lake, log: Log, on_progress: Callable[[str], None]) -> "pd.DataFrame":
    """Return the lake's events with the log's columns, types and order.

    Some days at a time. The database turns ids into the log's codes, so that none becomes an object of Python.
    """
    import pandas as pd

    connection = connect()
    lake.view(connection, "events", "events")
    kinds = {name: kind for name, kind in log.events.dtypes.items() if name in EVENTS.columns}
    query = _with_codes(connection, kinds)
    day = "date_trunc('day', known_at) AS day"
    days = _found(connection, f"SELECT {day}, count(*) AS events FROM events GROUP BY day ORDER BY day")
    pieces = []
    for _, some in days.groupby(days["events"].cumsum() // _AT_ONCE)["day"]:
        on_progress(f"back from the lake: {some.iloc[-1]:%-d %B %Y}")
        until = some.iloc[-1] + pd.Timedelta(1, "D")
        within = f"known_at >= '{some.iloc[0]}' AND known_at < '{until}' ORDER BY known_at, event_id"
        piece = _found(connection, f"{query} WHERE {within}")
        for name, kind in kinds.items():
            if isinstance(kind, pd.CategoricalDtype):
                piece[name] = pd.Categorical.from_codes(piece[name], dtype=kind)
        pieces.append(piece.astype(kinds))
    return pd.concat(pieces, ignore_index=True)


def _with_codes(connection: "DuckDBPyConnection", kinds: dict[str, Any]) -> str:
    """Return SQL for the events' columns, a category as its code, a number that was text as one again."""
    import pandas as pd

    values, joins = [], []
    for name, kind in kinds.items():
        value = f'events."{name}"'
        if isinstance(kind, pd.CategoricalDtype):
            ids = pd.DataFrame({"id": kind.categories.astype(object), "code": range(len(kind.categories))})
            connection.register("ids", ids)
            connection.execute(f'CREATE TEMP TABLE "ids of {name}" AS SELECT id::VARCHAR AS id, code FROM ids')
            connection.unregister("ids")
            joins.append(f'LEFT JOIN "ids of {name}" ON "ids of {name}".id = {value}')
            value = f'coalesce("ids of {name}".code, -1)'
        elif pd.api.types.is_integer_dtype(kind):
            value = f"CAST({value} AS BIGINT)"
        values.append(f'{value} AS "{name}"')
    return f"SELECT {', '.join(values)} FROM events {' '.join(joins)}"


def _found(connection: "DuckDBPyConnection", query: str) -> "pd.DataFrame":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # DuckDB's own use of pandas
        return connection.execute(query).df()
