import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from mlsd_lab.retrieval import ByLengthIndex, ExactIndex, VectorIndex, by_length_index
from tests.retrieval.vector_index_contract import VectorIndexContract


class TestByLengthIndex(VectorIndexContract):
    def make(self, vectors: NDArray[np.floating]) -> VectorIndex:
        return ByLengthIndex(vectors)


@pytest.fixture(autouse=True)
def few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_length_index, "_FIRST", 3)  # so that small catalogues take several looks


@settings(max_examples=200, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 45), skew=st.sampled_from([0.0, 1.0, 3.0]), whole=st.booleans())
def test_it_finds_what_exact_search_finds_whatever_the_lengths(seed: int, k: int, skew: float, whole: bool) -> None:
    rng = np.random.default_rng(seed)
    vectors, queries = rng.normal(size=(40, 4)), rng.normal(size=(5, 4))
    vectors *= rng.lognormal(0, skew, size=(40, 1)) * (rng.random((40, 1)) < 0.9)  # some are nothing at all
    if whole:  # with many equal scores, computed without rounding
        vectors, queries = np.floor(vectors), np.floor(queries)
    queries[0] = 0
    exclude = csr_matrix(rng.random((5, 40)) < rng.choice([0, 0.3, 1]))
    found, truth = (make(vectors).search(queries, k, exclude) for make in (ByLengthIndex, ExactIndex))
    assert found.videos.tolist() == truth.videos.tolist()
    assert found.scores == pytest.approx(truth.scores)


def test_it_stops_where_no_shorter_vector_can_come_in(monkeypatch: pytest.MonkeyPatch) -> None:
    index = ByLengthIndex(np.append(np.ones(10), np.full(1_000, 0.01))[:, None])
    index._vectors[10:] = np.nan  # whoever looks at one of these finds no order
    monkeypatch.setattr(by_length_index, "_FIRST", 5)
    assert index.search(np.array([[2.0]]), 5).scores.tolist() == [[2.0] * 5]


@pytest.mark.parametrize("size", [1e-170, 1e-100, 1.0, 1e100])
def test_what_is_too_small_to_be_squared_still_has_a_length(size: float) -> None:
    vectors = np.array([[0.0, 3.0]] * 10 + [[size, 0.0]])
    assert ByLengthIndex(vectors).search(np.array([[1 / size, 0.0]]), 1).videos.tolist() == [[10]]


def test_float32_stays_float32_and_finds_the_same() -> None:
    rng = np.random.default_rng(0)
    vectors, queries = rng.normal(size=(500, 8)).astype(np.float32), rng.normal(size=(20, 8))
    small, large = ByLengthIndex(vectors), ByLengthIndex(vectors.astype(np.float64))
    assert small.nbytes < large.nbytes
    assert (small.search(queries, 10).videos == large.search(queries, 10).videos).mean() > 0.99
    assert ExactIndex(vectors).search(queries, 10).videos.tolist() == small.search(queries, 10).videos.tolist()
