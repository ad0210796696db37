"""An independent oracle: DuckDB computes each windowed feature of FEED from raw events, by a range join."""

import duckdb
import numpy as np
import pandas as pd

from mlsd_lab.datasets import Log

HOUR, DAY = 3_600_000_000, 86_400_000_000
START = {"1d": (DAY, HOUR), "7d": (7 * DAY, DAY)}  # length and tile, in microseconds
RELEVANT = "cast(coalesce(long_view, false) as double)"
COMPLETION = """
    case when duration_seconds > 0 and watch_seconds is not null
    then least(greatest(watch_seconds / duration_seconds, 0), 1) end"""
COUNT, MEAN = "cast(n as double)", "case when n > 0 then total / 1048576::double / n end"
USUAL = "(total / 1048576::double + 3::double) / (n + 10)"
FEATURES = {
    "user_impressions": ("user_id", ("1d", "7d"), RELEVANT, COUNT),
    "user_relevant": ("user_id", ("1d", "7d", "all"), RELEVANT, USUAL),
    "user_completion": ("user_id", ("7d",), COMPLETION, MEAN),
    "video_impressions": ("video_id", ("1d", "7d", "all"), RELEVANT, COUNT),
    "video_relevant": ("video_id", ("1d", "7d", "all"), RELEVANT, USUAL),
    "video_completion": ("video_id", ("7d",), COMPLETION, MEAN),
    "creator_relevant": ("creator_id", ("7d",), RELEVANT, USUAL),
    "topic_relevant": ("topic", ("7d",), RELEVANT, USUAL),
    "user_topic_relevant": ("user_id, topic", ("7d", "all"), RELEVANT, USUAL),
    "surface_relevant": ("surface", ("1d",), RELEVANT, USUAL),
}


def windowed_features(log: Log, labels: pd.DataFrame, stale_microseconds: int = 0) -> pd.DataFrame:
    """Return FEED's windowed columns; an event counts when known before `as_of` (and below `position_absorbed`)."""
    connection = duckdb.connect(config={"threads": 1})
    facts = ["creator_id", "topic", "duration_seconds"]
    videos = plain(log.videos[["video_id", *facts]])
    read = ["user_id", "video_id", "surface", "long_view", "watch_seconds", "known_at"]
    events = plain(log.events.sort_values(["known_at", "event_id"])[read]).assign(place=np.arange(len(log.events)))
    asked = plain(labels[["user_id", "video_id", "surface", "as_of"]]).assign(row=np.arange(len(labels)))
    asked["position"] = labels["position_absorbed"].to_numpy() if "position_absorbed" in labels else len(events)
    for name, table in (("events", events), ("asked", asked)):
        joined = table.merge(videos, on="video_id", how="left")
        connection.register(f"{name}_frame", joined)
        connection.execute(f"create table {name} as select * from {name}_frame")
    columns = {}
    for name, (keys, windows, value, how) in FEATURES.items():
        for window in windows:
            since = "true"
            if window in START:
                length, tile = START[window]
                since = f"e.known_at >= (l.as_of - {length}) // {tile} * {tile}"
            query = f"""
                with valued as (select *, {value} as value from events),
                summed as (
                    select l.row, count(e.value) as n,
                        cast(coalesce(sum(cast(round_even(e.value * 1048576, 0) as bigint)), 0) as bigint) as total
                    from asked l left join valued e
                    on {" and ".join(f"e.{key} = l.{key}" for key in keys.split(", "))}
                    and e.known_at < l.as_of - {stale_microseconds} and e.place < l.position and {since}
                    group by l.row)
                select {how} as value from summed order by row"""
            columns[f"{name}_{window}"] = connection.execute(query).df()["value"].to_numpy(np.float64)
    connection.close()
    return pd.DataFrame(columns)


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table as DuckDB should see it: int64 microseconds, text, nullable numbers."""
    columns: dict[str, object] = {}
    for name, values in table.items():
        if isinstance(values.dtype, pd.DatetimeTZDtype):
            columns[str(name)] = values.dt.as_unit("us").astype("int64").to_numpy()
        elif values.dtype == np.float64:
            columns[str(name)] = values.astype("Float64").reset_index(drop=True)
        else:
            text = values.dtype == object or isinstance(values.dtype, pd.CategoricalDtype)
            columns[str(name)] = (values.astype("string") if text else values).reset_index(drop=True)
    return pd.DataFrame(columns)
