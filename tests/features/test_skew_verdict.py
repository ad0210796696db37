import pandas as pd

from mlsd_lab.features import Skew
from mlsd_lab.features.skew_verdict import judge_skew


def skew(*mismatched: int, rows: int = 100, seconds: float = 5.0, stale: int = 0) -> Skew:
    names = [f"f{at}" for at in range(len(mismatched))]
    features = pd.DataFrame({"compared": rows, "mismatched": mismatched, "stale": stale}, index=names)
    lag = pd.DataFrame({"seconds": [0.0, 1.0, seconds, 99.0], "events": 0}, index=[0.5, 0.9, 0.99, 1.0])
    return Skew(rows, 0, features.assign(largest_difference=0.0), lag, pd.DataFrame())


def test_one_value_that_differs_is_too_many_unless_more_may() -> None:
    verdict = judge_skew(skew(0, 1))
    assert not verdict.holds
    assert verdict.reason == "1 of 200 values differ from what training computes, in f1"
    assert judge_skew(skew(0, 1), mismatched=1).holds
    assert not judge_skew(skew(1, 1), mismatched=1).holds


def test_stale_alone_is_no_skew_unless_there_is_a_limit_in_seconds() -> None:
    assert judge_skew(skew(0, 0, stale=50)).reason == "no value differs from what training computes"
    assert judge_skew(skew(0, 0, stale=50), seconds=5.0).holds
    assert not judge_skew(skew(0, 0, stale=50), seconds=4.9).holds


def test_many_features_are_named_in_part() -> None:
    assert judge_skew(skew(*[1] * 7)).reason.endswith("in f0, f1, f2, f3 and 3 more")


def test_nothing_served_is_said() -> None:
    verdict = judge_skew(skew(0, rows=0))
    assert verdict.holds
    assert verdict.reason == "nothing was served, so nothing was compared"
