from typing import Any

import pytest

from mlsd_lab.course.check import check
from mlsd_lab.course.exercise import Case, exercise
from mlsd_lab.course.exercises.ex_4_1 import _CONFUSIONS, _right

ONE = exercise("4.1")


def point(name: str, recall: float, low: float, p99: float, mb: int) -> dict[str, Any]:
    return {"name": name, "recall": recall, "recall_low": low, "ms": 0.6 * p99, "p99_ms": p99, "mb": mb}


CASE: Case = {
    "points": [
        point("small", 0.7, 0.69, 1.0, 25),
        point("good", 0.9, 0.85, 5.0, 100),
        point("slow", 0.95, 0.94, 8.0, 100),
        point("large", 0.95, 0.94, 3.0, 400),
    ],
    "budget": {"p99_ms": 6.0, "mb": 120.0, "recall": 0.6},
}


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("good", ""),
        ("small", "small is fast and finds 0.7; good fits too and finds 0.9: a budget is there to be spent."),
        (
            "slow",
            "slow breaks it: one query in a hundred takes 8 ms or more, and 6 are allowed; that its median of 4.8",
        ),
        ("large", "large breaks it: it is fast enough and needs 400 MB where 120 are there."),
        (None, "You found none, and good fits: compare each"),
        ("fast", "expected the name of a point, such as 'small', or None, found 'fast'."),
        (CASE["points"][1], "You returned a whole point; asked is its name, here 'good'."),
        (1, "expected the name of a point"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_each_answer_is_told_what_it_costs(answer: Any, sentence: str) -> None:
    told = ONE.judge(CASE, answer)
    assert told.startswith(sentence)
    assert bool(told) == bool(sentence)


def test_where_nothing_fits_none_is_the_answer() -> None:
    case = CASE | {"budget": {"p99_ms": 0.5, "mb": 100.0, "recall": 0.6}}
    assert ONE.judge(case, None) == ""
    told = "Nothing fits here, so say that: somebody can change the budget. good breaks it: one query in a hundred"
    assert ONE.judge(case, "good").startswith(told)


def test_a_limit_is_kept_by_what_equals_it_in_each_number() -> None:
    points = [point("one", 0.9, 0.8, 5.0, 100)]
    assert _right({"points": points, "budget": {"p99_ms": 5.0, "mb": 100.0, "recall": 0.8}}) == "one"
    for limit in ({"p99_ms": 4.9}, {"mb": 99.0}, {"recall": 0.81}):
        assert _right({"points": points, "budget": {"p99_ms": 5.0, "mb": 100.0, "recall": 0.8} | limit}) is None


def test_every_confusion_is_caught_by_some_case_and_told_from_the_others() -> None:
    cases = list(ONE.cases())
    for confused in _CONFUSIONS.values():
        assert sum(confused(case) != _right(case) for case in cases) >= 13
    assert sum(_right(case) is None for case in cases) >= 13


def test_points_in_another_order_make_no_difference() -> None:
    solution = ONE.function(ONE.solution)
    for case in ONE.cases():
        assert solution(case["points"][::-1], case["budget"]) == _right(case)


def test_a_changed_budget_is_told() -> None:
    def pick(points: list[dict[str, Any]], budget: dict[str, float]) -> Any:
        budget["mb"] *= 2
        return points[0]["name"]

    assert "You changed the budget you were given" in check("4.1", pick).text
