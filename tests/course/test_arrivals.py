import pandas as pd
import pytest

from mlsd_lab.course.arrivals import arrivals
from mlsd_lab.course.picture import picture

TEN = pd.Timedelta("10min")


def at(*minutes: float) -> "pd.Series[pd.Timestamp]":
    return pd.Series(pd.Timestamp("2026-01-01 10:00", tz="UTC") + pd.to_timedelta(list(minutes), unit="min"))


def test_late_is_more_than_the_lateness_behind_the_newest_that_came_before() -> None:
    found = arrivals(at(0, 30, 20, 19.9, 25, 31, 20.5), TEN)
    assert found.late.tolist() == [False, False, False, True, False, False, True]
    assert found.share == pytest.approx(2 / 7)


def test_the_watermark_is_the_one_that_an_event_met_and_never_goes_back() -> None:
    met = arrivals(at(0, 30, 20, 40), TEN).watermark
    assert pd.isna(met[0])
    assert met[1:].tolist() == at(-10, 20, 20).tolist()


def test_more_lateness_makes_fewer_late_and_none_at_last() -> None:
    times = at(0, 30, 20, 5, 40, 1)
    shares = [arrivals(times, pd.Timedelta(minutes=minutes)).share for minutes in (0, 10, 20, 39, 40)]
    assert shares == sorted(shares, reverse=True)
    assert (shares[0] > 0.4, shares[-1]) == (True, 0)


@pytest.mark.parametrize("minutes", [(0,), (0, 1, 2), (0, 30, 1, 2)])
def test_it_can_be_drawn_with_and_without_late_events(minutes: tuple[float, ...]) -> None:
    assert picture("x", arrivals(at(*minutes), TEN).plot).png.startswith(b"\x89PNG")
