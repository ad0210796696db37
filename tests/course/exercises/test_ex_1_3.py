from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.course.check import check
from mlsd_lab.course.exercises.ex_1_3 import _BAR, _SEEDS, _Feed, _feed

RIGHT = {
    "seconds × share": lambda e: e.watch_seconds * share(e),
    "share unclipped": lambda e: e.watch_seconds**2 / e.duration_seconds,
    "300 s × share": lambda e: e.watch_seconds.clip(upper=300) * share(e),
    "root × finished": lambda e: np.sqrt(e.watch_seconds) * (e.watch_seconds >= 0.98 * e.duration_seconds),
    "seconds where half was watched": lambda e: e.watch_seconds * (share(e) > 0.5),
    "share × root of duration, clicked": lambda e: share(e) * np.sqrt(e.duration_seconds) * e.clicked,
}
WRONG = {
    "click": (lambda e: e.clicked, "You bought "),
    "seconds": (lambda e: e.watch_seconds, "Long videos won"),
    "seconds, clicked": (lambda e: e.watch_seconds * e.clicked, "Long videos won"),
    "300 s": (lambda e: e.watch_seconds.clip(upper=300), "Long videos won"),
    "root of seconds": (lambda e: np.sqrt(e.watch_seconds), "Long videos won"),
    "share": (lambda e: share(e), "Short loops"),
    "share, unclipped": (lambda e: e.watch_seconds / e.duration_seconds, "Short loops"),
    "half": (lambda e: share(e) >= 0.5, "Short loops"),
    "finished": (lambda e: e.watch_seconds >= e.duration_seconds, "Short loops"),
    "like": (lambda e: e.liked, "A like is rare"),
    "long view": (lambda e: e.clicked & (e.watch_seconds >= e.duration_seconds.clip(upper=18)), "Neither too long"),
    "60 s": (lambda e: e.watch_seconds.clip(upper=60), "Neither too long"),
    "log of seconds": (lambda e: np.log1p(e.watch_seconds), "Neither too long"),
    "rank within duration": (lambda e: rank(e), "Neither too long"),
}


def share(events: pd.DataFrame) -> pd.Series:
    return (events.watch_seconds / events.duration_seconds).clip(upper=1)


def rank(events: pd.DataFrame) -> pd.Series:
    alike = pd.qcut(events.duration_seconds.rank(method="first"), min(20, len(events)), labels=False)
    return events.watch_seconds.groupby(alike).rank(pct=True)


def feeds() -> list[_Feed]:
    return [_feed(seed) for seed in _SEEDS]


def ratios(label: Any) -> list[float]:
    """What a label reaches of the solution's satisfied minutes, in each world."""
    return [feed.session(np.asarray(label(feed.events), float)).glad / feed.better.glad for feed in feeds()]


@pytest.mark.parametrize("name", RIGHT)
def test_right_labels_are_one_percent_above_the_bar_in_both_worlds(name: str) -> None:
    assert min(ratios(RIGHT[name])) > _BAR + 0.01
    assert check("1.3", RIGHT[name]).state == "solved"


@pytest.mark.parametrize("name", WRONG)
def test_wrong_labels_are_one_percent_below_the_bar_in_a_world_and_told_why(name: str) -> None:
    label, sentence = WRONG[name]
    assert min(ratios(label)) < _BAR - 0.01
    assert check("1.3", label).text.startswith(f"not yet: {sentence}")


def test_the_scale_of_a_label_is_of_no_account() -> None:
    for scale in (1e-9, 1e300):
        assert ratios(lambda events, scale=scale: scale * events.watch_seconds) == pytest.approx(
            ratios(lambda events: events.watch_seconds), rel=1e-3
        )


def test_a_world_made_anew_judges_the_same() -> None:
    again = _feed.__wrapped__(_SEEDS[1])
    assert again.events.equals(feeds()[1].events)
    assert again.better == feeds()[1].better


def test_people_are_shown_what_three_minutes_hold() -> None:
    for feed in feeds():
        assert feed.minutes.shape == (400, 40)
        assert (feed.glad <= feed.minutes).all()
        assert 0 < feed.better.glad < 3


def test_a_check_fits_one_model_a_world(monkeypatch: pytest.MonkeyPatch) -> None:
    fits: Counter[int] = Counter()
    session = _Feed.session
    assert [feed.better.glad for feed in feeds()]

    def counted(self: _Feed, labels: Any) -> Any:
        fits[len(labels)] += 1
        return session(self, labels)

    monkeypatch.setattr(_Feed, "session", counted)
    made = _feed.cache_info().misses
    assert check("1.3", RIGHT["seconds × share"]).state == "solved"
    assert fits == {40_000: 2}
    assert _feed.cache_info().misses == made


@pytest.mark.parametrize(
    "as_what",
    [list, np.asarray, lambda label: label.astype("Float64"), lambda label: label.set_axis(range(7, 7 + len(label)))],
    ids=["list", "array", "nullable", "other index"],
)
def test_a_label_may_come_as_anything_with_a_number_a_row(as_what: Any) -> None:
    assert check("1.3", lambda events: as_what(RIGHT["seconds × share"](events))).state == "solved"


def test_what_no_average_survives_is_told() -> None:
    text = check("1.3", lambda events: np.where(events.clicked, 1, -np.inf)).text
    assert "got -inf: was it divided by 0, or is it the logarithm of 0?" in text
    assert "in one dimension, found DataFrame" in check("1.3", lambda events: events[["clicked"]]).text


def test_a_label_of_no_exposure_is_not_answered_yet() -> None:
    assert check("1.3", lambda events: events.watch_seconds > 1e9).state == "unanswered"
