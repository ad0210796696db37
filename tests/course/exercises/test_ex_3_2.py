import numpy as np

from mlsd_lab.course.check import check
from mlsd_lab.course.exercise import Case, exercise
from mlsd_lab.course.exercises.ex_3_2 import _confusions, _right

ONE = exercise("3.2")
CASE: Case = {
    "as_of": np.array([100, 100, 100, 100]),
    "stamped_at": np.array([90, 0, 120, 130]),
    "written_at": np.array([91, 150, 130, 200]),
    "occurred_at": np.array([60, 80, 70, 120]),
    "known_at": np.array([90, 140, 100, 150]),
}  # rows 1 to 3 leak


def test_a_row_alone_is_told_what_its_value_counts() -> None:
    assert ONE.judge(CASE, [False, True, True, True]) == ""
    told = "Row 0 is marked and no leak: the newest event that it counts was known 10 min before the label's moment."
    assert ONE.judge(CASE, [True, True, True, True]) == told
    told = "Row 2 is a leak and not marked: it counts an event that became known at the label's moment."
    assert ONE.judge(CASE, [False, True, False, False]) == told


def test_nothing_is_known_before_it_occurred_nor_written_before_it_was_known() -> None:
    for case in ONE.cases():
        assert (case["occurred_at"] <= case["known_at"]).all()
        assert (case["known_at"] < case["written_at"]).all()


def test_every_case_has_leaks_and_safe_rows_and_no_sentence_counts_backwards() -> None:
    for case in ONE.cases():
        assert 0 < _right(case).sum() < len(case["as_of"])
        for mask in (*_confusions(case).values(), ~_right(case), np.zeros(len(case["as_of"]), bool)):
            text = ONE.judge(case, mask)
            assert " -" not in text
            assert " 0 min" not in text


def test_ones_and_zeros_are_a_mask_too() -> None:
    assert check("3.2", lambda a, s, w, o, k: 1 * (k >= a)).state == "solved"  # noqa: ARG005
