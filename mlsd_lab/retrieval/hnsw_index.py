"""Approximate search along a graph of neighbours: the other kind of index, to compare Annoy with."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlsd_lab.errors import ConfigError, MissingExtraError
from mlsd_lab.evaluation import Candidates
from mlsd_lab.retrieval.vector_index import checked_exclude, checked_queries, checked_vectors

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_INT32 = 2**31 - 1


class HNSWIndex:
    """A hierarchical navigable small-world graph (Malkov & Yashunin 2016), of `faiss`, by inner product in float32.

    More `links` a video cost memory and time to build, more `ef` (videos kept in view during a search) costs time; all
    raise recall, as does more `ef_build`. One thread builds, so that equal vectors make equal graphs. It needs the
    extra `hnsw`; without it `build` raises `MissingExtraError`. It is there to be compared: there is no file of it.

    >>> from importlib.util import find_spec
    >>> from mlsd_lab.retrieval import ExactIndex
    >>> build = HNSWIndex.build if find_spec("faiss") else ExactIndex  # where the extra is missing
    >>> build([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]]).search(np.array([[1.0, 0.5]]), k=2).videos.tolist()
    [[2, 0]]
    """

    def __init__(self, graph: Any, size: int, dimension: int, ef: int) -> None:
        self._graph = graph
        self.size, self.dimension, self.ef = size, dimension, ef

    @classmethod
    def build(cls, vectors: ArrayLike, links: int = 16, ef_build: int = 100, ef: int = 200) -> Self:
        """Index vectors of shape (videos, dimension)."""
        faiss = _faiss()
        array = checked_vectors(vectors, np.float32)
        if len(array) == 0 or not 2 <= links <= 512 or not (1 <= ef_build <= _INT32 and 1 <= ef <= _INT32):
            raise ConfigError(
                "expected 1 or more vectors, links from 2 to 512 and ef_build and ef from 1 to 2147483647; "
                f"found {len(array)}, {links}, {ef_build} and {ef}"
            )
        graph = faiss.IndexHNSWFlat(array.shape[1], links, faiss.METRIC_INNER_PRODUCT)
        graph.hnsw.efConstruction = ef_build
        with _one_thread(faiss):
            graph.add(array)
        return cls(graph, len(array), array.shape[1], ef)

    def searched_with(self, ef: int) -> "HNSWIndex":
        """Return this index with another `ef`; the graph is the same."""
        if not 1 <= ef <= _INT32:
            raise ConfigError(f"ef: expected 1 to {_INT32:,} videos in view, found {ef:,}")
        return HNSWIndex(self._graph, self.size, self.dimension, ef)

    @property
    def nbytes(self) -> int:
        """Bytes of vectors, links and levels."""
        hnsw = self._graph.hnsw
        return (
            4 * self.size * self.dimension + 4 * (hnsw.neighbors.size() + hnsw.levels.size()) + 8 * hnsw.offsets.size()
        )

    def search(self, queries: NDArray[np.floating], k: int, exclude: "csr_matrix | None" = None) -> Candidates:
        """Return about k videos a query, best first, without the entries of its row of `exclude`.

        As many more are fetched as the fullest row excludes.
        """
        faiss = _faiss()
        queries = checked_vectors(checked_queries(queries, k, self.dimension), np.float32)
        exclude = None if exclude is None else checked_exclude(exclude, len(queries), self.size)
        most = 0 if exclude is None else int(np.diff(exclude.indptr).max(initial=0))
        fetch = min(self.size, k + most)
        parameters = faiss.SearchParametersHNSW(efSearch=max(self.ef, fetch))
        with _one_thread(faiss):
            scores, videos = self._graph.search(queries, fetch, params=parameters)
        found = Candidates(videos.astype(np.int32), np.where(videos < 0, -np.inf, scores))
        return found if exclude is None else found.without(exclude, k)


@contextmanager
def _one_thread(faiss: Any) -> Iterator[None]:
    """Keep faiss to one thread; its own switch takes no time, looking for all pools of threads takes a millisecond."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise MissingExtraError("HNSWIndex needs faiss: pip install 'mlsd_lab[hnsw]'") from error
    return faiss
