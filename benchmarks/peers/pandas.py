# /// script
# requires-python = ">=3.11"
# dependencies = ["pandas==3.1.*", "numpy>=2"]
# ///
"""pandas: the newest row before each label's time with merge_asof."""

import numpy as np
import pandas as pd

from benchmarks.child import Arrays, timed


def work(given: Arrays) -> Arrays:
    """Return the value of each label's newest row, 0 where there is none; the rows come in the order of time."""
    rows = pd.DataFrame({name: given[name] for name in ("user", "known_at", "value")})
    labels = pd.DataFrame({"user": given["label_user"], "known_at": given["as_of"]}).sort_values("known_at")
    joined = pd.merge_asof(labels, rows, on="known_at", by="user", allow_exact_matches=False)
    found = np.empty(len(labels), dtype=np.int64)
    found[labels.index] = joined["value"].fillna(0)
    return {"value": found}


if __name__ == "__main__":
    timed(work, "pandas", "numpy")
