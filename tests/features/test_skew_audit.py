"""An honest served log has no skew; each planted fault is counted once."""

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.datasets import Log
from mlsd_lab.errors import DataError
from mlsd_lab.features import MemoryStore, Timeline, audit, stream
from mlsd_lab.features.feed import FEED
from tests.features.streams import seeded_log

LOG = seeded_log(200)
TIMELINE = Timeline(FEED, LOG)
VIDEO = pd.DataFrame({"video_id": ["v1"], "duration_seconds": [10.0]})
VIDEOS = ["v0", "v1", "v2", "v3", "unheard of"]


def served(lag: timedelta = timedelta(microseconds=1), log: Log = LOG) -> pd.DataFrame:
    """Serve a slate after each batch of 20 events, so long after its newest."""
    store, events, slates = MemoryStore(FEED, log.videos), stream(log), []
    for at in range(0, 200, 20):
        store.absorb(events.iloc[at : at + 20], offset=at)
        as_of = events["known_at"].iloc[at + 19] + lag
        found = store.lookup(f"u{at % 3}", VIDEOS, as_of, surface="home", retrieval_score=np.arange(5.0))
        slate = pd.DataFrame({"user_id": f"u{at % 3}", "video_id": VIDEOS, "as_of": as_of, "surface": "home"})
        slate = slate.assign(retrieval_score=np.arange(5.0), position_absorbed=found.position, tile=found.tile)
        slates.append(slate.join(found.to_frame()))
    return pd.concat(slates, ignore_index=True)


def test_an_honest_served_log_has_no_skew() -> None:
    skew = audit(TIMELINE, served())
    assert (skew.compared, skew.mismatched) == (50 * len(FEED.columns), 0)
    assert skew.examples.empty


def test_what_was_known_and_not_yet_absorbed_is_stale_and_not_skewed() -> None:
    rows = served(lag=timedelta(days=2))
    skew = audit(TIMELINE, rows)
    fresh = TIMELINE.features(rows, TIMELINE.position(rows["as_of"])).to_numpy()
    values = rows[list(FEED.columns)].to_numpy()
    assert skew.mismatched == 0
    assert skew.stale == (~np.isclose(values, fresh, rtol=0, atol=0, equal_nan=True)).sum() > 0
    assert audit(TIMELINE, rows[rows["position_absorbed"] == 200]).stale == 0


@pytest.mark.parametrize(
    "column, fault",
    [
        ("user_relevant_7d", lambda value: np.nextafter(value, 2)),
        ("video_relevant_all", lambda value: np.nextafter(value, -2)),
        ("user_impressions_1d", lambda _: np.nan),
        ("video_age_days", lambda value: float(np.float32(value))),
        ("retrieval", lambda value: -value),
    ],
)
@pytest.mark.parametrize("row", [0, 25])
def test_one_wrong_value_is_counted_once_and_shown(column: str, fault: Callable[[float], float], row: int) -> None:
    rows = served().set_index(pd.Index([f"row {at}" for at in range(50)]))
    right = rows[column].iloc[row]
    rows.loc[f"row {row}", column] = fault(right)
    skew = audit(TIMELINE, rows)
    assert skew.mismatched == 1
    (example,) = skew.examples.to_dict("records")
    assert (example["row"], example["column"], example["recomputed"]) == (f"row {row}", column, right)
    np.testing.assert_array_equal(example["served"], rows[column].iloc[row])


def test_a_number_in_place_of_nan_is_counted() -> None:
    rows = served()
    assert np.isnan(rows.loc[4, "video_duration"])
    rows.loc[4, "video_duration"] = 0.0
    assert audit(TIMELINE, rows).mismatched == 1


def test_a_column_computed_at_another_position_is_counted_where_it_differs() -> None:
    rows = served()
    later = TIMELINE.features(rows, np.minimum(rows["position_absorbed"].to_numpy() + 1, 200))
    rows["surface_relevant_1d"], honest = later["surface_relevant_1d"], rows["surface_relevant_1d"]
    skew = audit(TIMELINE, rows)
    assert skew.mismatched == (later["surface_relevant_1d"] != honest).sum() > 0
    assert set(skew.examples["column"]) == {"surface_relevant_1d"}
    assert len(skew.examples) == min(5, skew.mismatched)


def test_a_wrong_position_is_skew() -> None:
    rows = served()
    assert audit(TIMELINE, rows.assign(position_absorbed=rows["position_absorbed"] - 1)).mismatched > 0


def test_a_position_beyond_the_log_is_refused() -> None:
    with pytest.raises(DataError, match="position: expected 0 to 200"):
        audit(TIMELINE, served().assign(position_absorbed=201))


def test_nothing_served_is_nothing_compared() -> None:
    skew = audit(TIMELINE, served().iloc[:0])
    assert (skew.compared, skew.mismatched, skew.stale) == (0, 0, 0)


@pytest.mark.parametrize("column", ["user_id", "as_of", "position_absorbed", "tile", "retrieval", "user_relevant_7d"])
def test_a_missing_column_is_named(column: str) -> None:
    with pytest.raises(DataError, match=f"served: expected a column '{column}', found"):
        audit(TIMELINE, served().drop(columns=column))


def test_between_events_known_at_once_an_unknown_order_is_given_the_benefit_of_the_doubt() -> None:
    time = pd.Timestamp("2026-01-01", tz="UTC")
    frame = pd.DataFrame({"user_id": ["a", "b", "c"], "video_id": "v1", "occurred_at": time, "clicked": True})
    log, other = (Log.from_frames(frame.iloc[order].reset_index(drop=True), VIDEO) for order in ([0, 1, 2], [2, 1, 0]))
    rows = pd.DataFrame({"user_id": ["a", "b", "c"], "video_id": "v1", "as_of": time + timedelta(seconds=1)})
    rows = rows.assign(position_absorbed=1, newest_known_at=time, tile=int(time.timestamp()) // 3600)
    rows = rows.join(Timeline(FEED, other).features(rows, np.ones(3, dtype=np.int64)))
    strict, lenient = (audit(Timeline(FEED, log), rows, ties_known=known) for known in (True, False))
    assert strict.mismatched > 0
    assert lenient.mismatched == 0
    assert lenient.compared == strict.compared - strict.mismatched
    moved = audit(Timeline(FEED, log), rows.assign(position_absorbed=7), ties_known=False)
    assert (moved.moved, moved.mismatched) == (3, 0)
    rows.loc[1, "video_impressions_all"] = rows.loc[1, "video_duration"] = 7.0
    assert audit(Timeline(FEED, log), rows, ties_known=False).mismatched == 1  # no order changes a length


def test_a_store_that_has_absorbed_nothing_is_at_its_place() -> None:
    rows = served().iloc[:5].assign(position_absorbed=0, newest_known_at=pd.DatetimeIndex([None] * 5, tz="UTC"))
    rows[list(FEED.columns)] = TIMELINE.features(rows, np.zeros(5, dtype=np.int64))
    skew = audit(TIMELINE, rows)
    assert (skew.mismatched, skew.moved) == (0, 0)
    assert (skew.lag["events"] == 20).all()


@pytest.mark.parametrize("position", [-1, 0, 19, 21, 201, 10**9])
def test_a_position_that_does_not_go_with_its_newest_event_is_found_by_time(position: int) -> None:
    rows = served().iloc[:5].assign(newest_known_at=LOG.events["known_at"].iloc[19])
    assert audit(TIMELINE, rows).moved == 0
    skew = audit(TIMELINE, rows.assign(position_absorbed=position))
    assert (skew.mismatched, skew.moved) == (0, 5)
