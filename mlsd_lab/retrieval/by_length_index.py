"""Exact search that stops early: vectors by length, since a short one cannot win a product."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlsd_lab.evaluation import NOBODY, Candidates
from mlsd_lab.retrieval.blas import one_blas_thread
from mlsd_lab.retrieval.by_blocks import by_blocks
from mlsd_lab.retrieval.vector_index import checked_exclude, checked_queries, checked_vectors

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_FIRST = 4096  # vectors looked at before the first decision to stop; each later look takes twice as many
_QUERIES = 250  # asked by one thread


class ByLengthIndex:
    """Finds what `ExactIndex` finds, the longest vectors first, until no shorter one can come in.

    An inner product is at most the product of both lengths, so a search ends where that falls below the k-th best score
    so far: length pruning, as in LEMP (Teflioudi, Gemulla & Mykytiuk 2015). How much that saves is the vectors'
    affair: of those that ALS learns most are short, since most videos have few events; of vectors of one length it
    reads all. Queries are answered one after another, on as many threads as there are cores. Where two scores are
    equal but for rounding the order may be another than `ExactIndex`'s.

    >>> index = ByLengthIndex([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]])
    >>> index.search(np.array([[1.0, 0.5]]), k=2).videos.tolist()
    [[2, 0]]
    """

    def __init__(self, vectors: ArrayLike) -> None:
        array = checked_vectors(vectors)
        lengths = _lengths(array)
        self._codes = np.argsort(-lengths, kind="stable").astype(np.int32)
        self._vectors, self._lengths = array[self._codes], lengths[self._codes]
        self.size, self.dimension = array.shape

    @property
    def nbytes(self) -> int:
        """Bytes of the vectors, their lengths and their codes."""
        return self._vectors.nbytes + self._lengths.nbytes + self._codes.nbytes

    def search(self, queries: NDArray[np.floating], k: int, exclude: "csr_matrix | None" = None) -> Candidates:
        """Return the k videos of highest inner product a query, without the entries of its row of `exclude`.

        As many more are found as the row excludes.
        """
        queries = checked_queries(queries, k, self.dimension).astype(self._vectors.dtype, copy=False)
        exclude = None if exclude is None else checked_exclude(exclude, len(queries), self.size)
        excluded = np.zeros(len(queries), dtype=int) if exclude is None else np.diff(exclude.indptr)
        fetch = np.minimum(self.size, k + excluded)

        def work(rows: slice) -> Candidates:
            count, width = len(queries[rows]), int(fetch[rows].max(initial=min(k, self.size)))
            videos, scores = np.full((count, width), NOBODY, dtype=np.int32), np.full((count, width), -np.inf)
            for row, (query, most) in enumerate(zip(queries[rows], fetch[rows].tolist(), strict=True)):
                videos[row, :most], scores[row, :most] = self._best(query, most)
            found = Candidates(videos, scores)
            return found.head(k) if exclude is None else found.without(exclude[rows], k)

        with one_blas_thread():
            return by_blocks(len(queries), _QUERIES, work)

    def _best(self, query: NDArray[np.floating], k: int) -> tuple[NDArray[np.int32], NDArray[np.floating]]:
        """Return the codes and scores of the k best, best first, equal ones by code."""
        reach = _lengths(query[None])[0] * (1 + 4 * self.dimension * np.finfo(query.dtype).eps)  # rounding, too
        codes, scores, last = self._codes[:0], self._vectors[:0, 0], -np.inf
        begin, end = 0, max(_FIRST, k)
        while begin < self.size and self._lengths[begin] * reach >= last:
            looked = self._vectors[begin:end] @ query
            good = np.flatnonzero(looked >= last)
            codes, scores = np.append(codes, self._codes[begin + good]), np.append(scores, looked[good])
            last = np.partition(scores, -k)[-k]
            kept = scores >= last
            codes, scores = codes[kept], scores[kept]
            begin, end = end, 3 * end - 2 * begin
        order = np.lexsort((codes, -scores))[:k]
        return codes[order], scores[order]


def _lengths(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return each row's length, or more: what is too small to be squared must not count as nothing."""
    lengths: NDArray[np.float64] = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)) + 1e-150
    return lengths
