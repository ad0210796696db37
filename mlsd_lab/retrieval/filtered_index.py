"""k results after the filters, whatever the filters leave."""

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import NOBODY, Candidates
from mlsd_lab.retrieval.exact_index import ExactIndex
from mlsd_lab.retrieval.vector_index import VectorIndex, checked_exclude, checked_queries, checked_vectors

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_ROUNDS = 3  # of fetching four times as many, before all that remains is looked at
_MOST = 4  # and never more than a quarter of the index, which costs about as much
_AT_ONCE = 8_000_000  # candidates held


class FilteredIndex:
    """An index that answers with `min(k, what is left)` videos a query when some may not be shown.

    `allowed` (a flag a video: not blocked, licensed in this region) holds for all queries, `exclude` (seen) for one.
    The index is asked for as many more as the filters are expected to drop, then for four times as many; rows that
    still come up short are searched exactly over what remains. `vectors` are those of the index, by row; both must
    score alike, which `angular` and `euclidean` do not.

    >>> from mlsd_lab.retrieval import AnnoyIndex
    >>> vectors = np.arange(1.0, 101.0)[:, None]
    >>> here = FilteredIndex(AnnoyIndex.build(vectors, trees=1, search_k=1), vectors, allowed=np.arange(100) < 3)
    >>> here.search(np.array([[1.0]]), k=5).videos.tolist()
    [[2, 1, 0, -1, -1]]
    """

    def __init__(self, index: VectorIndex, vectors: ArrayLike, allowed: NDArray[np.bool_] | None = None) -> None:
        self.index, self.vectors = index, checked_vectors(vectors)
        self.size, self.dimension = index.size, index.dimension
        self.allowed = np.ones(self.size, dtype=bool) if allowed is None else np.asarray(allowed)
        if self.vectors.shape != (self.size, self.dimension):
            raise ConfigError(
                f"vectors: expected shape {(self.size, self.dimension)}, as the index has, found {self.vectors.shape}"
            )
        if self.allowed.shape != (self.size,) or self.allowed.dtype != bool:
            raise ConfigError(
                f"allowed: expected {self.size} flags, one a video, found {self.allowed.dtype} {self.allowed.shape}"
            )
        if getattr(index, "metric", "dot") not in ("dot", "augmented"):
            raise ConfigError("expected an index that scores by inner product, as the exact search behind it does")

    @property
    def nbytes(self) -> int:
        """Bytes of the index and of the vectors beside it."""
        return self.index.nbytes + self.vectors.nbytes

    def search(self, queries: NDArray[np.floating], k: int, exclude: "csr_matrix | None" = None) -> Candidates:
        """Return `min(k, what is left)` videos a query, best first."""
        from scipy.sparse import csr_matrix

        queries = checked_queries(queries, k, self.dimension)
        rows = len(queries)
        exclude = csr_matrix((rows, self.size)) if exclude is None else checked_exclude(exclude, rows, self.size)
        width = min(k, self.size)
        found = Candidates(np.full((rows, width), NOBODY, dtype=np.int32), np.full((rows, width), -np.inf))
        excluded = np.diff(exclude.indptr)
        dropped = np.add.reduceat(np.append(self.allowed[exclude.indices], 0), exclude.indptr[:-1]) * (excluded > 0)
        wanted = np.minimum(k, self.allowed.sum() - dropped)
        left = np.flatnonzero(wanted > 0)
        fetch = int(k * self.size / max(1, self.allowed.sum()))
        for _ in range(_ROUNDS):
            few = left[fetch + excluded[left] <= max(self.size // _MOST, k)]
            size = max(1, _AT_ONCE // (fetch + int(excluded[few].max(initial=1))))
            for some in (few[begin : begin + size] for begin in range(0, len(few), size)):
                _put(found, some, self._asked(queries[some], fetch, exclude[some], k))
            left = left[(found.videos[left] != NOBODY).sum(axis=1) < wanted[left]]
            fetch *= 4
        if len(left):
            _put(found, left, self._looked_at(queries[left], k, exclude[left]))
        return found

    def _asked(self, queries: NDArray[np.floating], fetch: int, exclude: "csr_matrix", k: int) -> Candidates:
        more = self.index.search(queries, fetch, exclude)
        return more.kept(self.allowed[more.videos], k)

    def _looked_at(self, queries: NDArray[np.floating], k: int, exclude: "csr_matrix") -> Candidates:
        codes, rest = self._rest
        exact = rest.search(queries, k, exclude[:, codes])
        return Candidates(np.append(codes, NOBODY)[exact.videos], exact.scores)

    @cached_property
    def _rest(self) -> tuple[NDArray[np.int64], ExactIndex]:
        codes = np.flatnonzero(self.allowed)
        return codes, ExactIndex(self.vectors[codes])


def _put(found: Candidates, rows: NDArray[np.int64], part: Candidates) -> None:
    width = part.videos.shape[1]
    found.videos[rows, :width], found.scores[rows, :width] = part.videos, part.scores
