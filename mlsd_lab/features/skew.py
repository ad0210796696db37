"""Were the features that a model saw in serving those that training would compute? Recomputed by stream position."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlsd_lab.features.timeline import ASKED, Timeline, complete


@dataclass(frozen=True)
class Skew:
    """How many served values were compared, how many differ in any bit, and how many were stale.

    A mismatch means that two computations of one feature disagree at the same position: it must be zero. A stale value
    was right at the position the store had reached, and by then more was known.

    >>> Skew(compared=100, mismatched=0, stale=3, examples=pd.DataFrame()).mismatched
    0
    """

    compared: int
    mismatched: int
    stale: int
    examples: pd.DataFrame
    """The first mismatches: row, column, served, recomputed."""

    def summary(self) -> dict[str, int]:
        """Return the three counts, as a report gives them."""
        return {"compared": self.compared, "mismatched": self.mismatched, "stale": self.stale}


def audit(timeline: Timeline, served: pd.DataFrame) -> Skew:
    """Compare each feature of a served log with its value recomputed offline at `position_absorbed`.

    `served` has a row a video shown or ranked: `user_id`, `video_id`, `as_of`, `position_absorbed`, `tile`, the context
    that features read (`surface`, `retrieval_score`) and the catalogue's columns as they were served. NaN equals NaN.

    >>> from mlsd_lab.datasets import Log
    >>> from mlsd_lab.features.feed import FEED
    >>> time = pd.to_datetime(["2026-01-01", "2026-01-02"], utc=True)
    >>> log = Log.from_frames(pd.DataFrame({"user_id": "ann", "video_id": "v", "occurred_at": time, "clicked": True}))
    >>> timeline = Timeline(FEED, log)
    >>> rows = pd.DataFrame({"user_id": ["ann"], "video_id": ["v"], "as_of": time[1:], "position_absorbed": [0]})
    >>> rows["tile"] = rows.as_of.astype("int64") // 3_600_000_000
    >>> skew = audit(timeline, rows.join(timeline.features(rows, np.array([0]))))
    >>> skew.compared == len(FEED.columns), skew.mismatched, skew.stale > 0
    (True, 0, True)
    """
    columns = list(timeline.catalogue.columns)
    complete(served, (*ASKED, "position_absorbed", "tile", *columns), "served")
    values = served[columns].to_numpy(np.float64)
    position = served["position_absorbed"].to_numpy(np.int64)
    recomputed = timeline.features(served, position).to_numpy()
    fresh = timeline.features(served, timeline.position(served["as_of"])).to_numpy()
    wrong = _differs(values, recomputed)
    row, column = (where[:5] for where in np.nonzero(wrong))
    examples = pd.DataFrame(
        {
            "row": served.index[row],
            "column": [columns[c] for c in column],
            "served": values[row, column],
            "recomputed": recomputed[row, column],
        }
    )
    return Skew(values.size, int(wrong.sum()), int(_differs(recomputed, fresh).sum()), examples)


def _differs(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Tell where two float64 arrays differ in any bit, all NaN being one."""
    return (a.view(np.int64) != b.view(np.int64)) & ~(np.isnan(a) & np.isnan(b))
