"""The total of all the past before each label, which is the last value of a running sum: ours beside merge_asof."""

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.child import Arrays, timed
from benchmarks.environment import HERE
from benchmarks.side_by_side import SideBySide
from benchmarks.target import Target
from mlsd_lab.features import Sum, windowed
from mlsd_lab.features.about import DAY
from mlsd_lab.features.history import History


@windowed(entity="user_id", over="all", aggregate=Sum)
def watched(rows: pd.DataFrame) -> pd.Series:
    """Seconds watched."""
    return rows.watched


def inputs(size: dict[str, int]) -> Arrays:
    """Make events in the order of time and labels in none; the peer gets the running sums ready."""
    rng = np.random.default_rng(0)
    events, labels, users = size["events"], size["labels"], size["users"]
    seen = pd.DataFrame({"user": rng.integers(0, users, events), "watched": rng.random(events)})
    return {
        "user": seen["user"].to_numpy(),
        "known_at": np.sort(rng.integers(0, 28 * DAY, events)),
        "watched": seen["watched"].to_numpy(),
        "value": pd.Series(watched.contributions(seen)[:, 1]).groupby(seen["user"]).cumsum().to_numpy(),
        "label_user": rng.integers(0, users, labels),
        "as_of": rng.integers(0, 28 * DAY, labels),
    }


def work(given: Arrays) -> Arrays:
    """Return each label's total, in the units of the contributions."""
    contributions = watched.contributions(pd.DataFrame({"watched": given["watched"]}, copy=False))
    history = History(given["user"], contributions)
    position = np.searchsorted(given["known_at"], given["as_of"], side="left")
    return {"value": history.before(given["label_user"], position)[:, 1]}


ROWS = (
    SideBySide(
        name="running_total_join",
        what="Sum all of each user's past before each label, history built on the way; merge_asof reads the newest row "
        "of running sums made ready for it, sorts the labels and puts them back. It stands in for a join of the last "
        "value, which the package has no read for yet.",
        inputs=inputs,
        ours=Path(__file__),
        peer=HERE / "peers" / "pandas.py",
        size={"events": 1_000_000, "labels": 100_000, "users": 100_000},
        small={"events": 100_000, "labels": 10_000, "users": 5_000},
        target=Target(1.5, "times the peer"),
        rounds=5,
    ),
)

if __name__ == "__main__":
    timed(work, "numpy", "pandas")
