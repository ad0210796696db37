import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsd_lab.datasets import Datasheet, Log
from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.evaluation import by_day, leave_last_out, make_split, shuffled

MONDAY = pd.Timestamp("2026-01-05", tz="UTC")


def a_log(
    occurred: list[float], known: list[float] | None = None, timezone: str = "UTC", **columns: list[object]
) -> Log:
    """Events at so many hours after midnight of Monday 5 January 2026 (UTC)."""
    hours = pd.DataFrame({"occurred_at": occurred, "known_at": occurred if known is None else known})
    times = hours.apply(lambda column: MONDAY + pd.to_timedelta((column * 3600).round(), unit="s"))
    frame = times.assign(**{"user_id": "ann", "video_id": "v", "event_id": range(len(occurred)), **columns})
    sheet = Datasheet("test", timezone=timezone, relevance="rating" if "rating" in columns else "any")
    return Log.from_frames(frame, datasheet=sheet)


def ids(log: Log) -> list[int]:
    return log.events["event_id"].tolist()


HOURS = st.floats(0, 96, allow_nan=False)
ZONES = st.sampled_from(["UTC", "Asia/Shanghai", "America/Los_Angeles", "Europe/Berlin"])


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    rows=st.lists(st.tuples(HOURS, st.floats(-5, 30)), min_size=2, max_size=25), timezone=ZONES, days=st.integers(1, 2)
)
def test_by_day_trains_on_nothing_that_was_not_known_when_the_test_began(
    rows: list[tuple[float, float]], timezone: str, days: int
) -> None:
    occurred = [hour for hour, _ in rows]
    log = a_log(occurred, [hour + delay for hour, delay in rows], timezone)  # a phone's clock may run ahead, too
    try:
        split = by_day(log, days)
    except DataError:
        return
    train, test = split.train.events, split.test.events
    assert not set(ids(split.train)) & set(ids(split.test))
    assert len(train) + len(test) + split.left_out == len(rows)
    last = log.events["occurred_at"].max().tz_convert(timezone).normalize()
    begin = (last.tz_localize(None) - pd.Timedelta(days=days - 1)).tz_localize(timezone)
    assert (train["known_at"] < begin).all()
    assert (test["occurred_at"] >= begin).all()
    assert (test["known_at"] >= begin).all()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.tuples(HOURS, st.integers(0, 3), st.integers(1, 5)), min_size=1, max_size=25))
def test_leave_last_out_holds_out_what_a_loop_over_users_does(rows: list[tuple[float, int, int]]) -> None:
    hours, users, ratings = (list(column) for column in zip(*rows, strict=True))
    log = a_log(hours, user_id=users, rating=ratings)
    train, test = set(), set()
    for user in set(users):
        own = log.events[log.events["user_id"] == str(user)]
        liked = own[own["rating"] >= 4]
        if liked.empty:
            train |= set(own["event_id"])
            continue
        last = liked.iloc[-1]
        before = (own["known_at"] < last.known_at) | (
            (own["known_at"] == last.known_at) & (own["event_id"] < last.event_id)
        )
        test.add(last.event_id)
        train |= set(own["event_id"][before])
    split = leave_last_out(log)
    assert (set(ids(split.train)), set(ids(split.test))) == (train, test)
    assert split.left_out == len(rows) - len(train) - len(test)


def test_days_are_those_of_the_data_set_s_zone() -> None:
    # 20:00 UTC on Monday is 04:00 on Tuesday in Shanghai: the test there, training in UTC.
    hours = [10.0, 20.0, 25.0]
    assert ids(by_day(a_log(hours, timezone="Asia/Shanghai")).test) == [1, 2]
    assert ids(by_day(a_log(hours, timezone="UTC")).test) == [2]
    assert ids(by_day(a_log(hours, timezone="UTC")).train) == [0, 1]


def test_a_day_that_begins_at_midnight_sharp_belongs_to_the_test() -> None:
    split = by_day(a_log([23.999, 24.0]))
    assert (ids(split.train), ids(split.test)) == ([0], [1])


def test_an_event_in_flight_at_midnight_is_in_neither_and_counted() -> None:
    split = by_day(a_log([10.0, 23.0, 30.0], known=[10.1, 24.5, 30.1]))
    assert (ids(split.train), ids(split.test), split.left_out) == ([0], [2], 1)


def test_an_event_known_just_at_midnight_was_not_known_before_it() -> None:
    split = by_day(a_log([10.0, 23.0, 30.0], known=[10.0, 24.0, 30.0]))
    assert (ids(split.train), split.left_out) == ([0], 1)


