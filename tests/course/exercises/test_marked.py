from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.course.exercises.marked import marked


@pytest.mark.parametrize(
    "answer",
    [
        [True, False],
        (np.True_, np.False_),
        np.array([1, 0]),
        np.array([True, False], dtype=object),
        pd.Series([True, False], dtype="boolean"),
    ],
    ids=["list", "numpy's", "ones and zeros", "objects", "nullable"],
)
def test_a_mask_is_taken_in_any_clothes(answer: Any) -> None:
    found = marked(answer, 2, {}, ".")
    assert isinstance(found, np.ndarray)
    assert found.dtype == bool
    assert found.tolist() == [True, False]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (None, "expected True or False for each of the 2 rows, found nothing (is a return missing?)."),
        ([1], "[1] looks like a list of row numbers: "),
        ([0.0, 1.0], "found 2 entries of type float64."),
        ([[True], [True, False]], "found list."),
        (np.zeros((2, 1), bool), "found an array of shape (2, 1)."),
        (True, "found bool."),
        ([True] * 3, "3 entries for 2 rows: a mask keeps the place of every row, too."),
        ([True], "1 entries for 2 rows: 1 is the first; a mask keeps the place of every row, too."),
    ],
    ids=repr,
)
def test_what_is_no_mask_is_named(answer: Any, sentence: str) -> None:
    found = marked(answer, 2, {1: "is the first"}, ", too.")
    assert isinstance(found, str)
    assert sentence in found
