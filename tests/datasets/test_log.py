from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsd_lab.datasets import Datasheet, Log
from mlsd_lab.errors import ConfigError, DataError

REPEATABLE = settings(derandomize=True, database=None, deadline=None, max_examples=20)
MORNING = pd.Timestamp("2026-01-01 10:00", tz="UTC")


def frame(**columns: object) -> pd.DataFrame:
    """Three events of two users; more columns, or others in place of these."""
    times = [MORNING, MORNING + pd.Timedelta(hours=1), MORNING + pd.Timedelta(days=1)]
    return pd.DataFrame(
        {"user_id": ["ann", "ann", "bob"], "video_id": ["v1", "v2", "v1"], "occurred_at": times} | columns
    )


ROWS = st.lists(
    st.tuples(st.text(min_size=1, max_size=3), st.text(min_size=1, max_size=3), st.integers(0, 5)),
    min_size=1,
    max_size=20,
)


@REPEATABLE
@given(rows=ROWS, seed=st.integers(0, 1000))
def test_codes_are_row_numbers_whatever_the_order_of_the_rows(rows: list[tuple[str, str, int]], seed: int) -> None:
    users, videos, minutes = zip(*rows, strict=True)
    times = [MORNING + pd.Timedelta(minutes=minute) for minute in minutes]
    events = pd.DataFrame({"user_id": users, "video_id": videos, "occurred_at": times, "event_id": range(len(rows))})
    log = Log.from_frames(events)
    for key, table in (("user_id", log.users), ("video_id", log.videos)):
        assert log.events[key].cat.codes.tolist() == [table[key].tolist().index(one) for one in log.events[key]]
        assert table[key].cat.codes.tolist() == list(range(len(table)))
    again = Log.from_frames(events.sample(frac=1, random_state=seed))
    pd.testing.assert_frame_equal(again.events, log.events)
    pd.testing.assert_frame_equal(again.users, log.users)
    pd.testing.assert_frame_equal(again.videos, log.videos)


@REPEATABLE
@given(rows=ROWS)
def test_events_stand_in_stream_order(rows: list[tuple[str, str, int]]) -> None:
    users, videos, minutes = zip(*rows, strict=True)
    known = [MORNING + pd.Timedelta(minutes=minute) for minute in minutes]
    ids = [f"e{(7 * at) % len(rows)}-{at}" for at in range(len(rows))]
    table = {"user_id": users, "video_id": videos, "occurred_at": MORNING, "known_at": known, "event_id": ids}
    events = Log.from_frames(pd.DataFrame(table)).events
    stream = list(zip(events["known_at"], events["event_id"], strict=True))
    assert all(one < other for one, other in pairwise(stream))


def test_known_at_is_occurred_at_where_the_log_does_not_say() -> None:
    events = Log.from_frames(frame()).events
    assert (events["known_at"] == events["occurred_at"]).all()


def test_times_of_any_zone_and_unit_become_utc_microseconds() -> None:
    zoned = frame()["occurred_at"].dt.as_unit("ns").dt.tz_convert("Asia/Kathmandu")
    events = Log.from_frames(frame(occurred_at=zoned)).events
    assert str(events["occurred_at"].dtype) == "datetime64[us, UTC]"
    assert events["occurred_at"].tolist() == frame()["occurred_at"].tolist()


def test_the_callers_tables_stay_as_they_were() -> None:
    events, videos, users = frame(), pd.DataFrame({"video_id": ["v9", "v1"]}), pd.DataFrame({"user_id": ["zoe"]})
    before = [table.copy() for table in (events, videos, users)]
    Log.from_frames(events, videos, users)
    for table, copy in zip((events, videos, users), before, strict=True):
        pd.testing.assert_frame_equal(table, copy)


def test_a_table_of_videos_is_joined_by_id_and_completed() -> None:
    videos = pd.DataFrame({"video_id": ["v9", "v1"], "title": ["Nine", "One"]})
    log = Log.from_frames(frame(), videos)
    assert log.videos["video_id"].tolist() == ["v1", "v2", "v9"]
    assert log.labels() == ["One", "video v2", "Nine"]


def test_ids_are_the_same_as_numbers_and_as_text() -> None:
    log = Log.from_frames(frame(video_id=[10, 9, 10]), pd.DataFrame({"video_id": ["9", "10"], "title": ["N", "T"]}))
    assert dict(zip(log.videos["video_id"], log.labels(), strict=True)) == {"10": "T", "9": "N"}


def test_empty_tables_of_videos_and_users_are_as_none() -> None:
    log = Log.from_frames(frame(), pd.DataFrame({"video_id": []}), pd.DataFrame({"user_id": []}))
    assert (len(log.videos), len(log.users)) == (2, 2)


@pytest.mark.parametrize("topics", [["cats", None], [7, 8], pd.Categorical(["cats", None])], ids=["text", "int", "cat"])
def test_a_video_without_title_is_named_by_its_topic(topics: object) -> None:
    labels = Log.from_frames(frame(), pd.DataFrame({"video_id": ["v1", "v2"], "topic": topics})).labels()
    assert labels[0] in ("video v1 (topic cats)", "video v1 (topic 7)")
    assert all(isinstance(label, str) for label in labels)