def test_a_phone_whose_clock_runs_ahead_puts_no_event_in_both() -> None:
    split = by_day(a_log([10.0, 25.0, 30.0], known=[10.0, 22.0, 30.0]))
    assert (ids(split.train), ids(split.test)) == ([0, 1], [2])


def test_several_test_days_count_back_from_the_last_local_day() -> None:
    split = by_day(a_log([1.0, 25.0, 49.0, 73.0]), days=2)
    assert (ids(split.train), ids(split.test)) == ([0, 1], [2, 3])


def test_a_day_of_23_hours_is_a_day() -> None:
    # Los Angeles, 8 March 2026: clocks go from 02:00 to 03:00. Local midnight is 08:00 UTC before, 07:00 UTC after.
    times = pd.to_datetime(["2026-03-08 07:59", "2026-03-08 08:00", "2026-03-09 06:59", "2026-03-09 07:00"], utc=True)
    frame = pd.DataFrame({"user_id": 1, "video_id": 1, "occurred_at": times})
    log = Log.from_frames(frame, datasheet=Datasheet("test", timezone="America/Los_Angeles"))
    assert (ids(by_day(log).test), ids(by_day(log, 2).test)) == ([3], [1, 2, 3])


@pytest.mark.parametrize("days", [1, 2])
def test_a_log_without_a_day_before_the_test_is_refused_with_its_span(days: int) -> None:
    log = a_log([1.0, 2.0, 23.0] if days == 1 else [1.0, 30.0])
    with pytest.raises(
        DataError, match=rf"at least {days + 1} local days, found 2026-01-05 to 2026-01-0{4 + days} \(UTC\)"
    ):
        by_day(log, days)


def test_a_log_of_two_days_of_which_nothing_was_known_in_time_is_refused_and_says_so() -> None:
    with pytest.raises(DataError, match="expected events known before the last 1 local days"):
        by_day(a_log([10.0, 30.0], known=[25.0, 31.0]))


def test_a_log_without_events_is_refused() -> None:
    log = a_log([1.0, 30.0])
    with pytest.raises(DataError, match="found none"):
        by_day(log.with_events(log.events.iloc[:0]))


@pytest.mark.parametrize("days", [0, -1])
def test_test_days_below_one_are_refused(days: int) -> None:
    with pytest.raises(ConfigError, match=f"days: expected 1 or more test days, found {days}"):
        by_day(a_log([1.0, 30.0]), days)


def test_of_events_at_one_time_the_later_id_is_the_last() -> None:
    split = leave_last_out(a_log([5.0, 5.0, 5.0], rating=[5, 5, 1], event_id=[7, 9, 11]))
    assert (ids(split.train), ids(split.test), split.left_out) == ([7], [9], 1)


def test_a_user_who_liked_nothing_is_training_alone() -> None:
    split = leave_last_out(a_log([1.0, 2.0], rating=[1, 3]))
    assert (ids(split.train), ids(split.test), split.left_out) == ([0, 1], [], 0)


def test_parts_keep_the_tables_and_codes_of_the_whole() -> None:
    log = a_log([1.0, 30.0], user_id=["zoe", "ann"], video_id=["x", "y"])
    split = by_day(log)
    for part in (split.train, split.test):
        assert part.users is log.users
        assert part.matrix().shape == (2, 2)
    assert split.train.events["user_id"].cat.codes.tolist() == [1]
    assert split.train.events.index.tolist() == split.test.events.index.tolist() == [0]


def test_a_random_split_is_refused_unless_the_caller_says_that_it_leaks() -> None:
    log = a_log(np.linspace(0, 90, 500).tolist())
    with pytest.raises(ConfigError, match="pass leaks=True"):
        shuffled(log, share=0.2, seed=0)
    split = shuffled(log, share=0.2, seed=0, leaks=True)
    assert sorted(ids(split.train) + ids(split.test)) == list(range(500))
    assert 70 <= len(ids(split.test)) <= 130  # 100 expected, ± 3.4 standard deviations
    assert ids(shuffled(log, share=0.2, seed=0, leaks=True).test) == ids(split.test)
    assert ids(shuffled(log, share=0.2, seed=1, leaks=True).test) != ids(split.test)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_a_share_outside_0_and_1_is_refused(share: float) -> None:
    with pytest.raises(ConfigError, match="share: expected a number between 0 and 1"):
        shuffled(a_log([1.0]), share, seed=0, leaks=True)


def test_make_split_does_what_its_name_says() -> None:
    log = a_log([1.0, 30.0], rating=[5, 5])
    assert [make_split(log, kind).kind for kind in ("by_day", "leave_last_out")] == ["by_day", "leave_last_out"]
