"""Faults between serving and training, each found from the served log and the lake with the right feature named."""

import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.features import Catalogue, Mean, Skew, Timeline, audit, windowed
from mlsd_lab.features.feed import FEED
from mlsd_lab.features.skew_verdict import judge_skew
from mlsd_lab.ingestion.contracts import EVENTS
from mlsd_lab.ingestion.erase import erase
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect, parse
from mlsd_lab.ingestion.warehouse import Warehouse
from tests.features.streams import log_of
from tests.ingestion.records import NOW, event, lines
from tests.serving.served_rows import LOG, lake_of, served_rows

COLUMNS = list(FEED.columns)
HONEST = served_rows()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return lake_of(tmp_path_factory.mktemp("lake") / "lake")


@pytest.fixture(scope="module")
def timeline(lake: Lake) -> Timeline:
    return Timeline(FEED, Warehouse(lake).log(late=True))


@pytest.fixture
def changed(lake: Lake, tmp_path: Path) -> Lake:
    """A copy of the lake, to be changed."""
    shutil.copytree(lake.root, tmp_path / "lake")
    return Lake(tmp_path / "lake")


def found_in(lake: Lake, rows: pd.DataFrame) -> Skew:
    return audit(Timeline(FEED, Warehouse(lake).log(late=True)), rows, ties_known=False)


def differing(skew: Skew) -> set[str]:
    return {*skew.features.index[skew.features["mismatched"] > 0]}


def columns_that_differ(rows: pd.DataFrame, honest: pd.DataFrame = HONEST) -> set[str]:
    return {name for name in COLUMNS if not rows[name].equals(honest[name])}


def test_an_honest_log_agrees_with_the_lake_in_any_order_and_in_pieces(timeline: Timeline) -> None:
    shuffled = HONEST.sample(frac=1, random_state=0)
    for rows in (HONEST, shuffled, (shuffled.iloc[at : at + 7] for at in range(0, 50, 7))):
        skew = audit(timeline, rows, ties_known=False)
        assert (skew.rows, skew.compared, skew.mismatched, skew.moved) == (50, 50 * len(COLUMNS), 0, 0)
        assert judge_skew(skew).holds


@pytest.mark.parametrize("up_to", ["h", "D"])
@pytest.mark.parametrize("lag", [timedelta(0), timedelta(microseconds=1), timedelta(hours=1)])
def test_a_request_on_the_edge_of_a_tile_is_no_skew(timeline: Timeline, up_to: str, lag: timedelta) -> None:
    rows = served_rows(timedelta(microseconds=1) + lag, up_to=up_to)
    assert (rows["as_of"] == rows["as_of"].dt.floor(up_to)).all()
    for edge in (rows, served_rows(lag=timedelta(microseconds=1), up_to=up_to)):
        skew = audit(timeline, edge, ties_known=False)
        assert (skew.mismatched, skew.moved) == (0, 0)


def test_a_unit_bug_in_one_feature(timeline: Timeline) -> None:
    @windowed(entity="video_id", over=("7d",), aggregate=Mean)
    def video_completion(events: pd.DataFrame) -> pd.Series:
        """Share of the video that people watched, were the phone's milliseconds seconds."""
        return 1000 * events.watch_seconds / events.duration_seconds.where(events.duration_seconds > 0)

    twin = Catalogue("feed", "1", [video_completion if f.name == "video_completion" else f for f in FEED.features])
    assert twin.columns == FEED.columns
    skew = audit(timeline, served_rows(catalogue=twin), ties_known=False)
    assert differing(skew) == {"video_completion_7d"}
    assert skew.features["largest_difference"]["video_completion_7d"] > 1
    assert skew.to_frame()["feature"][0] == "video_completion_7d"
    verdict = judge_skew(skew)
    assert not verdict.holds
    assert verdict.reason.endswith("differ from what training computes, in video_completion_7d")


@pytest.mark.parametrize("column, tile", [("video_impressions_1d", "1h"), ("video_impressions_7d", "24h")])
def test_a_window_that_begins_a_tile_late(timeline: Timeline, column: str, tile: str) -> None:
    later = HONEST.assign(as_of=HONEST["as_of"] + pd.Timedelta(tile))
    late = timeline.features(later, HONEST["position_absorbed"].to_numpy())[column]
    rows = HONEST.assign(**{column: late})
    skew = audit(timeline, rows, ties_known=False)
    assert differing(skew) == {column}
    assert skew.mismatched == (late != HONEST[column]).sum() > 0


