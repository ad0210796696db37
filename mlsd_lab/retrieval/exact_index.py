"""Search that looks at every video: the truth that an approximate index is measured against."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlsd_lab.evaluation import Candidates
from mlsd_lab.retrieval.best import best
from mlsd_lab.retrieval.blas import one_blas_thread
from mlsd_lab.retrieval.by_blocks import by_blocks
from mlsd_lab.retrieval.vector_index import checked_exclude, checked_queries, checked_vectors

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_BLOCK_BYTES = 64e6  # of scores held at once


class ExactIndex:
    """Scores every video for every query by inner product, in blocks of queries; equal scores go by video code.

    float32 vectors stay so: half the memory and time, scores of six digits. BLAS runs on one thread, so that the last
    digit of a score does not depend on the number of cores.

    >>> index = ExactIndex([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]])
    >>> found = index.search(np.array([[1.0, 0.5]]), k=2)
    >>> found.videos.tolist(), found.scores.tolist()
    ([[2, 0]], [[2.0, 1.0]])
    """

    def __init__(self, vectors: ArrayLike) -> None:
        self.vectors = checked_vectors(vectors)
        self.size, self.dimension = self.vectors.shape

    @property
    def nbytes(self) -> int:
        """Bytes of the vectors: there is nothing else."""
        return self.vectors.nbytes

    def search(self, queries: NDArray[np.floating], k: int, exclude: "csr_matrix | None" = None) -> Candidates:
        """Return the k videos of highest inner product a query, without the entries of its row of `exclude`."""
        queries = checked_queries(queries, k, self.dimension).astype(self.vectors.dtype, copy=False)
        exclude = None if exclude is None else checked_exclude(exclude, len(queries), self.size)
        size = max(1, int(_BLOCK_BYTES / (self.vectors.itemsize * max(1, self.size))))

        def work(rows: slice) -> Candidates:
            return best(queries[rows] @ self.vectors.T, k, None if exclude is None else exclude[rows])

        with one_blas_thread():
            return by_blocks(len(queries), size, work)
