"""What recall costs: each way to search the same vectors, measured in the same run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import Candidates, Estimate, estimate, mean_of
from mlsd_lab.evaluation.candidates import members
from mlsd_lab.plotting import plain_log
from mlsd_lab.retrieval.annoy_index import AnnoyIndex, Metric
from mlsd_lab.retrieval.by_length_index import ByLengthIndex
from mlsd_lab.retrieval.exact_index import ExactIndex
from mlsd_lab.retrieval.hnsw_index import HNSWIndex
from mlsd_lab.retrieval.vector_index import VectorIndex, checked_queries, checked_vectors

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

EXACT = "exact"
_COSTS = ("milliseconds", "p99_milliseconds", "megabytes", "build_seconds")


@dataclass(frozen=True)
class Way:
    """One way to build an index, and how hard to search it: `index.searched_with(effort)` for each effort.

    >>> Way("annoy, 5 trees", partial(AnnoyIndex.build, trees=5), efforts=(100, 1000)).efforts
    (100, 1000)
    """

    name: str
    build: Callable[[NDArray[np.floating]], Any]
    efforts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Point:
    """One setting, measured.

    >>> Point("exact", None, Estimate(1.0, 1.0, 1.0), 2.0, 3.0, 5.12, 0.0).label
    'exact'
    """

    name: str
    effort: int | None
    recall: Estimate
    """Share of exact search's first k, with an interval over queries."""
    milliseconds: float
    """Of the median query, asked alone."""
    p99_milliseconds: float
    megabytes: float
    build_seconds: float

    @property
    def label(self) -> str:
        """The name and, where it has one, the effort."""
        return self.name if self.effort is None else f"{self.name}, {self.effort:,}"