def test_a_store_that_missed_ten_events(timeline: Timeline) -> None:
    rows = served_rows(change=lambda events: events[~events.index.isin(range(25, 35))])
    skew = audit(timeline, rows, ties_known=False)
    assert differing(skew) == columns_that_differ(rows) != set()
    assert not {"video_age_days", "video_duration", "retrieval"} & differing(skew)
    assert skew.moved == (rows["position_absorbed"] < HONEST["position_absorbed"]).sum() == 45
    assert set(skew.examples["request_id"]) == {"r20"}  # the first slate after them


def test_events_missed_at_the_end_of_what_is_absorbed_are_behind_as_if_they_were_to_come(timeline: Timeline) -> None:
    rows = served_rows(change=lambda events: events[~events.index.isin(range(30, 40))]).iloc[5:10]
    skew = audit(timeline, rows, ties_known=False)
    assert (skew.mismatched, skew.moved) == (0, 0)
    assert (skew.lag["events"] == 10).all()


def test_a_store_that_absorbed_two_events_twice(timeline: Timeline) -> None:
    def twice(events: pd.DataFrame) -> pd.DataFrame:
        return pd.concat([events, events[events.index.isin([63, 64])]]).sort_index(kind="stable")

    rows = served_rows(change=twice)
    skew = audit(timeline, rows, ties_known=False)
    assert differing(skew) == columns_that_differ(rows) != set()
    assert skew.moved == 35
    assert rows["position_absorbed"].max() > len(LOG.events)


def test_without_the_newest_time_a_shifted_position_is_at_least_not_taken_for_right(timeline: Timeline) -> None:
    rows = served_rows(change=lambda events: events[~events.index.isin(range(25, 35))])
    assert audit(timeline, rows.drop(columns="newest_known_at"), ties_known=False).mismatched > 0


def test_values_rounded_to_float32(timeline: Timeline) -> None:
    rows = HONEST.assign(user_relevant_all=HONEST["user_relevant_all"].astype(np.float32).astype(float))
    skew = audit(timeline, rows, ties_known=False)
    assert differing(skew) == {"user_relevant_all"}
    assert 0 < skew.features["largest_difference"]["user_relevant_all"] < 1e-7


def test_one_row_changed_by_hand(timeline: Timeline) -> None:
    rows = HONEST.copy()
    rows.loc[17, "topic_relevant_7d"] += 0.25
    skew = audit(timeline, rows, ties_known=False)
    (example,) = skew.examples.to_dict("records")
    found = [example[name] for name in ("request_id", "video_id", "column", "recomputed")]
    assert found == [*rows.loc[17, ["request_id", "video_id"]], "topic_relevant_7d", HONEST["topic_relevant_7d"][17]]
    assert skew.features["largest_difference"]["topic_relevant_7d"] == pytest.approx(0.25)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_moment_changed_by_hand_does_not_go_with_its_tile(timeline: Timeline, hours: int) -> None:
    rows = HONEST.copy()
    rows.loc[17, "as_of"] += pd.Timedelta(hours=hours)
    skew = audit(timeline, rows, ties_known=False)
    assert skew.moved == 1
    assert "video_age_days" in differing(skew)


def test_a_position_from_the_future_is_told(timeline: Timeline) -> None:
    rows = HONEST.iloc[:5].assign(position_absorbed=60, newest_known_at=LOG.events["known_at"].iloc[59])
    rows[COLUMNS] = timeline.features(rows, rows["position_absorbed"].to_numpy())
    skew = audit(timeline, rows, ties_known=False)
    assert (skew.mismatched, skew.moved) == (0, 5)


