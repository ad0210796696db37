from typing import Any

import numpy as np
import pytest

from mlsd_lab.course.check import check
from mlsd_lab.course.exercise import Case, exercise
from mlsd_lab.course.exercises.ex_4_2 import _CONFUSIONS, _right

ONE = exercise("4.2")
CASE: Case = {
    "watched": np.array([0, 1, 1]),
    "creator": np.array([0, 1, 1, 1, 0, 2, 1]),
    "age": np.array([9.0, 8.0, 3.0, 2.0, 1.0, 0.0, -1.0]),
    "k": 3,
}  # creator 1 has been watched twice, creator 0 once


@pytest.mark.parametrize("kind", [list, tuple, np.array, lambda codes: np.array(codes, float)], ids=range(4))
def test_a_list_counts_in_any_clothes(kind: Any) -> None:
    solution = ONE.function(ONE.solution)
    assert check("4.2", lambda *given: kind([int(code) for code in solution(*given)])).state == "solved"


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ([3, 2, 4], ""),
        ([3, 2], "Your list ends after 2 of 3: video 4 could stand there too."),
        ([2, 3, 4], "Of one creator, video 2, 3 days old, stands before 3, 2 days old: newest first"),
        ([4, 3, 2], "Creator 0 (watched 1 ×) stands before creator 1 (watched 2 ×)."),
        ([5, 3, 2], "Video 5 is by creator 2; this person has watched creators [0, 1]: it is anybody's list."),
        ([6, 3, 2], "Video 6 has an age of -1 days: it is uploaded after the request."),
        ([3, 2, 1], "Video 1 was watched already"),
        ([3, 3, 2], "Video 3 is there 2 times"),
        ([3, 2, 4, 4], "You return 4 videos where 3 were asked"),
        ([3, 2, 7], "There is no video 7: codes go from 0 to 6"),
        ([3, 2, -1], "There is no video -1"),
        ([3, 2, 4.5], "expected a list of video codes"),
        ([3, True, 4], "expected a list of video codes"),
        (["3"], "expected a list of video codes"),
        (3, "expected a list of video codes"),
        (None, "expected a list of video codes, found nothing."),
        ([10**400], "There is no video"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_each_list_is_told_what_is_wrong_with_it(answer: Any, sentence: str) -> None:
    told = ONE.judge(CASE, answer)
    assert told.startswith(sentence)
    assert bool(told) == bool(sentence)


def test_of_creators_watched_equally_often_it_says_that_their_videos_stand_together() -> None:
    case = {
        "watched": np.array([0, 1]),
        "creator": np.array([0, 1, 1, 0]),
        "age": np.array([9.0, 8.0, 3.0, 2.0]),
        "k": 2,
    }
    assert ONE.judge(case, [3, 2]) == ""
    told = "Creators 1 and 0 were watched equally often, so their videos stand together: 3, 2 days old, comes before 2."
    assert ONE.judge(case, [2, 3]) == told


def test_who_has_watched_nothing_gets_an_empty_list() -> None:
    case = CASE | {"watched": np.array([], dtype=np.int64)}
    assert ONE.judge(case, []) == ""
    assert ONE.judge(case, [5]).startswith("Who has watched nothing has no creators")


def test_every_confusion_is_caught_by_some_case_and_somebody_has_watched_nothing() -> None:
    cases = list(ONE.cases())
    for confused in _CONFUSIONS.values():
        assert sum(confused(case) != _right(case) for case in cases) >= 15
    assert sum(len(case["watched"]) == 0 for case in cases) == 15


def test_no_two_videos_are_of_one_age_and_nobody_watched_tomorrows() -> None:
    for case in ONE.cases():
        assert len(set(case["age"])) == len(case["age"])
        assert (case["age"][case["watched"]] >= 0).all()


def test_what_it_was_given_stays_as_it_was() -> None:
    def uploads(_: Any, __: Any, age: Any, k: int) -> list[int]:
        age[0] += 1
        return list(range(k + 1))

    assert "You changed the age you were given" in check("4.2", uploads).text
