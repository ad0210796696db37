"""What every search over video vectors can do, and the checks that all of them share."""

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.evaluation import Candidates

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class VectorIndex(Protocol):
    """Finds the videos whose vectors score highest against each query.

    >>> from mlsd_lab.retrieval import ExactIndex
    >>> index: VectorIndex = ExactIndex(np.eye(3))
    >>> index.search(np.array([[0.0, 2.0, 1.0]]), k=2).videos.tolist()
    [[1, 2]]
    """

    dimension: int
    """Length of a vector."""
    size: int
    """Number of vectors."""

    @property
    def nbytes(self) -> int:
        """Bytes that the index holds, its vectors among them."""

    def search(self, queries: NDArray[np.floating], k: int, exclude: "csr_matrix | None" = None) -> Candidates:
        """Return k videos a query of shape (queries, dimension), without the stored entries of its row of `exclude`."""


def checked_vectors(vectors: ArrayLike, dtype: type[np.floating] | None = None) -> NDArray[np.floating]:
    """Return finite vectors of shape (rows, dimension), or raise `DataError` naming the first bad row.

    Without a `dtype` float32 stays as it is and everything else becomes float64.

    >>> checked_vectors([[0.5, float("nan")]])
    Traceback (most recent call last):
    mlsd_lab.errors.DataError: vectors: expected finite numbers, found nan in row 0; was the model fitted on valid data?
    """
    if dtype is None:
        dtype = np.float32 if getattr(vectors, "dtype", None) == np.float32 else np.float64
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused below
        array = np.ascontiguousarray(vectors, dtype=dtype)
    if array.ndim != 2 or array.shape[1] == 0:
        raise DataError(f"vectors: expected shape (rows, dimension), found {array.shape}")
    finite = np.isfinite(array)
    if not finite.all():
        row = int((~finite).any(axis=1).argmax())
        found = array[row][~finite[row]][0]
        raise DataError(
            f"vectors: expected finite numbers, found {found} in row {row}; was the model fitted on valid data?"
        )
    return array


def checked_queries(queries: ArrayLike, k: int, dimension: int) -> NDArray[np.floating]:
    """Return finite queries of the index's dimension, or raise; `k` must be 1 or more.

    >>> checked_queries([[1.0, 2.0]], k=5, dimension=3)
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: queries: expected vectors of dimension 3, as the index has, found 2
    """
    if k < 1:
        raise ConfigError(f"k: expected 1 or more, found {k}")
    array = checked_vectors(queries)
    if array.shape[1] != dimension:
        raise ConfigError(
            f"queries: expected vectors of dimension {dimension}, as the index has, found {array.shape[1]}"
        )
    return array


def checked_exclude(exclude: "csr_matrix", queries: int, size: int) -> "csr_matrix":
    """Return what to leave out, a sparse row a query and a column a video, each entry once, or raise.

    >>> from scipy.sparse import csr_matrix
    >>> checked_exclude(csr_matrix((5, 3)), queries=1, size=3)
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: exclude: expected shape (1, 3), a row a query and a column a video, found (5, 3)
    """
    if exclude.shape != (queries, size):
        raise ConfigError(
            f"exclude: expected shape ({queries}, {size}), a row a query and a column a video, found {exclude.shape}"
        )
    return once_each(exclude.tocsr())


def once_each(rows: "csr_matrix") -> "csr_matrix":
    """Return sparse rows with each entry stored once: those that repeat one are added up, in a copy.

    >>> from scipy.sparse import csr_matrix
    >>> once_each(csr_matrix((np.ones(3), [4, 4, 2], [0, 3]), shape=(1, 5))).nnz
    2
    """
    if rows.has_canonical_format:
        return rows
    rows = rows.copy()
    rows.sum_duplicates()
    return rows
