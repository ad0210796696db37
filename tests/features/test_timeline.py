"""A log as histories: the stream as features read it, and positions that mean what they say."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.datasets import Log
from mlsd_lab.errors import DataError
from mlsd_lab.features import Timeline, stream
from mlsd_lab.features import timeline as timeline_module
from mlsd_lab.features.feed import FEED
from mlsd_lab.features.timeline import complete, microseconds, video_columns
from tests.features.store_contract import MANY_KEYS
from tests.features.streams import START, VIDEOS, assert_bits_equal, labels_at, log_of, seeded_log


def test_the_stream_is_in_the_order_in_which_events_became_known() -> None:
    log = log_of([(0, 0, 0, True, 1.0, 60), (1, 1, 1, False, 2.0, 0), (1, 2, 2, None, 3.0, 0)])
    events = stream(log)
    assert events["user_id"].tolist() == ["u1", "u2", "u0"]
    assert events["known_at"].is_monotonic_increasing
    assert events["occurred_at"].iloc[-1] < events["occurred_at"].iloc[0]


def test_the_stream_has_text_ids_numbers_for_flags_and_the_columns_of_each_video() -> None:
    events = stream(log_of([(0, 0, 3, True, 1.5, 0), (1, 1, 1, None, None, 0)]))
    assert events["video_id"].dtype == object
    assert events[["relevant", "watch_seconds"]].to_numpy().tolist() == pytest.approx(
        np.array([[1.0, 1.5], [0.0, np.nan]]), nan_ok=True
    )
    assert np.isnan(events["long_view"].iloc[1])
    assert events[["creator_id", "topic"]].fillna("none").to_numpy().tolist() == [["q", "none"], ["p", "sport"]]
    assert events["duration_seconds"].tolist() == [59.9, 0.0]
    assert events[["liked", "rating", "position"]].isna().all(axis=None)


def test_a_log_without_facts_about_videos_has_nulls_in_their_place() -> None:
    times = START + pd.to_timedelta([0, 1], unit="h")
    log = Log.from_frames(pd.DataFrame({"user_id": "ann", "video_id": ["v", "w"], "occurred_at": times}))
    assert stream(log)[["creator_id", "topic", "duration_seconds", "uploaded_at", "surface"]].isna().all(axis=None)
    found = Timeline(FEED, log).features(labels_at([times[1] + timedelta(hours=1)]), np.full(20, 2))
    assert (found["topic_relevant_7d"] == 0.3).all()
    assert found[["video_age_days", "video_duration"]].isna().all(axis=None)


def test_columns_of_videos_keep_their_kind_when_there_are_none() -> None:
    kinds = {name: values.dtype.kind for name, values in video_columns(VIDEOS.iloc[:0]).items()}
    assert kinds == {"creator_id": "O", "topic": "O", "duration_seconds": "f", "uploaded_at": "M"}


def test_an_event_known_at_the_moment_itself_is_not_known_before_it() -> None:
    log = log_of([(0, 0, 0, True, 1.0, 0), (60, 0, 0, True, 1.0, 0), (0, 0, 1, True, 1.0, 0)])
    at = log.events["known_at"].iloc[1]
    moments = pd.Series([at - timedelta(microseconds=1), at, at + timedelta(microseconds=1)])
    timeline = Timeline(FEED, log)
    assert timeline.position(moments).tolist() == [1, 1, 3]
    assert timeline.position(moments, staleness=timedelta(microseconds=1)).tolist() == [1, 1, 1]


def test_nanoseconds_never_let_an_event_in_that_came_later() -> None:
    log = log_of([(0, 0, 0, True, 1.0, 0)])
    at = log.events["known_at"].iloc[0].as_unit("ns")
    assert Timeline(FEED, log).position(pd.Series([at - pd.Timedelta(1, "ns"), at])).tolist() == [0, 0]


def test_features_at_every_position_equal_those_of_the_log_cut_there() -> None:
    log = seeded_log(40)
    timeline = Timeline(FEED, log)
    labels = labels_at([log.events["known_at"].iloc[-1] + timedelta(hours=1)])
    for position in range(41):
        cut = Timeline(FEED, log.with_events(log.events.iloc[:position]))
        at = np.full(len(labels), position)
        assert_bits_equal(timeline.features(labels, at), cut.features(labels, at))


@pytest.mark.parametrize("events", [1, 39, 40])
def test_features_do_not_depend_on_the_pieces_that_events_are_read_in(
    events: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = seeded_log(40)
    labels = labels_at([*log.events["known_at"].iloc[::9]])
    whole = Timeline(MANY_KEYS, log)
    monkeypatch.setattr(timeline_module, "_AT_ONCE", events)
    pieces = Timeline(MANY_KEYS, log)
    position = whole.position(labels["as_of"])
    assert_bits_equal(pieces.features(labels, position), whole.features(labels, position))


@pytest.mark.parametrize("position", [-1, 11])
def test_a_position_that_the_log_does_not_have_is_refused(position: int) -> None:
    labels = labels_at([START]).iloc[:1]
    with pytest.raises(DataError, match=f"position: expected 0 to 10, the log's events, found {position}"):
        Timeline(FEED, seeded_log(10)).features(labels, np.array([position]))


def test_a_log_out_of_stream_order_is_refused() -> None:
    log = seeded_log(10)
    with pytest.raises(DataError, match="events in the order of known_at"):
        Timeline(FEED, log.with_events(log.events.iloc[::-1]))


def test_any_zone_becomes_utc_and_none_is_refused() -> None:
    here = pd.Series(pd.to_datetime(["2026-03-29T01:30:00+01:00", None], utc=True).tz_convert("Europe/Berlin"))
    assert microseconds(here).astype(str).tolist() == ["2026-03-29T00:30:00.000000", "NaT"]
    with pytest.raises(DataError, match="times with a time zone, found datetime64"):
        microseconds(here.dt.tz_localize(None))


def test_the_first_missing_column_is_named_with_the_table_and_what_it_has() -> None:
    with pytest.raises(DataError, match="labels: expected a column 'b', found a, c"):
        complete(pd.DataFrame(columns=["a", "c"]), ["a", "b"], "labels")
