"""Anyone's own log: `events.csv`, and `videos.csv` and `users.csv` where there are any."""

from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mlsd_lab.datasets import schema
from mlsd_lab.datasets.datasheet import Datasheet, iana_zone
from mlsd_lab.datasets.log import Log
from mlsd_lab.datasets.reading import read_csv, refuse_rows, require_numbers
from mlsd_lab.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd

_TEXT = ("event_id", "user_id", "video_id", "request_id", "surface", "title", "creator_id", "topic")
_NUMBERS = ("position", "rating", "watch_seconds", "propensity", "duration_seconds")
_ISO = (
    r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}(?:[T ][0-9]{2}(?::?[0-9]{2}(?::?[0-9]{2}(?:\.[0-9]+)?)?)?"
    r" ?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?\Z"
)
_YES, _NO = ("true", "yes", "1", "1.0"), ("false", "no", "0", "0.0")


def load(path: Path | None = None, timezone: str | None = None) -> Log:
    """Read a folder with `events.csv` (required: user_id, video_id, occurred_at in ISO 8601) into a `Log`.

    Times without an offset are local times of `timezone` (an IANA name, default UTC), which also says where a day
    begins; an hour that the clock shows twice is the first, one that it skips has the offset before the jump (RFC 5545,
    section 3.3.5). A sole `videos.csv` or `users.csv` adds what it knows.
    Raises `DataError` with the file, the column and the line.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "events.csv").write_text("user_id,video_id,occurred_at\\n7,a,2026-01-01T23:30:00+00:00\\n")
    ...     load(Path(folder), timezone="Asia/Shanghai")
    Log 'csv': 1 events, 1 users, 1 videos, 2026-01-02 to 2026-01-02 (Asia/Shanghai), relevant: every event counts, ...
    """
    if path is None:
        raise ConfigError("the data set csv is a folder of yours: name it with --path DIR")
    if not path.is_dir():
        raise DataError(
            f"{path}: expected a folder with events.csv, found {'a file' if path.exists() else 'nothing there'}"
        )
    zone = iana_zone("UTC" if timezone is None else timezone)
    events = _read(path / "events.csv", "events", ("user_id", "video_id", "occurred_at"), zone)
    videos, users = (
        _read(path / f"{name}.csv", name, (schema.KEYS[name],), zone) if (path / f"{name}.csv").exists() else None
        for name in ("videos", "users")
    )
    log = Log.from_frames(events, videos, users)
    folder = path.resolve().name.encode("utf-8", "replace").decode()  # a name may hold bytes that are no text
    sheet = Datasheet(
        name="csv",
        title=f"The log in {folder}",
        origin="a folder of CSV files given with --path",
        timezone=zone.key,
        relevance=log.datasheet.relevance,
    )
    return Log(log.events, log.videos, log.users, sheet)


def _read(path: Path, name: str, required: tuple[str, ...], zone: ZoneInfo) -> "pd.DataFrame":
    times = schema.TIMES[name]
    table = read_csv(path, required, text=(*_TEXT, *times, *schema.FLAGS))
    if name == "events" and table.empty:
        raise DataError(f"{path}: expected at least one event, found only the header")
    for column in (*required, "event_id") if name == "events" and "event_id" in table else required:
        refuse_rows(table[column].isna(), table[column], "a value", f"{path}, column {column}")
    for column in times:
        if column in table:
            table[column] = _moments(table[column], zone, f"{path}, column {column}")
    for column in schema.FLAGS:
        if column in table:
            table[column] = _flags(table[column], f"{path}, column {column}")
    for column in _NUMBERS:
        if column in table:
            known = require_numbers(table[table[column].notna()], [column], path)
            table[column] = known[column].reindex(table.index)
    return table


def _moments(cells: "pd.Series", zone: ZoneInfo, where: str) -> "pd.Series":
    import pandas as pd

    whole = cells.str.match(_ISO, na=False)  # not "now", nor a year alone, which pandas would take
    with_offset = cells.str.extract(_ISO, expand=False).notna()
    aware = pd.to_datetime(cells.where(whole & with_offset), format="ISO8601", errors="coerce", utc=True)
    naive = pd.to_datetime(cells.where(whole & ~with_offset), format="ISO8601", errors="coerce")
    first = naive.notna().to_numpy()  # of an hour that the autumn clock shows twice, the summer-time one
    naive = naive.astype("datetime64[us]")
    local = naive.dt.tz_localize(zone, ambiguous=first, nonexistent="NaT").dt.tz_convert("UTC")
    skipped = naive[naive.notna() & local.isna()]  # pandas' own shift is wrong where a gap is not of whole hours
    local[skipped.index] = pd.to_datetime([t.to_pydatetime().replace(tzinfo=zone) for t in skipped], utc=True)
    moments = aware.astype("datetime64[us, UTC]").fillna(local)
    refuse_rows(moments.isna() & cells.notna(), cells, "an ISO 8601 time such as 2026-01-31T18:05:00+01:00", where)
    return moments


def _flags(cells: "pd.Series", where: str) -> "pd.Series":
    lower = cells.str.strip().str.lower()
    flags = lower.map({**dict.fromkeys(_YES, True), **dict.fromkeys(_NO, False)})
    refuse_rows(flags.isna() & cells.notna(), cells, "true or false (or 1, 0, yes, no)", where)
    return flags.astype("boolean")
