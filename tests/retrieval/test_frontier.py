import json
from functools import partial
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import Candidates
from mlsd_lab.retrieval import AnnoyIndex, ExactIndex, Frontier, SearchBudget, Way, choose, frontier, usual_ways

RNG = np.random.default_rng(0)
VECTORS, QUERIES = RNG.normal(size=(2_000, 16)), RNG.normal(size=(40, 16))
ANNOY = Way("annoy", partial(AnnoyIndex.build, trees=10), efforts=(50, 500, 50_000))


@pytest.fixture(scope="module")
def found() -> Frontier:
    return frontier(VECTORS, QUERIES, k=10, ways=(ANNOY,))


def test_exact_search_comes_first_and_loses_nothing(found: Frontier) -> None:
    exact = found.points[0]
    assert (exact.label, exact.recall.value, exact.megabytes) == ("exact", 1.0, 2_000 * 16 * 4 / 1e6)


def test_recall_is_the_share_of_exact_search_s_list_that_a_plain_loop_counts(found: Frontier) -> None:
    truth = ExactIndex(VECTORS).search(QUERIES, 10).videos
    for point in found.points[1:]:
        assert point.effort is not None
        lists = AnnoyIndex.build(VECTORS, trees=10, search_k=point.effort).search(QUERIES, 10).videos
        shares = [len(set(t) & set(f)) / 10 for t, f in zip(truth.tolist(), lists.tolist(), strict=True)]
        assert point.recall.value == pytest.approx(np.mean(shares))
        assert point.recall.low <= point.recall.value <= point.recall.high


def test_more_effort_finds_more_in_the_same_memory(found: Frontier) -> None:
    _, *annoy = found.points
    recalls = [point.recall.value for point in annoy]
    assert recalls[0] < recalls[1] < recalls[2] == 1.0
    assert len({(point.megabytes, point.build_seconds) for point in annoy}) == 1
    assert annoy[0].megabytes > 2_000 * 16 * 4 / 1e6


def test_what_was_kept_as_json_is_the_same_frontier_again(found: Frontier) -> None:
    kept = pd.DataFrame(json.loads(found.to_frame().to_json(orient="records", double_precision=15)))
    again = Frontier.from_frame(kept, found.size, found.dimension, found.k)
    assert [point.label for point in again.points] == [point.label for point in found.points]
    assert again.to_frame()["recall"].tolist() == pytest.approx(found.to_frame()["recall"].tolist())
    assert choose(again, SearchBudget(recall=0.9)).point == again.points[0]


class Half:
    """Finds every other video of exact search's list and fills up with nothing."""

    dimension, size, nbytes = 16, 2_000, 1

    def search(self, queries: np.ndarray, k: int, exclude: csr_matrix | None = None) -> Candidates:
        whole = ExactIndex(VECTORS).search(queries, k, exclude)
        return whole.kept(np.arange(whole.videos.shape[1])[None] % 2 == np.zeros((len(queries), 1)), k)


def test_an_index_that_finds_half_has_a_recall_of_a_half() -> None:
    _, half = frontier(VECTORS, QUERIES, k=10, ways=(Way("half", lambda _: Half()),)).points
    assert (half.recall.value, half.recall.low, half.recall.high) == (0.5, 0.5, 0.5)


def test_a_way_that_is_called_exact_is_measured_too() -> None:
    _, worst = frontier(VECTORS, QUERIES, k=10, ways=(Way("exact", lambda vectors: ExactIndex(-vectors)),)).points
    assert worst.recall.value == 0


def test_a_list_longer_than_the_catalogue_is_judged_by_the_catalogue() -> None:
    small = frontier(VECTORS[:30], QUERIES, k=100, ways=(Way("annoy", AnnoyIndex.build),))
    assert [point.recall.value for point in small.points] == [1.0, 1.0]


def test_it_is_a_table_and_a_plot(found: Frontier) -> None:
    table = found.to_frame()
    assert table["name"].tolist() == ["exact"] + ["annoy"] * 3
    assert (table[["milliseconds", "p99_milliseconds"]] > 0).all().all()
    assert (table["milliseconds"] <= table["p99_milliseconds"]).all()
    ax = found.plot()
    assert ax.get_legend_handles_labels()[1] == ["exact", "annoy"]


def test_the_usual_ways_have_the_graph_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [way.name for way in usual_ways(trees=[20], metrics=["dot"])]
    assert names[:2] == ["exact by length", "annoy dot, 20 trees"]
    monkeypatch.setattr(import_module("mlsd_lab.retrieval.frontier"), "find_spec", lambda _: None)
    assert [way.name for way in usual_ways(trees=[20], metrics=["dot"])] == names[:2]


@pytest.mark.parametrize(("vectors", "queries"), [(np.empty((0, 16)), QUERIES), (VECTORS, np.empty((0, 16)))])
def test_without_vectors_or_queries_there_is_nothing_to_measure(vectors: np.ndarray, queries: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="expected 1 or more vectors and queries"):
        frontier(vectors, queries)


def test_queries_of_another_dimension_are_refused() -> None:
    with pytest.raises(ConfigError, match="expected vectors of dimension 16, as the index has, found 5"):
        frontier(VECTORS, QUERIES[:, :5])
