import numpy as np
import pytest
from scipy.sparse import csc_matrix, csr_matrix

from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.retrieval.vector_index import checked_exclude, checked_queries, checked_vectors


@pytest.mark.parametrize("vectors", [[1.0, 2.0], [[[1.0]]], np.empty((3, 0)), 1.0])
def test_vectors_must_be_a_table_with_columns(vectors: object) -> None:
    with pytest.raises(DataError, match=r"expected shape \(rows, dimension\)"):
        checked_vectors(vectors)  # type: ignore[arg-type]


def test_a_number_too_large_for_float32_is_refused_and_not_made_infinite() -> None:
    assert checked_vectors([[1e39]]).tolist() == [[1e39]]
    with pytest.raises(DataError, match=r"expected finite numbers, found inf in row 1"):
        checked_vectors([[1.0], [1e39]], np.float32)


def test_the_first_bad_row_is_named() -> None:
    vectors = np.zeros((9, 2))
    vectors[[4, 7]] = np.nan
    with pytest.raises(DataError, match="in row 4"):
        checked_vectors(vectors)


def test_a_table_without_rows_has_nothing_to_refuse() -> None:
    assert checked_queries(np.empty((0, 3)), k=1, dimension=3).shape == (0, 3)


def test_exclusions_are_read_by_row_whatever_their_format() -> None:
    by_row = csr_matrix([[0, 1, 0], [0, 0, 0], [1, 0, 0]])  # square, so that the shape cannot tell
    checked = checked_exclude(csc_matrix(by_row), queries=3, size=3)
    assert checked.indptr.tolist() == by_row.indptr.tolist()
    with pytest.raises(ConfigError, match=r"expected shape \(2, 3\).*found \(3, 3\)"):
        checked_exclude(by_row, queries=2, size=3)
