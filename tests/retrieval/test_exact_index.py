import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from mlsd_lab.evaluation import NOBODY
from mlsd_lab.retrieval import ExactIndex, VectorIndex, exact_index
from tests.retrieval.vector_index_contract import QUERIES, VECTORS, VectorIndexContract


class TestExactIndex(VectorIndexContract):
    def make(self, vectors: NDArray[np.floating]) -> VectorIndex:
        return ExactIndex(vectors)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    scores=st.lists(st.lists(st.integers(-2, 2), min_size=8, max_size=8), min_size=1, max_size=4),
    excluded=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 7)), max_size=12),
    k=st.integers(1, 10),
)
def test_equal_scores_go_by_video_code_even_where_the_list_is_cut(
    scores: list[list[int]], excluded: list[tuple[int, int]], k: int
) -> None:
    queries = np.array(scores, dtype=np.float64)  # against unit vectors a query's entries are its scores
    out = np.zeros(queries.shape)
    for row, video in excluded:
        out[row % len(out), video] = 1
    found = ExactIndex(np.eye(8)).search(queries, k, csr_matrix(out))
    for row, query in enumerate(scores):
        left = [video for video in range(8) if not out[row, video]]
        best = sorted(left, key=lambda video: (-query[video], video))[:k]
        assert [v for v in found.videos[row].tolist() if v != NOBODY] == best


def test_blocks_of_queries_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    exclude = csr_matrix(np.random.default_rng(2).random((15, 200)) < 0.1)
    whole = ExactIndex(VECTORS).search(QUERIES, 10, exclude)
    monkeypatch.setattr(exact_index, "_BLOCK_BYTES", 4 * 8 * 200)  # four queries at a time: 15 leave a rest of three
    parts = ExactIndex(VECTORS).search(QUERIES, 10, exclude)
    assert parts.videos.tolist() == whole.videos.tolist()
    assert parts.scores == pytest.approx(whole.scores)


def test_an_index_without_vectors_finds_nothing() -> None:
    assert ExactIndex(np.empty((0, 6))).search(QUERIES, 5).videos.shape == (15, 0)


def test_an_excluded_entry_that_is_stored_as_zero_is_excluded_all_the_same() -> None:
    stored_zero = csr_matrix((np.array([0.0]), np.array([1]), np.array([0, 1])), shape=(1, 3))
    found = ExactIndex(np.eye(3)).search(np.array([[1.0, 3.0, 2.0]]), 3, stored_zero)
    assert found.videos.tolist() == [[2, 0, NOBODY]]
