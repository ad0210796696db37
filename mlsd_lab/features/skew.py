"""Were the features that a model saw in serving those that training would compute, and how far behind was the store?"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes

QUANTILES = (0.5, 0.9, 0.99, 1.0)


@dataclass(frozen=True)
class Skew:
    """What an audit found: how many served values differ in any bit, how many were stale and by how much, and which.

    A mismatch means that two computations of one feature disagree at the same position: it must be zero. A stale value
    was right at the position that the store had reached, and by then more was known.

    >>> features = pd.DataFrame({"compared": [90, 100], "mismatched": [0, 2], "stale": [3, 0],
    ...     "largest_difference": [np.nan, 0.5]}, index=["age", "length"])
    >>> Skew(100, 0, features, pd.DataFrame(), pd.DataFrame()).summary()
    {'compared': 190, 'mismatched': 2, 'stale': 3}
    """

    rows: int
    """Of the served log."""
    moved: int
    """Rows whose position, newest event, tile and `as_of` do not go together in this log: the store missed or repeated
    events, a row was changed, or the log was corrected, erased from or cut. They are compared at their newest event."""
    features: pd.DataFrame
    """A row a column: compared, mismatched, stale (counts), largest_difference (of numbers that mismatch, else NaN)."""
    lag: pd.DataFrame
    """By quantile of the rows: `seconds` since the first event became known that the store had not absorbed, 0 where
    there was none, and `events`, how many those were."""
    examples: pd.DataFrame
    """The first mismatches: row, request_id, video_id, column, served, recomputed."""

    @property
    def compared(self) -> int:
        """Values compared."""
        return int(self.features["compared"].sum())

    @property
    def mismatched(self) -> int:
        """Values that differ in any bit from what training computes; NaN equals NaN."""
        return int(self.features["mismatched"].sum())

    @property
    def stale(self) -> int:
        """Values that what was known and not absorbed would have changed."""
        return int(self.features["stale"].sum())

    def summary(self) -> dict[str, int]:
        """Return the three counts, as a report gives them."""
        return {"compared": self.compared, "mismatched": self.mismatched, "stale": self.stale}

    def to_frame(self) -> pd.DataFrame:
        """Return a row a feature column, those with mismatches first, then the stalest."""
        worst = self.features.sort_values(["mismatched", "stale"], ascending=False, kind="stable")
        return worst.rename_axis("feature").reset_index()

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw for each feature the share of its values that mismatched and that were stale, the worst on top."""
        if ax is None:
            from matplotlib.figure import Figure

            ax = Figure(figsize=(7.0, 1.2 + 0.22 * len(self.features)), layout="constrained").add_subplot()
        frame = self.to_frame().iloc[::-1]
        place, compared = np.arange(len(frame)), np.maximum(frame["compared"], 1)
        for name, offset, colour, hatch in (("mismatched", 0.2, "#9c3d1a", ""), ("stale", -0.2, "#c9d6c0", "///")):
            ax.barh(place + offset, 100 * frame[name] / compared, 0.4, label=name, color=colour, hatch=hatch)
        ax.set_yticks(place, frame["feature"])
        ax.set_xlabel("share of its served values, %")
        ax.set_xlim(left=0)
        ax.legend(loc="lower right")
        return ax

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON has it: without NaN and infinity."""
        tables = {"features": self.to_frame(), "lag": self.lag.reset_index(), "examples": self.examples}
        finite = {name: frame.replace([np.inf, -np.inf], np.nan) for name, frame in tables.items()}
        lists = {name: frame.astype(object).where(frame.notna(), None) for name, frame in finite.items()}
        counts = {"rows": self.rows, "moved": self.moved, **self.summary()}
        return counts | {name: frame.to_dict("records") for name, frame in lists.items()}
