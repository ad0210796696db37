"""Events as the lines of JSON that a click file has."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from mlsd_lab.datasets import schema

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

_TEXT = ("event_id", "user_id", "video_id", "request_id", "surface")
_ROWS = 4_000_000  # rendered at a time


def rendered(events: "pd.DataFrame", path: Path) -> bytes:
    """Return the events as lines of JSON in their order, some 200 bytes each, without what is null.

    DuckDB writes them to `path`, some millions at a time, which is removed. Raises `OSError`.

    >>> from tempfile import TemporaryDirectory
    >>> from mlsd_lab.datasets import Log
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": ["ann"], "video_id": ["v"], "occurred_at": pd.Timestamp("2026", tz="UTC")})
    >>> with TemporaryDirectory() as folder:
    ...     rendered(Log.from_frames(frame).events, Path(folder, "lines"))[:46]
    b'{"event_id":"0","user_id":"ann","video_id":"v"'
    """
    import duckdb

    events = events[[column for column in schema.COLUMNS["events"] if column in events]]
    parts = []
    try:
        config: dict[str, str | bool | int | float | list[str]] = {"threads": 2, "preserve_insertion_order": True}
        with duckdb.connect(config=config) as database:
            for begin in range(0, len(events), _ROWS):
                _render(database, events.iloc[begin : begin + _ROWS], path)
                parts.append(path.read_bytes())
    except duckdb.IOException as error:
        raise OSError(0, re.sub(r'.*: ([^"]+)"?.*', r"\1", str(error))) from None
    finally:
        path.unlink(missing_ok=True)
    return b"".join(parts)


def _render(database: "duckdb.DuckDBPyConnection", events: "pd.DataFrame", path: Path) -> None:
    """Write some of the events as lines."""
    events = events.assign(**{name: events[name].dt.tz_convert(None) for name in schema.TIMES["events"]})
    texts = [name for name in _TEXT if name in events and events[name].dtype == object]
    events = events.assign(**{name: events[name].astype("str") for name in texts})
    values: list[str] = []
    place = str(path).replace("'", "''")
    for name in events.columns:
        value = f'"{name}"::VARCHAR'
        if name in _TEXT:
            value = f"to_json({value})"
        elif name in schema.TIMES["events"]:
            value = f"""strftime("{name}", '"%Y-%m-%dT%H:%M:%S.%fZ"')"""
        key = "{" * (not values) + "," * bool(values) + f'"{name}":'
        joint = " || " if events[name].hasnans else ", "  # concat passes over nulls, and || makes null of key and value
        values.append(f"'{key}'{joint}{value}")
    database.execute(
        f"COPY (SELECT concat({', '.join(values)}, '}}') FROM events) TO '{place}'"
        " (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')"
    )
