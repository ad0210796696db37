import math
from fractions import Fraction

from mlsd_lab.course.check import check
from mlsd_lab.course.exercise import exercise
from mlsd_lab.course.exercises.ex_0_3 import _right


def test_exact_arithmetic_is_accepted() -> None:
    def candidates(budget: float, fixed: float, per_video: float, most: int) -> int:
        exact = [Fraction(str(number)) for number in (budget, fixed, per_video)]
        return min(max(math.floor((exact[0] - exact[1]) / exact[2]), 0), most)

    assert check("0.3", candidates).state == "solved"


def test_where_a_float_misses_a_whole_quotient_both_neighbours_count() -> None:
    assert _right({"budget_ms": 1.3, "fixed_ms": 1.0, "per_video_ms": 0.1, "most": 99}) == {2, 3}
    assert _right({"budget_ms": 1.35, "fixed_ms": 1.0, "per_video_ms": 0.1, "most": 99}) == {3}
    assert _right({"budget_ms": 1, "fixed_ms": 9.0, "per_video_ms": 0.1, "most": 99}) == {0}


def test_too_few_are_told_that_one_more_fits() -> None:
    solution = exercise("0.3").function(exercise("0.3").solution)
    assert "one more would still fit" in check("0.3", lambda *given: max(solution(*given) - 2, 0)).text
