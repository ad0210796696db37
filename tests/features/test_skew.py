import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from mlsd_lab.features import Skew, Timeline, audit
from mlsd_lab.features.feed import FEED
from mlsd_lab.plotting import style, svg
from tests.features.test_skew_audit import LOG, served


@pytest.fixture(scope="module")
def skew() -> Skew:
    """Three values changed in one column, one in another, and a store that lags."""
    rows = served(lag=pd.Timedelta(days=2).to_pytimedelta())
    rows.loc[[3, 4, 9], "video_relevant_7d"] += 0.5
    rows.loc[6, "user_completion_7d"] = np.nan
    return audit(Timeline(FEED, LOG), rows)


def test_counts_add_up_over_the_features(skew: Skew) -> None:
    assert skew.summary() == {"compared": 50 * len(FEED.columns), "mismatched": 4, "stale": skew.stale}
    assert list(skew.features.index) == list(FEED.columns)
    assert skew.features["mismatched"]["video_relevant_7d"] == 3


def test_the_frame_begins_with_what_differs_then_with_what_was_stalest(skew: Skew) -> None:
    frame = skew.to_frame()
    assert frame["feature"].tolist()[:2] == ["video_relevant_7d", "user_completion_7d"]
    assert frame["stale"][2:].is_monotonic_decreasing
    assert set(frame["feature"]) == set(FEED.columns)


def test_the_largest_difference_is_between_numbers(skew: Skew) -> None:
    largest = skew.features["largest_difference"]
    assert largest["video_relevant_7d"] == pytest.approx(0.5)
    assert largest.drop("video_relevant_7d").isna().all()  # a NaN is so far from a number as one likes


def test_it_is_json_without_nan(skew: Skew) -> None:
    found = json.loads(json.dumps(skew.to_json(), allow_nan=False))
    assert (found["rows"], found["moved"], found["mismatched"]) == (50, 0, 4)
    assert found["features"][0]["feature"] == "video_relevant_7d"
    assert [one["quantile"] for one in found["lag"]] == [0.5, 0.9, 0.99, 1.0]
    assert [one["served"] for one in found["examples"] if one["column"] == "user_completion_7d"] == [None]


def test_infinity_and_numbers_at_both_ends_are_no_trouble() -> None:
    rows = served()
    rows.loc[3, "user_relevant_7d"], rows.loc[4, "retrieval"] = np.inf, -np.finfo(float).max
    rows.loc[4, "retrieval_score"] = np.finfo(float).max
    skew = audit(Timeline(FEED, LOG), rows)
    assert skew.mismatched == 2
    assert json.loads(json.dumps(skew.to_json(), allow_nan=False))["mismatched"] == 2


def test_the_plot_has_a_row_a_feature_the_worst_on_top(skew: Skew) -> None:
    with style():
        ax = skew.plot()
    assert [label.get_text() for label in ax.get_yticklabels()] == skew.to_frame()["feature"].tolist()[::-1]
    assert ax.get_xlabel() == "share of its served values, %"
    widths = {bars.get_label(): [bar.get_width() for bar in bars] for bars in ax.containers}
    assert widths["mismatched"][-1] == pytest.approx(100 * 3 / 50)
    assert isinstance(ax.figure, Figure)
    assert svg(ax.figure).startswith("<svg")


def test_it_draws_into_the_axes_it_is_given_also_when_nothing_was_served() -> None:
    ax = Figure().add_subplot()
    assert audit(Timeline(FEED, LOG), served().iloc[:0]).plot(ax) is ax
