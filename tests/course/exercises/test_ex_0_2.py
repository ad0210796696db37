import numpy as np

from mlsd_lab.course.check import check
from mlsd_lab.course.exercise import exercise


def test_another_row_is_told_both_cosines() -> None:
    one, told = exercise("0.2"), set()
    for case in one.cases():
        mine = case["factors"][case["liked"]]
        least = case["liked"][np.argmin(mine @ case["factors"][case["candidate"]] / np.linalg.norm(mine, axis=1))]
        told |= {" ".join(one.judge(case, least).split()[2:6])}
    assert {"", "has a cosine of"} <= told


def test_the_longest_vector_is_what_misleads_where_it_says_so() -> None:
    for case in exercise("0.2").cases():
        mine, other = case["factors"][case["liked"]], case["factors"][case["candidate"]]
        lengths = np.linalg.norm(mine, axis=1)
        assert (mine @ other).argmax() in (lengths.argmax(), (mine @ other / lengths).argmax())
        assert lengths.min() > 0
        assert case["candidate"] not in case["liked"]


def test_a_position_counted_as_a_row_of_one_number_is_right_in_any_type() -> None:
    solution = exercise("0.2").function(exercise("0.2").solution)
    assert check("0.2", lambda *given: float(solution(*given))).state == "solved"
    assert "expected one row" in check("0.2", lambda *given: float(solution(*given)) + 0.5).text