def test_the_matrix_counts_events() -> None:
    log = Log.from_frames(pd.concat([frame(), frame()]))
    assert log.matrix().toarray().tolist() == [[2, 2], [2, 0]]
    assert log.matrix().dtype == np.float64


def test_a_smaller_log_keeps_codes_and_shape() -> None:
    log = Log.from_frames(frame())
    bobs = log.with_events(log.events[log.events["user_id"] == "bob"])
    assert bobs.matrix().toarray().tolist() == [[0, 0], [1, 0]]
    assert bobs.events.index.tolist() == [0]
    assert "no days" in repr(log.with_events(log.events[:0]))


def test_days_are_local_days() -> None:
    events = frame(occurred_at=pd.to_datetime(["2026-01-01T15:59Z", "2026-01-01T16:00Z", "2026-01-02T15:59Z"]))
    log = Log.from_frames(events, datasheet=Datasheet("mine", timezone="Asia/Shanghai"))
    assert [f"{day:%d}" for day in log.days()] == ["01", "02", "02"]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({}, [True, True, True]),
        ({"clicked": [True, False, None]}, [True, False, False]),
        ({"rating": [4, 3.9, None]}, [True, False, False]),
        ({"rating": [1, 1, 5], "clicked": [True, True, True]}, [False, False, True]),
        ({"long_view": [0, 1, 0], "rating": [5, 5, 5]}, [False, True, False]),
    ],
)
def test_relevant_follows_the_first_rule_that_the_log_allows(columns: dict[str, object], expected: list[bool]) -> None:
    assert Log.from_frames(frame(**columns)).relevant.tolist() == expected


def test_the_datasheets_rule_goes_before_the_first_column() -> None:
    log = Log.from_frames(
        frame(long_view=True, clicked=[True, False, False]), datasheet=Datasheet("m", relevance="clicked")
    )
    assert log.relevant.tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"user_id": ["ann", None, "bob"]}, "column user_id: expected an id in each row, found none in row 1"),
        ({"user_id": [1.0, 2.0, 3.0]}, "column user_id: expected text or whole numbers, found float64"),
        ({"user_id": [1, "a", 2]}, "column user_id: expected text or whole numbers, found object"),
        ({"video_id": [True, False, True]}, "column video_id: expected text or whole numbers, found bool"),
        ({"occurred_at": pd.to_datetime(["2026-01-01"] * 3)}, "expected times with a time zone, found datetime64"),
        ({"occurred_at": ["2026-01-01"] * 3}, "column occurred_at: expected times with a time zone, found str"),
        ({"known_at": [MORNING, pd.NaT, MORNING]}, "known_at: expected a value in each row, found NaT in row 1"),
        ({"event_id": ["a", "b", "a"]}, "column event_id: expected each value once, found a, a in rows 0, 2"),
    ],
)
def test_what_does_not_fit_is_named_with_column_and_row(columns: dict[str, object], sentence: str) -> None:
    with pytest.raises(DataError) as refused:
        Log.from_frames(frame(**columns))
    assert sentence in str(refused.value)


@pytest.mark.parametrize("column", ["user_id", "video_id", "occurred_at"])
def test_a_missing_column_is_named(column: str) -> None:
    with pytest.raises(DataError, match=f"events: expected a column '{column}', found "):
        Log.from_frames(frame().drop(columns=column))


def test_a_repeated_column_is_named() -> None:
    twice = pd.concat([frame(), frame()[["user_id"]]], axis=1)
    with pytest.raises(DataError, match="events: expected each column once, found 'user_id' twice"):
        Log.from_frames(twice)


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(DataError, match="expected at least one row"):
        Log.from_frames(frame()[:0])


def test_a_repeated_video_is_named() -> None:
    with pytest.raises(DataError, match="videos, column video_id: expected each value once, found v1"):
        Log.from_frames(frame(), pd.DataFrame({"video_id": ["v1", "v1"]}))


def test_a_table_without_its_key_is_refused() -> None:
    with pytest.raises(DataError, match="users: expected a column 'user_id', found name"):
        Log.from_frames(frame(), users=pd.DataFrame({"name": ["ann"]}))


def test_a_rule_whose_column_is_absent_is_refused() -> None:
    with pytest.raises(DataError, match="expected a column 'clicked', since clicked is true"):
        Log.from_frames(frame(), datasheet=Datasheet("mine", relevance="clicked"))


def test_a_time_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"expected an IANA name .* found 'Mars/Olympus'"):
        Log.from_frames(frame(), datasheet=Datasheet("mine", timezone="Mars/Olympus"))


def test_the_summary_counts_and_names_the_days() -> None:
    summary = Log.from_frames(frame()).summary()
    assert (summary["events"], summary["users"], summary["videos"]) == (3, 2, 2)
    assert (summary["from"], summary["until"], summary["timezone"]) == ("2026-01-01", "2026-01-02", "UTC")
