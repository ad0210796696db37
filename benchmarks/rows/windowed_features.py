"""Sums over windows of an entity's past: ours beside DuckDB's ASOF join on running sums."""

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.child import Arrays, timed
from benchmarks.environment import HERE
from benchmarks.side_by_side import SideBySide
from benchmarks.target import Target
from mlsd_lab.features import Sum, Windowed, windowed
from mlsd_lab.features.about import DAY
from mlsd_lab.features.history import History

WINDOWS = ("7d", "14d", "28d")


def watched(windows: int) -> Windowed:
    """Return the feature, over the first so many windows."""

    @windowed(entity="user_id", over=WINDOWS[:windows], aggregate=Sum)
    def seconds(rows: pd.DataFrame) -> pd.Series:
        """Seconds watched."""
        return rows.watched

    return seconds


def inputs(size: dict[str, int]) -> Arrays:
    """Make events in the order of time and labels in none; the peer gets fixed-point values and window starts ready."""
    rng = np.random.default_rng(0)
    times = np.sort(rng.integers(0, 28 * DAY, size["events"]))
    user, value = rng.integers(0, size["users"], size["events"]), rng.random(size["events"])
    as_of = rng.integers(0, 28 * DAY, size["labels"])
    feature = watched(size["windows"])
    return {
        "user": user,
        "known_at": times,
        "watched": value,
        "contribution": feature.contributions(pd.DataFrame({"watched": value}))[:, 1],
        "label_user": rng.integers(0, size["users"], size["labels"]),
        "as_of": as_of,
        "start": feature.windows[0].start(as_of),
        "windows": np.array(size["windows"]),
    }


def work(given: Arrays) -> Arrays:
    """Return each label's sum over the first window; all windows are computed."""
    feature = watched(int(given["windows"].item()))
    times, as_of = given["known_at"], given["as_of"]
    user = given["user"]
    history = History(user, feature.contributions(pd.DataFrame({"watched": given["watched"]}, copy=False)))
    position = np.searchsorted(times, as_of, side="left")
    starts = [np.searchsorted(times, window.start(as_of), side="left") for window in feature.windows]
    totals = history.between(given["label_user"], starts, position)
    return {"sum": totals[0][:, 1]}


def row(name: str, events: int, labels: int, windows: int, target: Target | None) -> SideBySide:
    """Return the measurement at a size."""
    return SideBySide(
        name=name,
        what="Build the history and sum each window before each label; DuckDB does the first window only, from "
        "fixed-point values and window starts made ready for it.",
        inputs=inputs,
        ours=Path(__file__),
        peer=HERE / "peers" / "duckdb.py",
        size={"events": events, "labels": labels, "windows": windows, "users": 100_000},
        small={"events": 100_000, "labels": 10_000, "windows": windows, "users": 5_000},
        target=target,
        repetitions=1,
    )


ROWS = (
    row("windowed_features_2m", 2_000_000, 200_000, 1, None),
    row("windowed_features_10m", 10_000_000, 1_000_000, 3, Target(10, "seconds")),
)

if __name__ == "__main__":
    timed(work, "numpy", "pandas")
