"""Search that looks at every video: the truth that an approximate index is measured against."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlsd_lab.evaluation import Candidates
from mlsd_lab.retrieval.vector_index import checked_queries, checked_vectors

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_BLOCK_BYTES = 64e6  # of scores held at once


class ExactIndex:
    """Scores every video for every query by inner product, in blocks of queries; equal scores go by video code.

    BLAS runs on one thread, so that the last digit of a score does not depend on the number of cores.

    >>> index = ExactIndex([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]])
    >>> found = index.search(np.array([[1.0, 0.5]]), k=2)
    >>> found.videos.tolist(), found.scores.tolist()
    ([[2, 0]], [[2.0, 1.0]])
    """

    def __init__(self, vectors: ArrayLike) -> None:
        self.vectors = checked_vectors(vectors)
        self.dimension = self.vectors.shape[1]

    def search(self, queries: NDArray[np.floating], k: int, exclude: "csr_matrix | None" = None) -> Candidates:
        """Return the k videos of highest inner product a query, without the entries of its row of `exclude`."""
        from threadpoolctl import threadpool_limits

        queries = checked_queries(queries, k, self.dimension)
        size = max(1, int(_BLOCK_BYTES / (8 * max(1, len(self.vectors)))))
        blocks = [slice(start, start + size) for start in range(0, max(1, len(queries)), size)]
        with threadpool_limits(1, user_api="blas"):
            parts = [self._best(queries[b], k, None if exclude is None else exclude[b]) for b in blocks]
        return Candidates(np.concatenate([p.videos for p in parts]), np.concatenate([p.scores for p in parts]))

    def _best(self, queries: NDArray[np.floating], k: int, exclude: "csr_matrix | None") -> Candidates:
        scores = queries @ self.vectors.T
        if exclude is not None:
            row = np.repeat(np.arange(len(queries)), np.diff(exclude.indptr))
            scores[row, exclude.indices] = -np.inf
        k = min(k, len(self.vectors))
        top = (
            np.argpartition(-scores, k - 1, axis=1)[:, :k]
            if k < len(self.vectors)
            else np.tile(np.arange(k), (len(queries), 1))
        )
        top.sort(axis=1)
        order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1, kind="stable")
        top = np.take_along_axis(top, order, axis=1)
        found = Candidates(top.astype(np.int32), np.take_along_axis(scores, top, axis=1))
        return found.kept(np.isfinite(found.scores), k)
