import numpy as np
import pandas as pd
import pytest

from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.ranking.inputs import checked_examples, checked_matrix

LABELS = np.array([1.0, 0.0])


def test_good_examples_come_back_as_a_matrix() -> None:
    matrix = checked_examples(pd.DataFrame({"a": [1.0, np.nan], "b": [3.0, 4.0]}), LABELS)
    np.testing.assert_array_equal(matrix, [[1.0, 3.0], [np.nan, 4.0]])
    assert matrix.dtype == np.float64


def test_the_first_column_of_another_type_is_named() -> None:
    with pytest.raises(DataError, match="feature b: expected float64, found int64"):
        checked_examples(pd.DataFrame({"a": [1.0, 2.0], "b": [3, 4], "c": ["x", "y"]}), LABELS)


def test_infinity_is_named_with_its_column_and_row() -> None:
    matrix = np.array([[0.0, np.nan], [1.0, -np.inf]])
    with pytest.raises(DataError, match="feature b: expected finite numbers or NaN, found -inf in row 1"):
        checked_matrix(matrix, ("a", "b"))


def test_a_message_of_many_columns_names_three_and_one_of_numbers_is_readable() -> None:
    with pytest.raises(ConfigError, match=r"expected 4 columns \(0, 1, 2, …\), found shape \(1, 2\)"):
        checked_matrix(np.zeros((1, 2)), (0, 1, 2, 3))  # type: ignore[arg-type]


def test_no_rows_are_no_examples_but_a_slate_of_none() -> None:
    with pytest.raises(DataError, match=r"labels: expected 0 and 1, both present, found \[\]"):
        checked_examples(pd.DataFrame({"a": np.empty(0)}), np.empty(0))
    assert checked_matrix(np.empty((0, 1)), ("a",)).shape == (0, 1)


@pytest.mark.parametrize("labels", [[True, False], [1, 0]])
def test_labels_may_be_flags_or_whole_numbers(labels: list[int]) -> None:
    assert checked_examples(pd.DataFrame({"a": [1.0, 2.0]}), np.array(labels)).shape == (2, 1)
