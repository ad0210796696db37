"""KuaiRand-Pure: the feed log of a real short-video app, in its official files."""

from pathlib import Path
from typing import TYPE_CHECKING

from mlsd_lab.datasets.datasheet import Datasheet
from mlsd_lab.datasets.log import Log
from mlsd_lab.datasets.reading import read_csv, refuse_rows, require_numbers
from mlsd_lab.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

SHEET = Datasheet(
    name="kuairand",
    title="KuaiRand-Pure: impressions of a short-video feed, April and May 2022",
    licence="CC BY-SA 4.0",
    citation="Gao et al., KuaiRand: An Unbiased Sequential Recommendation Dataset with Randomly Exposed Videos, "
    "CIKM 2022, doi 10.1145/3511808.3557624",
    origin="zenodo record 10439422, KuaiRand-Pure.tar.gz",
    timezone="Asia/Shanghai",
    relevance="long_view",
)
LOGS = (
    "log_standard_4_08_to_4_21_pure.csv",
    "log_standard_4_22_to_5_08_pure.csv",
    "log_random_4_22_to_5_08_pure.csv",
)
_FLAGS = ("is_click", "is_like", "long_view", "is_rand")
_NUMBERS = ("time_ms", "play_time_ms", *_FLAGS)
_LIMITS = {"time_ms": 1e13, "play_time_ms": 1e10, **dict.fromkeys(_FLAGS, 1)}


def load(path: Path | None = None) -> Log:
    """Read the official files in a folder (default `data/kuairand`, where `mlsd-lab data fetch kuairand` puts them).

    Of the three log files those present are read, at least one; the user and video features are required. `known_at`
    is the end of the watch, since only then the outcome is known. Raises `DataError` with file, column and line.

    >>> load(Path("no-such-folder"))
    Traceback (most recent call last):
    mlsd_lab.errors.DataError: no-such-folder: expected KuaiRand-Pure's files, found none. Fetch them with: ...
    """
    folder = path or Path("data/kuairand")
    logs = [found for name in LOGS for found in [*folder.glob(name), *folder.glob(f"*/data/{name}")][:1]]
    if not logs:
        hint = "Fetch them with: mlsd-lab data fetch kuairand, or name their folder with --path DIR"
        raise DataError(f"{folder}: expected KuaiRand-Pure's files, found none. {hint}")
    import pandas as pd

    events = pd.concat([_events(log) for log in logs], ignore_index=True)
    events["event_id"] = _event_ids(events)
    return Log.from_frames(events, _videos(logs[0].parent), _users(logs[0].parent), SHEET)


def _events(path: Path) -> "pd.DataFrame":
    import pandas as pd

    table = read_csv(path, ("user_id", "video_id", *_NUMBERS, "tab"), text=("user_id", "video_id", "tab"))
    if table.empty:
        raise DataError(f"{path}: expected impressions, found only the header")
    _require_ids(table, ("user_id", "video_id"), path)
    table = require_numbers(table, _NUMBERS, path)
    for column in _NUMBERS:
        within = table[column].between(0, _LIMITS[column]) & (table[column] % 1 == 0)
        wanted = f"a whole number from 0 to {_LIMITS[column]:.0f}"
        refuse_rows(~within, table[column], wanted, f"{path}, column {column}")
    occurred = pd.to_datetime(table["time_ms"].astype("int64"), unit="ms", utc=True).astype("datetime64[us, UTC]")
    return pd.DataFrame(
        {
            "user_id": table["user_id"],
            "video_id": table["video_id"],
            "occurred_at": occurred,
            "known_at": occurred + pd.to_timedelta(table["play_time_ms"], unit="ms").astype("timedelta64[us]"),
            "surface": "tab " + table["tab"],
            "clicked": table["is_click"] == 1,
            "long_view": table["long_view"] == 1,
            "liked": table["is_like"] == 1,
            "watch_seconds": table["play_time_ms"] / 1000,
            "randomized": table["is_rand"] == 1,
        }
    )


def _event_ids(events: "pd.DataFrame") -> "pd.Series":
    """Name an event by user, video, time and occurrence, since some rows of the log repeat."""
    milliseconds = events["occurred_at"].astype("int64") // 1000
    occurrence = events.groupby(["user_id", "video_id", "occurred_at"]).cumcount()
    parts = (events["user_id"], events["video_id"], milliseconds.astype(str), occurrence.astype(str))
    return parts[0] + "-" + parts[1] + "-" + parts[2] + "-" + parts[3]


def _videos(folder: Path) -> "pd.DataFrame":
    import pandas as pd

    path = folder / "video_features_basic_pure.csv"
    table = read_csv(
        path, ("video_id", "author_id", "upload_dt", "video_duration", "tag"), ("video_id", "author_id", "tag")
    )
    _require_ids(table, ("video_id",), path)
    uploaded = pd.to_datetime(table["upload_dt"], format="%Y-%m-%d", errors="coerce")
    wrong = uploaded.isna() & table["upload_dt"].notna()
    refuse_rows(wrong, table["upload_dt"], "a day such as 2022-04-30", f"{path}, column upload_dt")
    lasting = require_numbers(table[table["video_duration"].notna()], ["video_duration"], path)["video_duration"]
    return pd.DataFrame(
        {
            "video_id": table["video_id"],
            "creator_id": table["author_id"],
            "topic": table["tag"].str.partition(",")[0],
            "duration_seconds": lasting.reindex(table.index) / 1000,
            "uploaded_at": uploaded.dt.tz_localize(SHEET.timezone).dt.tz_convert("UTC"),
        }
    )


def _users(folder: Path) -> "pd.DataFrame":
    table = read_csv(folder / "user_features_pure.csv", ("user_id",), text=("user_id",))
    _require_ids(table, ("user_id",), folder / "user_features_pure.csv")
    return table


def _require_ids(table: "pd.DataFrame", columns: tuple[str, ...], path: Path) -> None:
    for column in columns:
        refuse_rows(table[column].isna(), table[column], "an id", f"{path}, column {column}")
