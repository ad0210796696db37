"""A training row sees what was known before it, equal to DuckDB's range join bit for bit."""

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.features import Catalogue, Timeline, derived, training_set
from mlsd_lab.features.feed import FEED
from tests.features.oracle import windowed_features
from tests.features.streams import EVENT, START, Event, assert_bits_equal, labels_at, log_of, seeded_log

WINDOWED = [column for feature in FEED.windowed for column in feature.columns]


@settings(max_examples=30, deadline=None, derandomize=True)
@given(events=st.lists(EVENT, min_size=1, max_size=25), data=st.data())
def test_every_row_equals_a_range_join_over_the_raw_events(events: list[Event], data: st.DataObject) -> None:
    log = log_of(events)
    near = st.sampled_from(sorted(set(log.events["known_at"]) | set(log.events["occurred_at"])))
    aside = st.sampled_from([timedelta(microseconds=-1), timedelta(0), timedelta(microseconds=1), timedelta(days=7)])
    times = data.draw(st.lists(st.builds(lambda time, by: time + by, near, aside), min_size=1, max_size=4))
    stale = data.draw(st.sampled_from([timedelta(0), timedelta(microseconds=1), timedelta(hours=5)]))
    labels = labels_at(times)
    oracle = windowed_features(log, labels, stale // timedelta(microseconds=1))
    assert_bits_equal(training_set(FEED, log, labels, stale)[WINDOWED], oracle)


def test_a_larger_stream_equals_a_range_join_over_the_raw_events() -> None:
    rng = np.random.default_rng(1)
    size, videos = 20_000, 300
    facts = pd.DataFrame({"video_id": [f"v{at}" for at in range(videos)], "creator_id": rng.integers(0, 40, videos)})
    facts["topic"] = np.array(["a", "b", "c", "d", None], dtype=object)[rng.integers(0, 5, videos)]
    facts["duration_seconds"] = np.where(rng.random(videos) < 0.1, np.nan, rng.lognormal(3, 1, videos).round(1))
    facts["creator_id"] = "c" + facts["creator_id"].astype(str)
    seconds = np.sort(rng.integers(0, 20 * 86_400, size))
    frame = pd.DataFrame({"occurred_at": START + pd.to_timedelta(seconds, unit="s")})
    frame["known_at"] = frame["occurred_at"] + pd.to_timedelta(rng.choice([0, 1, 90, 100_000], size), unit="s")
    frame["user_id"] = (400 * rng.random(size) ** 2).astype(int).astype(str)
    frame["video_id"] = "v" + pd.Series((videos * rng.random(size) ** 2).astype(int)).astype(str)
    frame["long_view"] = pd.array(rng.random(size) < 0.3, dtype="boolean")
    frame.loc[rng.random(size) < 0.1, "long_view"] = None
    frame["watch_seconds"] = np.where(rng.random(size) < 0.1, np.nan, rng.lognormal(2, 2, size))
    frame["surface"] = np.array(["home", "search", None], dtype=object)[rng.integers(0, 3, size)]
    log = Log.from_frames(frame, facts)
    labels = frame[["user_id", "video_id", "surface", "occurred_at"]].sample(2_000, random_state=0)
    labels = labels.rename(columns={"occurred_at": "as_of"})
    assert_bits_equal(training_set(FEED, log, labels)[WINDOWED], windowed_features(log, labels))


def shown_once(outcomes: np.ndarray) -> tuple[Log, pd.DataFrame]:
    """Make a log in which each video is shown once, and ask for each event's features at the moment it is shown."""
    times = START + pd.to_timedelta(np.arange(len(outcomes)) * 7, unit="m")
    frame = pd.DataFrame({"user_id": "ann", "video_id": [f"v{at:03d}" for at in range(len(outcomes))]})
    frame = frame.assign(occurred_at=times, known_at=times + pd.to_timedelta(np.arange(len(outcomes)) % 3, unit="m"))
    labels = frame[["user_id", "video_id"]].assign(as_of=times)
    return Log.from_frames(frame.assign(clicked=outcomes, watch_seconds=outcomes * 9.0)), labels


def test_the_outcome_of_an_event_never_reaches_its_own_row_and_a_naive_join_would_give_it_away() -> None:
    outcomes = np.random.default_rng(0).random(60) < 0.5
    log, labels = shown_once(outcomes)
    honest = training_set(FEED, log, labels)
    for event in range(len(outcomes)):
        flipped, _ = shown_once(np.where(np.arange(60) == event, ~outcomes, outcomes))
        assert_bits_equal(training_set(FEED, flipped, labels.iloc[[event]]), honest.iloc[[event]])
    end = labels.assign(as_of=labels["as_of"].max() + timedelta(hours=1))
    naive = training_set(FEED, log, end)["video_relevant_all"]
    assert ((naive > 0.3) == outcomes).all()  # totals of the whole log are the answer itself
    assert honest["video_relevant_all"].nunique() == 1


@pytest.mark.parametrize("staleness", [timedelta(minutes=7), timedelta(hours=30), timedelta(days=400)])
def test_staleness_equals_a_log_that_ends_so_much_earlier_with_windows_placed_by_as_of(staleness: timedelta) -> None:
    log = seeded_log(120)
    times = list(log.events["known_at"].iloc[[30, 60, 119]])
    for time in times:
        labels = labels_at([time])
        cut = log.with_events(log.events[log.events["known_at"] < time - staleness])
        assert_bits_equal(training_set(FEED, log, labels, staleness), training_set(FEED, cut, labels))


def test_some_columns_come_as_among_all_in_the_order_asked_and_no_other_is_computed() -> None:
    @derived
    def infinite(user_impressions_1d: Any) -> Any:
        """It fails whenever it is computed."""
        return np.inf + user_impressions_1d

    log = seeded_log()
    labels = labels_at([log.events["known_at"].iloc[200]])
    every = training_set(FEED, log, labels)
    more = Catalogue("more", "1", [*FEED.features, infinite])
    for columns in (["video_age_days"], ["user_relevant_7d", "user_impressions_1d"], [*FEED.columns[::-3]], []):
        assert_bits_equal(training_set(more, log, labels, columns=columns), every[columns])
    with pytest.raises(ConfigError, match="columns: expected some of catalogue feed, found 'video_id'"):
        training_set(FEED, log, labels, columns=["video_id"])


def test_rows_come_back_in_their_order_under_their_own_index() -> None:
    log = seeded_log()
    labels = labels_at([log.events["known_at"].iloc[150], log.events["known_at"].iloc[299]])
    plain = training_set(FEED, log, labels)
    shuffled = labels.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(training_set(FEED, log, shuffled), plain.loc[shuffled.index])
    repeated = labels.set_index(pd.Index(["same"] * len(labels)))
    many = labels.set_index([labels["user_id"], labels["video_id"]])
    for table in (repeated, many):
        found = training_set(FEED, log, table)
        assert found.index.equals(table.index)
        assert_bits_equal(found, plain)


def test_a_prepared_timeline_gives_the_same_rows_and_only_to_its_own_catalogue() -> None:
    log = seeded_log()
    labels = labels_at([log.events["known_at"].iloc[200]])
    timeline = Timeline(FEED, log)
    assert_bits_equal(training_set(FEED, timeline, labels), training_set(FEED, log, labels))
    with pytest.raises(ConfigError, match="another catalogue"):
        training_set(Catalogue("feed", "2", [*FEED.windowed]), timeline, labels)


def test_ids_that_are_whole_numbers_are_found_as_the_text_that_the_log_keeps() -> None:
    times = START + pd.to_timedelta([0, 1], unit="h")
    frame = pd.DataFrame({"user_id": [7, 7], "video_id": [1, 2], "occurred_at": times, "clicked": [True, True]})
    labels = pd.DataFrame({"user_id": [7], "video_id": [1], "as_of": times[1:]})
    as_text = labels.astype({"user_id": str, "video_id": str})
    found = training_set(FEED, Log.from_frames(frame), labels)
    assert found["user_impressions_1d"].tolist() == found["video_impressions_1d"].tolist() == [1.0]
    assert_bits_equal(found, training_set(FEED, Log.from_frames(frame), as_text))


def test_the_zone_of_as_of_changes_nothing() -> None:
    log = seeded_log()
    labels = labels_at([log.events["known_at"].iloc[200]])
    elsewhere = labels.assign(as_of=labels["as_of"].dt.tz_convert("Asia/Kolkata"))
    assert_bits_equal(training_set(FEED, log, elsewhere), training_set(FEED, log, labels))


def test_no_labels_give_no_rows_with_every_column() -> None:
    found = training_set(FEED, seeded_log(), labels_at([START]).iloc[:0])
    assert found.shape == (0, len(FEED.columns))
    assert list(found.columns) == list(FEED.columns)


def test_a_person_and_a_video_never_seen_have_an_empty_past() -> None:
    log = seeded_log()
    labels = labels_at([log.events["known_at"].iloc[-1]])
    row = training_set(FEED, log, labels)[(labels["user_id"] == "nobody") & (labels["video_id"] == "unheard of")]
    assert (row[[column for column in WINDOWED if "impressions" in column]] == 0).all(axis=None)
    assert (row[[column for column in WINDOWED if "relevant" in column]] == 0.3).all(axis=None)
    assert row[["user_completion_7d", "video_completion_7d", "video_age_days", "retrieval"]].isna().all(axis=None)


@pytest.mark.parametrize("column", ["user_id", "video_id", "as_of"])
def test_a_missing_column_is_named(column: str) -> None:
    with pytest.raises(DataError, match=f"labels: expected a column '{column}', found"):
        training_set(FEED, seeded_log(10), labels_at([START]).drop(columns=column))


def test_times_without_a_zone_or_without_a_value_are_refused() -> None:
    labels = labels_at([START])
    with pytest.raises(DataError, match="with a time zone, found datetime64"):
        training_set(FEED, seeded_log(10), labels.assign(as_of=labels["as_of"].dt.tz_localize(None)))
    with pytest.raises(DataError, match="as_of: expected a time in each row, found none in row 3"):
        training_set(FEED, seeded_log(10), labels.assign(as_of=labels["as_of"].where(labels.index != 3)))


def test_staleness_below_zero_is_refused() -> None:
    with pytest.raises(ConfigError, match="zero or more"):
        training_set(FEED, seeded_log(10), labels_at([START]), timedelta(seconds=-1))
