"""New videos found at once: an index as it was built, and a small exact one for what came since."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import NOBODY, Candidates
from mlsd_lab.retrieval.exact_index import ExactIndex
from mlsd_lab.retrieval.vector_index import VectorIndex, checked_exclude, checked_vectors

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class WithNew:
    """A finished index and vectors of videos that came after it; their codes go on where the index's end.

    Nothing is rebuilt: a search asks both and merges by score, so the index must score by inner product. `adding` gives
    another one with more, and leaves this one to those who are searching it. The side costs what exact search costs;
    when it has grown, build the index anew.

    >>> from mlsd_lab.retrieval import AnnoyIndex
    >>> index = WithNew(AnnoyIndex.build([[1.0, 0.0], [0.0, 1.0]]), [[3.0, 0.0]])
    >>> index.search(np.array([[1.0, 0.5]]), k=2).videos.tolist(), index.adding([[9.0, 9.0]]).size
    ([[2, 0]], 4)
    """

    def __init__(self, index: VectorIndex, vectors: ArrayLike) -> None:
        if getattr(index, "metric", "dot") not in ("dot", "augmented"):
            raise ConfigError("expected an index that scores by inner product, as the exact search beside it does")
        new = _checked(vectors, index.dimension)
        self.index, self._side = index, ExactIndex(new)
        self.size, self.dimension = index.size + len(new), index.dimension

    def adding(self, vectors: ArrayLike) -> "WithNew":
        """Return another with these vectors behind the new ones it has."""
        return WithNew(self.index, np.concatenate([self._side.vectors, _checked(vectors, self.dimension)]))

    @property
    def nbytes(self) -> int:
        """Bytes of both."""
        return self.index.nbytes + self._side.nbytes

    def search(self, queries: NDArray[np.floating], k: int, exclude: "csr_matrix | None" = None) -> Candidates:
        """Return about k videos a query, best first, of the index and of what is new."""
        if exclude is not None:
            exclude = checked_exclude(exclude, len(queries), self.size)
        old, new = slice(None, self.index.size), slice(self.index.size, None)
        first = self.index.search(queries, k, None if exclude is None else exclude[:, old])
        then = self._side.search(queries, k, None if exclude is None else exclude[:, new])
        codes = np.where(then.videos == NOBODY, NOBODY, then.videos + np.int64(self.index.size))
        scores = np.concatenate([first.scores, then.scores], axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        videos = np.take_along_axis(np.concatenate([first.videos, codes], axis=1), order, axis=1)
        return Candidates(videos, np.take_along_axis(scores, order, axis=1))  # which refuses codes beyond int32


def _checked(vectors: ArrayLike, dimension: int) -> NDArray[np.floating]:
    new = checked_vectors(vectors)
    if new.shape[1] != dimension:
        raise ConfigError(f"vectors: expected dimension {dimension}, as the index has, found {new.shape[1]}")
    return new
