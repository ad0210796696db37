"""Approximate search with Annoy: a forest of random splits in a file that processes share by mapping it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlsd_lab.artifacts import atomic_folder, verified, write_manifest
from mlsd_lab.errors import ArtifactError, ConfigError, DataError
from mlsd_lab.evaluation import NOBODY, Candidates
from mlsd_lab.retrieval.vector_index import checked_exclude, checked_queries, checked_vectors

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Metric = Literal["dot", "angular", "euclidean"]
_KIND, _INDEX, _IDS = "annoy-index/1", "index.ann", "ids.json"
_INT32 = 2**31 - 1
_LONGEST = 1e18  # a vector's length, so that inner products stay finite in float32


class AnnoyIndex:
    """A finished Annoy index (Bernhardsson, github.com/spotify/annoy), made by `build` or `load`, never changed after.

    `metric` is how it scores: `dot` the inner product, `angular` the cosine, `euclidean` minus the distance. More
    `trees` cost memory, more `search_k` (nodes looked at a query) costs time; both raise recall. Vectors are float32.
    Annoy ends the process on misuse; here that is an error. One seed gives one file, on any number of cores.

    >>> index = AnnoyIndex.build([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]], metric="dot", trees=5)
    >>> index.search(np.array([[1.0, 0.5]]), k=2).videos.tolist()
    [[2, 0]]
    """

    def __init__(self, forest: Any, size: int, dimension: int, metric: Metric, search_k: int) -> None:
        self._forest = forest
        self.size, self.dimension, self.metric, self.search_k = size, dimension, metric, search_k

    @classmethod
    def build(
        cls, vectors: ArrayLike, metric: Metric = "dot", trees: int = 50, search_k: int | None = None, seed: int = 0
    ) -> Self:
        """Index vectors of shape (videos, dimension); `search_k` defaults to 100 × trees."""
        from annoy import AnnoyIndex as Forest

        array = _float32(vectors)
        if metric not in get_args(Metric):
            raise ConfigError(f"metric: expected {', '.join(get_args(Metric))}, found {metric!r}")
        search_k = 100 * trees if search_k is None else search_k
        if len(array) == 0 or not 1 <= trees <= _INT32 or not 1 <= search_k <= _INT32:
            raise ConfigError(
                f"expected 1 or more vectors, trees and search_k; found {len(array)}, {trees} and {search_k}"
            )
        if not 0 <= seed < _INT32:
            raise ConfigError(f"seed: expected 0 to {_INT32 - 1}, found {seed}")
        forest = Forest(array.shape[1], metric)
        forest.set_seed(seed + 1)  # Annoy takes 0 for its default seed
        for row, vector in enumerate(array.tolist()):
            forest.add_item(row, vector)
        forest.build(trees, n_jobs=1)  # with two jobs the bytes differ from run to run
        return cls(forest, len(array), array.shape[1], metric, search_k)

    def search(self, queries: NDArray[np.floating], k: int, exclude: "csr_matrix | None" = None) -> Candidates:
        """Return about k videos a query, best first, without the entries of its row of `exclude`.

        As many more are fetched as are excluded, so that a row comes up short only where the search finds no more.
        """
        queries = _float32(checked_queries(queries, k, self.dimension))
        exclude = None if exclude is None else checked_exclude(exclude, len(queries), self.size)
        excluded = np.zeros(len(queries), dtype=int) if exclude is None else np.diff(exclude.indptr)
        width = min(self.size, k + int(excluded.max(initial=0)))
        videos = np.full((len(queries), width), NOBODY, dtype=np.int32)
        scores = np.full((len(queries), width), -np.inf)
        for row, query in enumerate(queries.tolist()):
            fetch = min(self.size, k + int(excluded[row]))
            found, distance = self._forest.get_nns_by_vector(query, fetch, max(self.search_k, fetch), True)
            videos[row, : len(found)], scores[row, : len(found)] = found, self._score(np.asarray(distance))
        found_all = Candidates(videos, scores)
        return found_all.head(k) if exclude is None else found_all.without(exclude, k)

    def save(self, folder: Path, ids: Sequence[str]) -> None:
        """Write the index with the id of each row, its settings and checksums into a folder that does not exist yet.

        Not while another thread searches: Annoy gives up its memory and maps the file it wrote.
        """
        import json

        if len(ids) != self.size:
            raise ConfigError(f"ids: expected {self.size}, one a vector, found {len(ids)}")
        with atomic_folder(folder) as draft:
            if not self._forest.save(str(draft / _INDEX)):
                raise ArtifactError(f"{folder}: Annoy could not write its file")
            (draft / _IDS).write_text(json.dumps([str(name) for name in ids], ensure_ascii=False), encoding="utf-8")
            facts = {"size": self.size, "dimension": self.dimension, "metric": self.metric, "search_k": self.search_k}
            write_manifest(draft, _KIND, **facts)

    @classmethod
    def load(cls, folder: Path) -> tuple[Self, list[str]]:
        """Map a saved index into memory and return it with the ids of its rows, after checking every byte.

        Raises `ArtifactError` for anything missing, changed, truncated or foreign.

        >>> AnnoyIndex.load(Path("nowhere"))
        Traceback (most recent call last):
        mlsd_lab.errors.ArtifactError: nowhere/manifest.json: cannot be read (No such file or directory)
        """
        import json

        from annoy import AnnoyIndex as Forest

        facts: dict[str, Any] = {"size": 0, "dimension": 0, "search_k": 0, "metric": ""} | verified(folder, _KIND)
        try:
            ids = json.loads((folder / _IDS).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ArtifactError(f"{folder / _IDS}: cannot be read ({error})") from error
        size, dimension, metric, search_k = (facts[n] for n in ("size", "dimension", "metric", "search_k"))
        numbers = all(isinstance(number, int) and 0 < number <= _INT32 for number in (size, dimension, search_k))
        if not numbers or metric not in get_args(Metric):
            raise ArtifactError(f"{folder}: expected size, dimension, search_k and a metric, found {facts}")
        if not isinstance(ids, list) or len(ids) != size or not all(isinstance(name, str) for name in ids):
            raise ArtifactError(f"{folder / _IDS}: expected a list of {size} ids, found something else")
        if not _sound(folder / _INDEX, size, dimension, metric):
            raise ArtifactError(f"{folder / _INDEX}: is no {metric} index of {size} vectors of dimension {dimension}")
        forest = Forest(dimension, metric)
        try:
            forest.load(str(folder / _INDEX))
        except OSError as error:
            raise ArtifactError(f"{folder / _INDEX}: Annoy cannot map it ({error})") from error
        return cls(forest, size, dimension, metric, search_k), ids

    def _score(self, distance: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.metric == "dot":
            return distance
        return 1 - distance**2 / 2 if self.metric == "angular" else -distance


def _float32(vectors: ArrayLike) -> NDArray[np.floating]:
    array = checked_vectors(vectors, np.float32)
    longest = np.sqrt(np.einsum("ij,ij->i", array, array, dtype=np.float64).max(initial=0))
    if longest > _LONGEST:
        raise DataError(f"vectors: expected lengths up to {_LONGEST:g}, as float32 can multiply, found {longest:g}")
    return array


def _sound(file: Path, size: int, dimension: int, metric: Metric) -> bool:
    """Tell whether Annoy, which checks nothing, would stay inside this file and come to an end.

    A file is an array of nodes of 4-byte words (annoylib.h, `struct Node`): the number of descendants, links, vector.
    The first `size` nodes are vectors; a node of few descendants lists them in place of its vector, each other one
    has two children, which stand before it.
    """
    head = 3 if metric == "angular" else 4  # words before the vector
    link = 2 if metric == "euclidean" else 1  # the word at which the links begin
    try:
        words = np.memmap(file, dtype=np.int32, mode="r")
    except (OSError, ValueError):
        return False
    if len(words) % (head + dimension):
        return False
    nodes = words.reshape(-1, head + dimension)
    if len(nodes) <= size or nodes[-1, 0] != size or (nodes[:size, 0] != 1).any():
        return False
    return all(
        _sound_trees(nodes[begin : begin + 65536], begin, size, link) for begin in range(size, len(nodes), 65536)
    )


def _sound_trees(nodes: NDArray[np.int32], begin: int, size: int, link: int) -> bool:
    descendants, links = nodes[:, 0], nodes[:, link:]
    listed = descendants <= links.shape[1]
    used = np.where(listed, descendants, 2)[:, None] > np.arange(links.shape[1])
    limit = np.where(listed, size, begin + np.arange(len(nodes)))[:, None]
    return bool((descendants >= 1).all() and (~used | ((links >= 0) & (links < limit))).all())
