# /// script
# requires-python = ">=3.11"
# dependencies = ["pandas==3.1.*", "numpy>=2"]
# ///
"""pandas: the newest row before each label's time with merge_asof."""

import numpy as np
import pandas as pd

from benchmarks.child import Arrays, timed

Frames = tuple[pd.DataFrame, pd.DataFrame]


def prepare(given: Arrays) -> Frames:
    """Return rows in the order of time and labels in none, ids as categories, times in UTC."""
    users = pd.CategoricalDtype(np.arange(1 + max(given["user"].max(), given["label_user"].max())).astype(str))

    def ids(codes: np.ndarray) -> pd.Categorical:
        return pd.Categorical.from_codes(codes, dtype=users)

    known_at, as_of = (pd.to_datetime(given[name], unit="us", utc=True) for name in ("known_at", "as_of"))
    rows = pd.DataFrame({"user_id": ids(given["user"]), "time": known_at, "value": given["value"]})
    return rows, pd.DataFrame({"user_id": ids(given["label_user"]), "time": as_of})


def work(given: Frames) -> Arrays:
    """Return the value of each label's newest row, NaN where there is none of the last 7 days."""
    rows, labels = given
    labels = labels.sort_values("time")
    week = pd.Timedelta(7, "D")
    joined = pd.merge_asof(labels, rows, on="time", by="user_id", tolerance=week, allow_exact_matches=False)
    found = np.empty(len(labels))
    found[labels.index] = joined["value"]
    return {"value": found}


if __name__ == "__main__":
    timed(work, "pandas", "numpy", prepare=prepare)
