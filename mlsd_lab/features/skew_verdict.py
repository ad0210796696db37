"""Whether what an audit measured is within limits: the line that decides, apart from the measuring."""

from dataclasses import dataclass

from mlsd_lab.features.skew import Skew


@dataclass(frozen=True)
class SkewVerdict:
    """Whether the limits hold, and why.

    >>> SkewVerdict(True, "no value differs").holds
    True
    """

    holds: bool
    reason: str


def judge_skew(skew: Skew, mismatched: int = 0, seconds: float | None = None) -> SkewVerdict:
    """Hold an audit against limits: values that may differ, and seconds that the store may be behind in 99 % of rows.

    >>> import pandas as pd
    >>> columns = {"compared": [90, 90], "mismatched": [0, 2], "stale": [9, 0], "largest_difference": [None, 0.5]}
    >>> found = Skew(90, 0, pd.DataFrame(columns, index=["age", "length"]), pd.DataFrame(), pd.DataFrame())
    >>> judge_skew(found)
    SkewVerdict(holds=False, reason='2 of 180 values differ from what training computes, in length')
    """
    if skew.rows == 0:
        return SkewVerdict(True, "nothing was served, so nothing was compared")
    if skew.mismatched > mismatched:
        names = skew.features.index[skew.features["mismatched"] > 0]
        where = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        counts = f"{skew.mismatched:,} of {skew.compared:,} values differ"
        return SkewVerdict(False, f"{counts} from what training computes, in {where}")
    if seconds is not None and skew.lag["seconds"][0.99] > seconds:
        behind = f"{skew.lag['seconds'][0.99]:,.1f} s"
        return SkewVerdict(
            False, f"the store was {behind} behind or more in 1 % of the rows; allowed are {seconds:g} s"
        )
    if skew.mismatched:
        return SkewVerdict(True, f"{skew.mismatched:,} values differ from what training computes; so many may")
    return SkewVerdict(True, "no value differs from what training computes")
