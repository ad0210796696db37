from typing import Any

import numpy as np
import pytest

from mlsd_lab.course.check import check
from mlsd_lab.course.exercise import exercise
from mlsd_lab.course.exercises.ex_3_1 import _CONFUSIONS, _chosen, _Rules

ONE = exercise("3.1")
CASES = list(ONE.cases())
SOLUTION = ONE.function(ONE.solution)


@pytest.mark.parametrize(
    "kind", [list, tuple, lambda pair: (np.int64(pair[0]), np.str_(pair[1]))], ids=["list", "tuple", "numpy's"]
)
def test_a_pair_counts_in_any_clothes(kind: Any) -> None:
    def choose(*given: Any) -> Any:
        right = SOLUTION(*given)
        return right and kind(right)

    assert check("3.1", choose).state == "solved"


@pytest.mark.parametrize("returned", [(5, "file"), ("file", 7), (7,), {7: "file"}, 7, "file", (np.zeros(2), "file")])
def test_what_is_no_choice_is_named_with_an_example_of_one(returned: Any) -> None:
    told = ONE.judge(CASES[-1], returned)
    assert told.startswith("expected days of (1, 2, 3, 7, 14, 28) and a store's name, such as (7, '")


def test_something_fits_in_most_cases_and_no_two_stores_cost_the_same() -> None:
    fitting = [_chosen(case, _Rules()) is not None for case in CASES]
    assert len(CASES) / 2 < sum(fitting) < len(CASES)
    for case in CASES:
        assert len({store["dollars"] for store in case["stores"]}) == len(case["stores"])


@pytest.mark.parametrize("confusion", _CONFUSIONS)
def test_each_confusion_is_wrong_somewhere(confusion: str) -> None:
    assert any(_chosen(case, _CONFUSIONS[confusion]) != _chosen(case, _Rules()) for case in CASES)


def test_every_possible_choice_is_right_or_gets_a_sentence_about_it() -> None:
    for case in CASES[::7]:
        for days in (1, 2, 3, 7, 14, 28):
            for store in case["stores"]:
                told = ONE.judge(case, (days, store["name"]))
                assert (told == "") == ((days, store["name"]) == _chosen(case, _Rules()))
                assert not told or told.endswith(".")
