"""Search that looks at every video: the truth that an approximate index is measured against."""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlsd_lab.evaluation import Candidates
from mlsd_lab.retrieval.vector_index import checked_exclude, checked_queries, checked_vectors

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from threadpoolctl import ThreadpoolController

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
        self.size, self.dimension = self.vectors.shape

    def search(self, queries: NDArray[np.floating], k: int, exclude: "csr_matrix | None" = None) -> Candidates:
        """Return the k videos of highest inner product a query, without the entries of its row of `exclude`."""
        queries = checked_queries(queries, k, self.dimension)
        exclude = None if exclude is None else checked_exclude(exclude, len(queries), self.size)
        size = max(1, int(_BLOCK_BYTES / (8 * max(1, self.size))))
        blocks = [slice(start, start + size) for start in range(0, max(1, len(queries)), size)]
        with _threads().limit(limits=1, user_api="blas"):
            parts = [self._best(queries[b], k, None if exclude is None else exclude[b]) for b in blocks]
        return Candidates(np.concatenate([p.videos for p in parts]), np.concatenate([p.scores for p in parts]))

    def _best(self, queries: NDArray[np.floating], k: int, exclude: "csr_matrix | None") -> Candidates:
        scores = queries @ self.vectors.T
        if exclude is not None:
            row = np.repeat(np.arange(len(queries)), np.diff(exclude.indptr))
            scores[row, exclude.indices] = -np.inf
        k = min(k, self.size)
        top = _highest(scores, k) if k < self.size else np.tile(np.arange(k), (len(queries), 1))
        order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1, kind="stable")
        top = np.take_along_axis(top, order, axis=1)
        found = Candidates(top.astype(np.int32), np.take_along_axis(scores, top, axis=1))
        return found.kept(np.isfinite(found.scores), k)


@cache
def _threads() -> "ThreadpoolController":
    """Return what limits threads; looking for the libraries takes milliseconds, so it is done once."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _highest(scores: NDArray[np.floating], k: int) -> NDArray[np.intp]:
    """Columns of the k highest of each row, in ascending order; of those equal to the last, the first ones."""
    top = np.argpartition(scores, -k, axis=1)[:, -k:]
    last = np.take_along_axis(scores, top[:, :1], axis=1)  # argpartition puts the k-th highest first
    tied = np.flatnonzero((scores >= last).sum(axis=1) > k)
    equal = scores[tied] == last[tied]
    room = k - (scores[tied] > last[tied]).sum(axis=1, keepdims=True)
    kept = (scores[tied] > last[tied]) | (equal & (np.cumsum(equal, axis=1) <= room))
    top[tied] = np.nonzero(kept)[1].reshape(-1, k)
    top.sort(axis=1)
    return top