def test_seconds_and_events_behind_are_those_of_a_slow_loop(timeline: Timeline) -> None:
    rows = served_rows(lag=timedelta(hours=30))
    known_at, lags = LOG.events["known_at"], []
    for as_of, position in zip(rows["as_of"], rows["position_absorbed"], strict=True):
        missing = [known for known in known_at.iloc[position:] if known < as_of]
        lags.append(((as_of - missing[0]).total_seconds() if missing else 0.0, len(missing)))
    skew = audit(timeline, rows, ties_known=False)
    assert (skew.mismatched, skew.moved) == (0, 0)
    assert skew.stale > 0
    seconds, events = (sorted(column) for column in zip(*lags, strict=True))
    for quantile, (found, number) in zip(skew.lag.index, skew.lag.to_numpy(), strict=True):
        at = int(np.ceil(quantile * (len(lags) - 1)))
        assert (found, number) == (pytest.approx(seconds[at]), events[at])
    assert judge_skew(skew).holds
    verdict = judge_skew(skew, seconds=60)
    assert not verdict.holds
    assert verdict.reason.endswith("behind or more in 1 % of the rows; allowed are 60 s")


def put(lake: Lake, table: str, *records: dict[str, object]) -> None:
    connection = connect()
    assert parse(connection, lines(*records).encode(), EVENTS, "by hand") == []
    lake.table(table).append(connection, "SELECT * FROM parsed", {})


def seen(name: str, known_at: pd.Timestamp, **more: object) -> dict[str, object]:
    at = known_at.isoformat()
    return event(name, user_id="u0", video_id="v0", occurred_at=at, known_at=at, long_view=True, **more)


def test_a_lake_that_has_grown_since_is_the_same_lake(changed: Lake) -> None:
    last = LOG.events["known_at"].max()
    put(changed, "events", *(seen(f"x{at}", last + timedelta(seconds=1 + at)) for at in range(9)))
    skew = found_in(changed, HONEST)
    assert (skew.mismatched, skew.moved) == (0, 0)


def test_late_events_that_a_store_absorbed_and_the_lake_holds_back_are_known_to_it(changed: Lake) -> None:
    connection = connect()
    events = changed.table("events")
    events.view(connection, "stored")
    some = "hash(event_id) % 5 = 0"
    connection.execute(f"CREATE TABLE late AS SELECT * FROM stored WHERE {some}")
    connection.execute(f"CREATE TABLE rest AS SELECT * FROM stored WHERE NOT ({some})")
    changed.table("late_events").append(connection, "SELECT * FROM late", {})
    events.overwrite(connection, "SELECT * FROM rest", None, {})
    assert 0 < changed.table("late_events").rows < events.rows
    skew = found_in(changed, HONEST)
    assert (skew.mismatched, skew.moved) == (0, 0)


def test_an_event_that_was_corrected_into_the_past_moves_positions_and_is_found_by_time(changed: Lake) -> None:
    put(changed, "events", seen("0 corrected", LOG.events["known_at"].iloc[50] + timedelta(seconds=1), surface="home"))
    skew = found_in(changed, HONEST)
    assert skew.moved == (HONEST["position_absorbed"] > 50).sum() == 40
    touched = {f.entity for f in FEED.windowed for column in f.columns if column in differing(skew)}
    assert touched == {("user_id",), ("video_id",), ("creator_id",), ("topic",), ("user_id", "topic"), ("surface",)}
    early = HONEST[HONEST["position_absorbed"] <= 40]
    assert found_in(changed, early).mismatched == 0


def test_events_known_at_once_that_a_lake_orders_otherwise_are_no_skew(tmp_path: Path) -> None:
    log = log_of([(5 * (at % 20 == 0), at % 3, at % 4, at % 2 == 0, float(at), 0) for at in range(60)])
    timeline = Timeline(FEED, Warehouse(lake_of(tmp_path / "lake", log)).log(late=True))  # "10" comes before "9" there
    rows = served_rows(log=log, batch=7)
    assert audit(timeline, rows).mismatched > 0
    skew = audit(timeline, rows, ties_known=False)
    assert (skew.mismatched, skew.moved) == (0, 0)
    assert 0.9 * rows[COLUMNS].size < skew.compared < rows[COLUMNS].size


def test_after_an_erasure_what_differs_is_what_the_user_added_to_others(changed: Lake) -> None:
    erase(changed, "u1", NOW)
    rows = HONEST[HONEST["user_id"] != "u1"]
    skew = found_in(changed, rows)
    assert skew.moved > 0
    assert differing(skew)
    assert not [name for name in differing(skew) if name.startswith("user_")]
