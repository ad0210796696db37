import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.evaluation import Candidates
from mlsd_lab.retrieval import AnnoyIndex, ExactIndex, FilteredIndex, VectorIndex, WithNew
from tests.retrieval.vector_index_contract import QUERIES, VECTORS, VectorIndexContract


class TestWithNew(VectorIndexContract):
    def make(self, vectors: NDArray[np.floating]) -> VectorIndex:
        old = max(1, len(vectors) * 3 // 4)
        return WithNew(AnnoyIndex.build(vectors[:old], trees=20, search_k=100_000), vectors[old:])


def test_a_new_video_is_found_by_the_next_search_and_not_by_those_who_hold_the_old_one() -> None:
    index = WithNew(AnnoyIndex.build(VECTORS), np.empty((0, 6)))
    newer = index.adding(10 * QUERIES[:1])
    assert newer.search(QUERIES[:1], 1).videos.tolist() == [[200]]
    assert index.search(QUERIES[:1], 1).videos.tolist() == ExactIndex(VECTORS).search(QUERIES[:1], 1).videos.tolist()


def test_many_additions_are_one_index_of_all() -> None:
    index = WithNew(ExactIndex(VECTORS[:100]), VECTORS[100:120])
    for begin in range(120, 200, 20):
        index = index.adding(VECTORS[begin : begin + 20])
    exclude = csr_matrix(np.random.default_rng(0).random((15, 200)) < 0.3)
    whole = ExactIndex(VECTORS).search(QUERIES, 30, exclude)
    found = index.search(QUERIES, 30, exclude)
    assert found.videos.tolist() == whole.videos.tolist()
    assert found.scores == pytest.approx(whole.scores)


def test_filters_hold_for_what_is_new_too() -> None:
    index = WithNew(AnnoyIndex.build(VECTORS[:150]), VECTORS[150:])
    filtered = FilteredIndex(index, VECTORS, np.arange(200) >= 140)
    found = filtered.search(QUERIES, 60)
    assert (np.sort(found.videos, axis=1) == np.arange(140, 200)).all()


class Huge:
    """An index of as many videos as there are codes in int32."""

    dimension, size, nbytes = 6, 2**31 - 1, 1

    def search(self, queries: NDArray[np.floating], k: int, exclude: csr_matrix | None = None) -> Candidates:  # noqa: ARG002
        return Candidates(np.zeros((len(queries), 1), dtype=np.int32), np.zeros((len(queries), 1)))


def test_a_new_video_beyond_int32_is_refused_and_gets_nobody_s_code() -> None:
    with pytest.raises(ConfigError, match="expected codes within int32"):
        WithNew(Huge(), [np.zeros(6), 10 * QUERIES[0]]).search(QUERIES[:1], 2)


def test_vectors_of_another_dimension_and_an_index_that_scores_otherwise_are_refused() -> None:
    with pytest.raises(ConfigError, match="vectors: expected dimension 6, as the index has, found 5"):
        WithNew(AnnoyIndex.build(VECTORS), VECTORS[:, :5])
    with pytest.raises(ConfigError, match="vectors: expected dimension 6, as the index has, found 5"):
        WithNew(AnnoyIndex.build(VECTORS), VECTORS).adding(VECTORS[:, :5])
    with pytest.raises(ConfigError, match="scores by inner product"):
        WithNew(AnnoyIndex.build(VECTORS, "angular"), VECTORS)
    with pytest.raises(DataError, match="expected finite numbers"):
        WithNew(AnnoyIndex.build(VECTORS), VECTORS).adding([[np.nan] * 6])
