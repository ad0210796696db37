from math import isnan
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.course.check import check
from mlsd_lab.course.exercise import Case, exercise
from mlsd_lab.course.exercises.ex_3_3 import DAY, _replayed, _rows
from mlsd_lab.datasets import Log
from mlsd_lab.features import Catalogue, Mean, MemoryStore, stream, windowed

ONE = exercise("3.3")
CASES = list(ONE.cases())
SOLUTION = ONE.function(ONE.solution)


@windowed("user_id", ("7d",), Mean)
def completion(events: pd.DataFrame) -> pd.Series:
    """Share of each video watched."""
    return (events.watch_seconds / events.duration_seconds.where(events.duration_seconds > 0)).clip(0, 1)


def by_the_real_store(case: Case) -> float:
    """Absorb what was known before `at` into a store of the house, and ask it."""
    events, at = case["events"].sort_values("known_at", kind="stable"), pd.Timestamp(case["at"], unit="m", tz="UTC")
    frame = pd.DataFrame({"user_id": "ann", "video_id": [f"v{row}" for row in range(len(events))]})
    for name in ("occurred_at", "known_at"):
        frame[name] = pd.to_datetime(events[name].to_numpy(), unit="m", utc=True)
    frame["watch_seconds"] = events["watch_seconds"].to_numpy()
    videos = frame[["video_id"]].assign(duration_seconds=events["duration_seconds"].where(lambda s: s > 0).to_numpy())
    log = Log.from_frames(frame, videos=videos)
    rows = stream(log)
    store = MemoryStore(Catalogue("c", "1", [completion]), log.videos)
    store.absorb(rows[rows["known_at"] < at], offset=0)
    return float(store.lookup("ann", ["v0"], at).values[0, 0])


def test_the_hidden_answer_is_what_the_stores_of_the_house_give() -> None:
    for case in CASES[::5]:
        right = _replayed(_rows(case), case["at"])
        assert by_the_real_store(case) == pytest.approx(right, abs=1e-5, nan_ok=True)


def test_events_stand_in_no_order_and_some_are_known_at_the_edges() -> None:
    first = [(case["events"]["known_at"] == case["at"] // DAY * DAY - 7 * DAY).any() for case in CASES]
    now = [(case["events"]["known_at"] == case["at"]).any() for case in CASES]
    ordered = [case["events"]["known_at"].is_monotonic_increasing for case in CASES]
    assert min(sum(first), sum(now), len(CASES) - sum(ordered)) >= 10
    assert 5 <= sum(isnan(_replayed(_rows(case), case["at"])) for case in CASES) <= len(CASES) / 2


@pytest.mark.parametrize("kind", [float, np.float32, np.float64], ids=lambda kind: kind.__name__)
def test_a_number_counts_in_any_clothes(kind: Any) -> None:
    assert check("3.3", lambda *given: kind(SOLUTION(*given))).state == "solved"


@pytest.mark.parametrize("returned", [True, "0.5", None, np.array([0.5]), pd.Series([0.5])], ids=repr)
def test_what_is_no_number_is_named(returned: Any) -> None:
    assert ONE.judge(CASES[0], returned).startswith("expected one number, or NaN where nothing is known, found ")


def test_an_answer_of_no_known_kind_sees_both_numbers() -> None:
    case = next(case for case in CASES if not isnan(_replayed(_rows(case), case["at"])))
    assert "You have 0.9876; a store that lived through it has " in ONE.judge(case, 0.9876)
