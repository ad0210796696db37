import math
from fractions import Fraction

import numpy as np

from mlsd_lab.course.check import check
from mlsd_lab.course.exercise import Case, exercise
from mlsd_lab.course.exercises.ex_1_1 import _right

EASY: Case = {
    "users": 86_400,
    "active_share": 1.0,
    "requests_a_day": 1,
    "peak_factor": 3.0,
    "service_ms": 1000,
    "utilisation": 0.5,
}


def test_exact_arithmetic_is_accepted() -> None:
    def machines(*given: float) -> int:
        users, share, requests, peak, service_ms, limit = (Fraction(str(number)) for number in given)
        return math.ceil(users * share * requests * peak * service_ms / 86_400_000 / limit)

    assert check("1.1", machines).state == "solved"


def test_floats_in_any_order_are_accepted() -> None:
    def machines(users: int, share: float, requests: int, peak: float, service_ms: int, limit: float) -> int:
        return math.ceil(1 / limit * (service_ms / 1000) * peak * (requests / 86_400 * share) * users)

    assert check("1.1", machines).state == "solved"
    assert check("1.1", lambda *given: np.float64(machines(*given))).state == "solved"


def test_where_a_float_misses_a_whole_quotient_both_neighbours_count() -> None:
    assert 0.1 * 3 / 0.1 > 3
    assert _right(EASY | {"service_ms": 100, "utilisation": 0.1}) == {3, 4}
    assert _right(EASY | {"utilisation": 0.4}) == {8}
    assert _right(EASY) == {6, 7}


def test_too_few_and_too_many_are_told_how_busy_they_are() -> None:
    judge = exercise("1.1").judge
    assert judge(EASY, 5) == "With 5, each would be busy 60 % of the time at the peak; 50 % is the limit."
    said = judge(EASY, 8)
    assert said.startswith("8 are too many: with one less, each is busy 42.857 % at the peak; 50 % is the limit. Round")
    assert judge(EASY, 10**300).startswith("1e+300 are too many")
    assert judge(EASY, 0) == "0 machines answer nobody: even one request a day needs a machine."


def test_an_answer_of_every_case_is_more_than_one_machine() -> None:
    one = exercise("1.1")
    solution = one.function(one.solution)
    assert min(solution(*case.values()) for case in one.cases()) > 1
    assert any(case["active_share"] < 1 for case in one.cases())
