"""A log on the way that real data takes: click files with all their defects, a lake, and back as a log."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from mlsd_lab.datasets import Log
from mlsd_lab.datasets.click_files import Defects, write_click_files
from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.contracts import EVENTS, VIDEOS
from mlsd_lab.ingestion.ingest import OnProgress, ingest
from mlsd_lab.ingestion.intake import summary
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.shape import PARTITION
from mlsd_lab.ingestion.warehouse import Warehouse

if TYPE_CHECKING:
    import pandas as pd

DEFECTS = Defects(late=0.02, repeated=0.01, shuffled=50, broken=0.001, gzipped=0.25)
"""What is wrong with the click files of a run: about what a careful collector delivers."""
_AT_ONCE = 1_000_000  # events whose ids are held as text


def through_lake(
    log: Log, seed: int = 0, on_progress: OnProgress = lambda _stage, _share: None, keep: Path | None = None
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
        write_click_files(log, Path(folder, "clicks"), DEFECTS, seed=seed)
        lake = Lake(keep or Path(folder, "lake"))
        now = log.events["known_at"].max().to_pydatetime()
        intakes = ingest(lake, [ClickLog(Path(folder, "clicks"))], now, on_progress=on_progress)
        if keep is not None:
            _put_videos(lake, log)
        found = {key: value for key, value in summary(lake, intakes).items() if key != "sources"}
        return log.with_events(_as_before(Warehouse(lake), log)), found


def _put_videos(lake: Lake, log: Log) -> None:
    """Write the log's videos as if the API had given them at its first event."""
    connection, table = connect(), lake.table(VIDEOS.name)
    texts = [field.name for field in VIDEOS.fields if field.kind == "text" and field.name in log.videos]
    columns = [name for name in table.shape.columns if name in log.videos]
    connection.register("videos", log.videos[columns].astype(dict.fromkeys(texts, "string")))
    others = [f"NULL AS {name}" for name in table.shape.columns if name not in (*columns, "updated_at", "deleted")]
    first = f"TIMESTAMPTZ '{log.events['known_at'].min().isoformat()}' AS updated_at, false AS deleted"
    table.append(connection, f"SELECT {', '.join([*columns, *others, first])} FROM videos", {})


def _as_before(warehouse: Warehouse, log: Log) -> "pd.DataFrame":
    """Return the lake's events with the log's columns, types and order: an id that was a number is one again.

    Some days at a time, since ids as text take ten times the memory of the log's codes.
    """
    import pandas as pd

    kinds = {name: kind for name, kind in log.events.dtypes.items() if name in EVENTS.columns}
    days = warehouse.query(f"SELECT {PARTITION} AS day, count(*) AS events FROM fact_events GROUP BY day ORDER BY day")
    pieces = [
        warehouse.query(
            f"""SELECT {", ".join(kinds)} FROM fact_events
                WHERE {PARTITION} BETWEEN DATE '{some.iloc[0]:%F}' AND DATE '{some.iloc[-1]:%F}'"""
        ).astype(kinds)
        for _, some in days.groupby(days["events"].cumsum() // _AT_ONCE)["day"]
    ]
    return pd.concat(pieces).sort_values(["known_at", "event_id"], ignore_index=True, kind="stable")
