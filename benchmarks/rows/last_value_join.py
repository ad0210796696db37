"""The last value before each label, unless it is older than a week: ours beside merge_asof and beside Feast."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.child import Arrays, timed
from benchmarks.environment import HERE
from benchmarks.side_by_side import SideBySide
from benchmarks.target import Target
from mlsd_lab.datasets import Log
from mlsd_lab.features import About, Catalogue, last, training_set
from mlsd_lab.features.about import DAY

START = 1_767_225_600_000_000  # 2026-01-01, microseconds UTC


@last(entity="user_id", about=About(time_to_live="7d"))
def last_watch(events: pd.DataFrame) -> Any:
    """Seconds that the person watched of the newest video."""
    return events.watch_seconds


CATALOGUE = Catalogue("last", "1", [last_watch])


def inputs(size: dict[str, int]) -> Arrays:
    """Make events in the order of time and labels in none, over 28 days.

    Events come at even microseconds and labels at odd ones: whether a value counts that is known at the very moment
    differs from one side to another. No two events come at once.
    """
    rng = np.random.default_rng(0)
    events, labels, users = size["events"], size["labels"], size["users"]
    return {
        "user": rng.integers(0, users, events),
        "known_at": START + 2 * (np.sort(rng.integers(0, 14 * DAY, events)) + np.arange(events)),
        "value": rng.random(events) * 60,
        "label_user": rng.integers(0, users, labels),
        "as_of": START + 2 * rng.integers(0, 14 * DAY, labels) + 1,
    }


def prepare(given: Arrays) -> tuple[Log, pd.DataFrame]:
    """Return the log, and labels whose ids are categories as the log's are."""
    known_at, as_of = (pd.to_datetime(given[name], unit="us", utc=True) for name in ("known_at", "as_of"))
    users = pd.DataFrame({"user_id": np.arange(1 + max(given["user"].max(), given["label_user"].max()))})
    events = {"user_id": given["user"], "video_id": "v", "occurred_at": known_at, "watch_seconds": given["value"]}
    log = Log.from_frames(pd.DataFrame(events), users=users)
    ids = {name: log.events[name].dtype for name in ("user_id", "video_id")}
    asked = {"user_id": given["label_user"].astype(str), "video_id": "v", "as_of": as_of}
    return log, pd.DataFrame(asked).astype(ids)


def work(given: tuple[Log, pd.DataFrame]) -> Arrays:
    """Return each label's value, NaN for none."""
    log, labels = given
    return {"value": training_set(CATALOGUE, log, labels)["last_watch"].to_numpy()}


def row(name: str, peer: str, what: str, target: Target) -> SideBySide:
    """Return the measurement beside a peer."""
    return SideBySide(
        name=name,
        what="Each user's last value before each label, none after 7 days: `training_set` of a log in memory, its "
        f"`Timeline` built on the way. {what} No event and label come at the same time, where the sides' rules differ.",
        inputs=inputs,
        ours=Path(__file__),
        peer=HERE / "peers" / peer,
        size={"events": 1_000_000, "labels": 100_000, "users": 100_000},
        small={"events": 100_000, "labels": 10_000, "users": 5_000},
        target=target,
        repetitions=4,
    )


ROWS = (
    row(
        "last_value_join",
        "pandas.py",
        "`merge_asof` gets ids as categories too, sorts the labels and puts them back.",
        Target(1.5, "times the peer"),
    ),
    row(
        "last_value_join_feast",
        "feast.py",
        "Feast's file store (`get_historical_features(…).to_df()`, dask) has the rows in a Parquet file, with whole "
        "numbers as ids, which it joins faster than text, and reads the file each time. It leaves out a label whose "
        "user's values are all too old or too late: that counts as no value, and labels are put back in order.",
        Target(0.05, "times the peer"),
    ),
)

if __name__ == "__main__":
    timed(work, "numpy", "pandas", prepare=prepare)
