from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.course.check import check
from mlsd_lab.course.exercise import Case, exercise
from mlsd_lab.course.exercises.ex_1_2 import _confusions, _right

ONE = exercise("1.2")
SOLUTION = ONE.function(ONE.solution)
CASE: Case = {
    "occurred_at": np.array([3, 10, 8, 5, 12]),
    "known_at": np.array([4, 11, 13, 10, 12]),
    "is_test": np.array([False, True, False, False, True]),
}  # rows 2 and 3 leak


@pytest.mark.parametrize(
    "kind",
    [list, np.ndarray.tolist, tuple, pd.Series, lambda mask: pd.Series(mask, dtype="boolean")[::1], lambda m: m[:]],
    ids=["list of numpy's", "list of Python's", "tuple", "Series", "nullable Series", "array"],
)
def test_a_mask_counts_in_any_clothes(kind: Any) -> None:
    assert check("1.2", lambda *given: kind(SOLUTION(*given))).state == "solved"
    assert check("1.2", lambda *given: kind(~SOLUTION(*given))).state == "wrong"


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (np.array([2, 3]), "[2, 3] looks like a list of row numbers"),
        ([2], "[2] looks like a list of row numbers"),
        ([0.0, 0.0, 1.0, 1.0, 0.0], "found 5 entries of type float64."),
        (["no", "no", "yes", "yes", "no"], "found 5 entries of type <U3."),
        ([False, True, None, True, False], "found 5 entries of type object."),
        (np.zeros((5, 1), bool), "found an array of shape (5, 1)."),
        ([[True], [True, False]], "found list."),
        (True, "found bool."),
        (None, "found nothing (is a return missing?)."),
        ([], "found 0 entries of type float64."),
        ([True, False], "2 entries for 5 rows: a mask keeps"),
        ([False, True, True], "3 entries for 5 rows: 3 is how many training rows there are; a mask keeps"),
    ],
    ids=repr,
)
def test_what_is_no_mask_is_named(answer: Any, sentence: str) -> None:
    assert sentence in ONE.judge(CASE, answer)


def test_a_single_row_is_told_when_it_was_known() -> None:
    assert ONE.judge(CASE, [False, False, True, True, False]) == ""
    told = "Row 0 may stay: it was known at 4, 6 min before the test began at 10."
    assert ONE.judge(CASE, [True, False, True, True, False]) == told
    told = "Row 2 is not marked: the test began at 10, and it was known 3 min after."
    assert ONE.judge(CASE, [False, False, False, True, False]) == told


def test_every_row_is_known_when_it_occurred_or_later_and_every_case_has_a_safe_one() -> None:
    for case in ONE.cases():
        assert (case["known_at"] >= case["occurred_at"]).all()
        assert case["is_test"].any()
        assert (~case["is_test"] & ~_right(case)).any()


def test_splits_are_clean_or_leak_by_time_or_at_random() -> None:
    seen = {"clean": 0, "time": 0, "random": 0}
    for case in ONE.cases():
        leaking, occurred = _right(case).any(), _confusions(case)["occurred"].any()
        seen["random" if occurred else "time" if leaking else "clean"] += 1
    assert seen == {"random": 27, "time": 54, "clean": 27}


def test_no_sentence_tells_of_time_gone_backwards() -> None:
    for case in ONE.cases():
        for mask in (*_confusions(case).values(), ~_right(case), np.zeros(len(case["is_test"]), bool)):
            text = ONE.judge(case, mask)
            assert "-" not in text
            assert " 0 min" not in text


def test_ones_and_zeros_are_a_mask_too() -> None:
    assert check("1.2", lambda o, k, t: (1 - t) * (k >= o[t].min())).state == "solved"
