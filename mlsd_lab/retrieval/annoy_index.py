"""Approximate search with Annoy: a forest of random splits in a file that processes share by mapping it."""

import copy
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlsd_lab.artifacts import atomic_folder, verified, write_manifest
from mlsd_lab.errors import ArtifactError, ConfigError, DataError, StorageError
from mlsd_lab.evaluation import NOBODY, Candidates
from mlsd_lab.retrieval.annoy_file import is_sound
from mlsd_lab.retrieval.by_blocks import by_blocks
from mlsd_lab.retrieval.shared_forest import SharedForest
from mlsd_lab.retrieval.vector_index import checked_exclude, checked_queries, checked_vectors

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Metric = Literal["dot", "augmented", "angular", "euclidean"]
_KIND, _INDEX, _IDS = "annoy-index/1", "index.ann", "ids.json"
_INT32 = 2**31 - 1
_TREES = 10_000  # more than anybody needs, and few enough for Annoy's int32 ids of nodes
_ROWS = 100_000  # made into Python lists at a time
_QUERIES = 250  # asked by one thread
_LONGEST = 1e18  # a vector's length, so that inner products stay finite in float32
_WIDEST = 100_000  # a vector's dimension: Annoy copies one to the stack, and ends the process where it does not fit


class AnnoyIndex:
    """A finished Annoy index (Bernhardsson, github.com/spotify/annoy), made by `build` or `load`, never changed after.

    `metric` is how it scores: `dot` and `augmented` the inner product, `angular` the cosine, `euclidean` minus the
    distance. `augmented` gives each vector one coordinate more, so that all are of one length; the nearest by angle are
    then those of highest inner product (Bachrach et al. 2014). More `trees` cost memory, more `search_k` (nodes looked
    at a query) costs time; more of both finds more, more trees alone need not. Vectors are float32. Annoy ends the
    process on misuse; here that is an error. One seed gives one file, on any number of cores.

    >>> index = AnnoyIndex.build([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]], metric="dot", trees=5)
    >>> index.search(np.array([[1.0, 0.5]]), k=2).videos.tolist()
    [[2, 0]]
    """

    def __init__(
        self, forest: Any, size: int, dimension: int, metric: Metric, search_k: int, length: float = 1.0
    ) -> None:
        self._forest, self._length = SharedForest(forest), length
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
        if len(array) == 0 or not 1 <= trees <= _TREES:
            raise ConfigError(f"expected 1 or more vectors and 1 to {_TREES:,} trees, found {len(array)} and {trees}")
        search_k = _checked_nodes(100 * trees if search_k is None else search_k)
        if not 0 <= seed < _INT32:
            raise ConfigError(f"seed: expected 0 to {_INT32 - 1}, found {seed}")
        size, dimension = array.shape
        if size > _INT32:
            raise ConfigError(f"vectors: expected at most {_INT32:,}, since Annoy's ids are int32, found {size:,}")
        if dimension > _WIDEST:
            raise ConfigError(f"vectors: expected dimension up to {_WIDEST:,}, found {dimension:,}; a row is a video")
        length = 1.0
        if metric == "augmented":
            array, length = _augmented(array)
        forest = Forest(*_stored(dimension, metric))
        forest.set_seed(seed + 1)  # Annoy takes 0 for its default seed
        for begin in range(0, size, _ROWS):
            for row, vector in enumerate(array[begin : begin + _ROWS].tolist(), begin):
                forest.add_item(row, vector)
        forest.build(trees, n_jobs=1)  # with two jobs the bytes differ from run to run
        return cls(forest, size, dimension, metric, search_k, length)

    def searched_with(self, search_k: int) -> "AnnoyIndex":
        """Return this index with another number of nodes to look at a query; the forest is the same."""
        other = copy.copy(self)
        other.search_k = _checked_nodes(search_k)
        return other

    @cached_property
    def nbytes(self) -> int:
        """Bytes of the index as its file has them: it is written to be weighed, and stays mapped when removed."""
        from tempfile import TemporaryDirectory

        with TemporaryDirectory() as folder:
            file = Path(folder, _INDEX)
            try:
                self._forest.save(file)
            except OSError as error:
                raise StorageError(f"cannot write {file}, to weigh the index: {error}. Free the place.") from error
            return file.stat().st_size

    def search(self, queries: NDArray[np.floating], k: int, exclude: "csr_matrix | None" = None) -> Candidates:
        """Return about k videos a query, best first, without the entries of its row of `exclude`.

        As many more are fetched as are excluded, so that a row comes up short only where the search finds no more.
        """
        queries = _float32(checked_queries(queries, k, self.dimension))
        exclude = None if exclude is None else checked_exclude(exclude, len(queries), self.size)
        lengths = np.sqrt(_squares(queries))
        if self.metric == "augmented":
            queries = np.pad(queries / np.where(lengths > 0, lengths, 1)[:, None], ((0, 0), (0, 1)))
        scale = lengths * self._length
        excluded = np.zeros(len(queries), dtype=int) if exclude is None else np.diff(exclude.indptr)
        fetch = np.minimum(self.size, k + excluded)

        def work(rows: slice) -> Candidates:
            width = int(fetch[rows].max(initial=min(k, self.size)))
            found = self._found(queries[rows], fetch[rows], width, scale[rows])
            return found.head(k) if exclude is None else found.without(exclude[rows], k)

        return by_blocks(len(queries), _QUERIES, work)

    def _found(
        self, queries: NDArray[np.floating], fetch: NDArray[np.int64], width: int, scale: NDArray[np.float64]
    ) -> Candidates:
        """Ask for each query as many as are to be fetched; the rest of the width is left empty."""
        videos = np.full((len(queries), width), NOBODY, dtype=np.int32)
        scores = np.full((len(queries), width), -np.inf)
        with self._forest.searched() as forest:
            for row, (query, most) in enumerate(zip(queries.tolist(), fetch.tolist(), strict=True)):
                found, distance = forest.get_nns_by_vector(query, most, max(self.search_k, most), True)
                videos[row, : len(found)] = found
                scores[row, : len(found)] = self._score(np.asarray(distance), scale[row])
        return Candidates(videos, scores)

    def save(self, folder: Path, ids: Sequence[str]) -> None:
        """Write the index with the id of each row, its settings and checksums into a folder that does not exist yet.

        Annoy gives up its memory then and maps the file it wrote; who searches meanwhile waits.
        """
        import json

        if len(ids) != self.size:
            raise ConfigError(f"ids: expected {self.size}, one a vector, found {len(ids)}")
        with atomic_folder(folder) as draft:
            self._forest.save(draft / _INDEX)
            (draft / _IDS).write_text(json.dumps([str(name) for name in ids], ensure_ascii=False), encoding="utf-8")
            facts = {"size": self.size, "dimension": self.dimension, "metric": self.metric, "search_k": self.search_k}
            write_manifest(draft, _KIND, **facts, length=self._length)

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

        facts: dict[str, Any] = {"size": 0, "dimension": 0, "search_k": 0, "metric": "", "length": 1.0} | verified(
            folder, _KIND
        )
        try:
            ids = json.loads((folder / _IDS).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise ArtifactError(f"{folder / _IDS}: cannot be read ({error})") from error
        names = ("size", "dimension", "metric", "search_k", "length")
        size, dimension, metric, search_k, length = (facts[name] for name in names)
        limits = ((size, _INT32), (dimension, _WIDEST), (search_k, _INT32))
        numbers = all(isinstance(number, int) and 0 < number <= most for number, most in limits)
        if not numbers or metric not in get_args(Metric) or not (isinstance(length, float) and 0 < length <= _LONGEST):
            raise ArtifactError(f"{folder}: expected size, dimension, search_k, a metric and a length, found {facts}")
        if not isinstance(ids, list) or len(ids) != size or not all(isinstance(name, str) for name in ids):
            raise ArtifactError(f"{folder / _IDS}: expected a list of {size} ids, found something else")
        if not is_sound(folder / _INDEX, size, *_stored(dimension, metric)):
            raise ArtifactError(f"{folder / _INDEX}: is no {metric} index of {size} vectors of dimension {dimension}")
        forest = Forest(*_stored(dimension, metric))
        try:
            forest.load(str(folder / _INDEX))
        except OSError as error:
            raise ArtifactError(f"{folder / _INDEX}: Annoy cannot map it ({error})") from error
        return cls(forest, size, dimension, metric, search_k, length), ids

    def _score(self, distance: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
        if self.metric == "dot":
            return distance
        if self.metric == "euclidean":
            return -distance
        cosine = 1 - distance**2 / 2
        return cosine if self.metric == "angular" else cosine * scale


def _checked_nodes(search_k: int) -> int:
    if not 1 <= search_k <= _INT32:
        raise ConfigError(f"search_k: expected 1 to {_INT32:,} nodes, found {search_k:,}")
    return search_k


def _stored(dimension: int, metric: Metric) -> tuple[int, Literal["dot", "angular", "euclidean"]]:
    """Return the dimension and the metric by which Annoy knows an index."""
    return (dimension + 1, "angular") if metric == "augmented" else (dimension, metric)


def _augmented(array: NDArray[np.floating]) -> tuple[NDArray[np.floating], float]:
    """Give each vector one coordinate more, so that all are of length one; return also by what they were divided."""
    longest = float(max(np.sqrt(_squares(array).max()), np.finfo(np.float32).tiny))
    array = array / longest
    rest = np.sqrt(np.maximum(1 - _squares(array), 0))
    return np.column_stack([array, rest.astype(array.dtype)]), longest


def _squares(array: NDArray[np.floating]) -> NDArray[np.float64]:
    squares: NDArray[np.float64] = np.einsum("ij,ij->i", array, array, dtype=np.float64)
    return squares


def _float32(vectors: ArrayLike) -> NDArray[np.floating]:
    array = checked_vectors(vectors, np.float32)
    longest = float(np.sqrt(_squares(array).max(initial=0)))
    if longest > _LONGEST:
        raise DataError(f"vectors: expected lengths up to {_LONGEST:g}, as float32 can multiply, found {longest:g}")
    return array