@dataclass(frozen=True)
class Frontier:
    """All points of one catalogue of `size` vectors of `dimension`, for lists of `k`.

    >>> rng = np.random.default_rng(0)
    >>> ways = (Way("annoy", partial(AnnoyIndex.build, trees=5), efforts=(50, 5000)),)
    >>> found = frontier(rng.normal(size=(500, 8)), rng.normal(size=(20, 8)), k=10, ways=ways)
    >>> [point.label for point in found.points]
    ['exact', 'annoy, 50', 'annoy, 5,000']
    """

    points: tuple[Point, ...]
    size: int
    dimension: int
    k: int

    def to_frame(self) -> "pd.DataFrame":
        """Return a row a point."""
        import pandas as pd

        rows = [
            {
                **{name: getattr(point, name) for name in ("name", "effort")},
                **{"recall": point.recall.value, "low": point.recall.low, "high": point.recall.high},
                **{name: getattr(point, name) for name in _COSTS},
            }
            for point in self.points
        ]
        return pd.DataFrame(rows)

    @classmethod
    def from_frame(cls, frame: "pd.DataFrame", size: int, dimension: int, k: int) -> "Frontier":
        """Return the frontier that `to_frame` made this of, as it was measured and kept elsewhere.

        >>> exact = Frontier((Point("exact", None, Estimate(1.0, 1.0, 1.0), 2.0, 3.0, 5.12, 0.0),), 10_000, 64, 100)
        >>> Frontier.from_frame(exact.to_frame(), 10_000, 64, 100) == exact
        True
        """
        import pandas as pd

        points = [
            Point(
                row["name"],
                None if pd.isna(row["effort"]) else int(row["effort"]),
                Estimate(row["recall"], row["low"], row["high"]),
                *(row[name] for name in _COSTS),
            )
            for row in frame.to_dict("records")
        ]
        return cls(tuple(points), size, dimension, k)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw recall by milliseconds a query, a line a way, with 95 % intervals."""
        if ax is None:
            from matplotlib.figure import Figure

            ax = Figure().add_subplot()
        for at, name in enumerate(dict.fromkeys(point.name for point in self.points)):
            points = [point for point in self.points if point.name == name]
            recall = [point.recall for point in points]
            error = [[r.value - r.low for r in recall], [r.high - r.value for r in recall]]
            spent, format_ = [point.milliseconds for point in points], "osv^D"[at % 5] + ("-", "--", "-.", ":")[at % 4]
            ax.errorbar(spent, [r.value for r in recall], np.maximum(error, 0), fmt=format_, label=name, capsize=2)
        plain_log(ax.xaxis)
        ax.set_xlabel("milliseconds a query (median)")
        ax.set_ylabel(f"share of exact's first {self.k}")
        ax.legend(title=f"{self.size:,} × {self.dimension}")
        return ax


def frontier(
    vectors: NDArray[np.floating],
    queries: NDArray[np.floating],
    k: int = 100,
    ways: Sequence[Way] | None = None,
    seed: int = 0,
) -> Frontier:
    """Measure exact search and each way, at each effort, on the same queries, one query at a time.

    `queries` must be ones that an index will meet: users' vectors, not noise. Without `ways` it measures `usual_ways`.
    Every way gets the vectors in float32, which Annoy and HNSW make of them anyway.

    >>> points = frontier(np.eye(3), np.eye(3), k=1, ways=(Way("annoy", AnnoyIndex.build),)).points
    >>> [point.recall.value for point in points]
    [1.0, 1.0]
    """
    vectors = checked_vectors(vectors, np.float32)
    queries = checked_queries(queries, k, vectors.shape[1])
    if len(vectors) == 0 or len(queries) == 0:
        raise ConfigError(f"expected 1 or more vectors and queries, found {len(vectors)} and {len(queries)}")
    ways = usual_ways(seed=seed) if ways is None else ways
    points, truth = list[Point](), Candidates(np.empty((0, 0), dtype=np.int32), np.empty((0, 0)))
    for way in (Way(EXACT, ExactIndex), *ways):
        began = perf_counter()
        built = way.build(vectors)
        seconds = perf_counter() - began
        for effort in way.efforts or (None,):
            index = built if effort is None else built.searched_with(effort)
            found, milliseconds = _asked(index, queries, k)
            truth = truth if points else found  # exact search came first
            kept = members(truth.videos, found.matrix(len(vectors))).sum(axis=1) / truth.videos.shape[1]
            recall = estimate(mean_of(kept), len(queries), seed=seed)
            spent = (float(np.median(milliseconds)), float(np.percentile(milliseconds, 99)))
            points.append(Point(way.name, effort, recall, *spent, index.nbytes / 1e6, seconds))
    return Frontier(tuple(points), len(vectors), vectors.shape[1], k)


def usual_ways(
    trees: Sequence[int] = (10, 20, 50),
    metrics: Sequence[Metric] = ("dot", "augmented"),
    nodes: Sequence[int] = (1_000, 5_000, 20_000, 80_000),
    links: Sequence[int] = (16,),
    ef: Sequence[int] = (100, 200, 400, 800),
    seed: int = 0,
) -> tuple[Way, ...]:
    """Return exact search by length, Annoy by trees, metric and nodes a query, and HNSW by links and ef.

    HNSW only where the extra `hnsw` is installed.

    >>> [way.name for way in usual_ways(trees=[20], links=[])]
    ['exact by length', 'annoy dot, 20 trees', 'annoy augmented, 20 trees']
    """
    annoy = [
        Way(
            f"annoy {metric}, {each} trees",
            partial(AnnoyIndex.build, metric=metric, trees=each, seed=seed),
            tuple(nodes),
        )
        for each in trees
        for metric in metrics
    ]
    graphs = links if find_spec("faiss") else ()
    graph = [Way(f"hnsw, {each} links", partial(HNSWIndex.build, links=each), tuple(ef)) for each in graphs]
    return (Way("exact by length", ByLengthIndex), *annoy, *graph)


def _asked(index: VectorIndex, queries: NDArray[np.floating], k: int) -> tuple[Candidates, NDArray[np.float64]]:
    """Ask the queries one by one, the first few once before; return what was found and each one's milliseconds."""
    index.search(queries[:3], k)
    width = min(k, index.size)
    videos, spent = np.full((len(queries), width), -1, dtype=np.int32), np.empty(len(queries))
    for row in range(len(queries)):
        began = perf_counter()
        found = index.search(queries[row : row + 1], k)
        spent[row] = 1000 * (perf_counter() - began)
        videos[row, : found.videos.shape[1]] = found.videos[0]
    return Candidates(videos, np.zeros(videos.shape)), spent
