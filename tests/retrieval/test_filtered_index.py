import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import NOBODY, Candidates
from mlsd_lab.retrieval import ALS, AnnoyIndex, ExactIndex, FilteredIndex, VectorIndex, filtered_index
from tests.retrieval.retriever_contract import NEWCOMER, USERS, RetrieverContract, a_log, lists
from tests.retrieval.vector_index_contract import QUERIES, VECTORS, VectorIndexContract

POOR = AnnoyIndex.build(VECTORS, trees=1, search_k=1)  # finds little, so that the guarantee has something to do
GOOD = AnnoyIndex.build(VECTORS, trees=20, search_k=100_000)


class TestFilteredIndex(VectorIndexContract):
    def make(self, vectors: NDArray[np.floating]) -> VectorIndex:
        return FilteredIndex(AnnoyIndex.build(vectors, trees=20, search_k=100_000), vectors)


class TestALSBehindFilters(RetrieverContract):
    def make(self) -> ALS:
        return ALS(4, 0.1, index=lambda v: FilteredIndex(AnnoyIndex.build(v), v))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    allowed_share=st.sampled_from([0.0, 0.01, 0.1, 0.5, 0.9, 1.0]),
    seen_share=st.sampled_from([0.0, 0.05, 0.5, 0.99, 1.0]),
    k=st.integers(1, 250),
    index=st.sampled_from([POOR, GOOD]),
)
def test_every_query_gets_k_that_pass_or_all_that_do(
    seed: int, allowed_share: float, seen_share: float, k: int, index: AnnoyIndex
) -> None:
    rng = np.random.default_rng(seed)
    allowed = rng.random(200) < allowed_share
    seen = rng.random((15, 200)) < seen_share * rng.random((15, 1))
    found = FilteredIndex(index, VECTORS, allowed).search(QUERIES, k, csr_matrix(seen))
    for row, videos in enumerate(lists(found)):
        passing = set(np.flatnonzero(allowed & ~seen[row]).tolist())
        assert len(videos) == len(set(videos)) == min(k, len(passing))
        assert set(videos) <= passing
        scores = found.scores[row][: len(videos)]
        assert scores == pytest.approx(VECTORS[videos] @ QUERIES[row], abs=1e-5)
        assert (np.diff(scores) <= 1e-9).all()


def test_rows_that_fall_back_are_those_of_exact_search() -> None:
    allowed = np.arange(200) < 9  # far fewer than a poor search meets
    found = FilteredIndex(POOR, VECTORS, allowed).search(QUERIES, 5)
    assert found.videos.tolist() == ExactIndex(VECTORS[:9]).search(QUERIES, 5).videos.tolist()


def test_a_filter_that_leaves_nothing_gives_empty_rows() -> None:
    found = FilteredIndex(GOOD, VECTORS, np.zeros(200, dtype=bool)).search(QUERIES, 5)
    assert found.videos.shape == (15, 5)
    assert (found.videos == NOBODY).all()
    assert np.isneginf(found.scores).all()


def test_a_good_index_is_not_searched_exactly_while_it_finds_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("exact search")

    filtered = FilteredIndex(GOOD, VECTORS, np.arange(200) % 10 != 0)
    monkeypatch.setattr(FilteredIndex, "_looked_at", refuse)
    assert (filtered.search(QUERIES, 10).videos != NOBODY).all()


def test_a_model_keeps_out_what_is_blocked_for_everybody() -> None:
    log = a_log()
    als = ALS(factors=4, regularization=0.1).fit(log)
    allowed = np.arange(61) % 3 == 0
    here = als.searched_by(FilteredIndex(AnnoyIndex.build(als.video_factors_), als.video_factors_, allowed))
    found = here.retrieve(np.arange(USERS), 15, log.matrix())
    assert (found.videos % 3 == 0)[found.videos != NOBODY].all()
    assert ((found.videos != NOBODY).sum(axis=1) == 15).mean() > 0.5
    assert lists(here.retrieve(np.array([NEWCOMER]), 3)) == [[]]


@pytest.mark.parametrize("allowed", [np.ones(199, dtype=bool), np.ones(200), np.ones((1, 200), dtype=bool)])
def test_flags_of_another_shape_or_kind_are_refused(allowed: NDArray[np.bool_]) -> None:
    with pytest.raises(ConfigError, match="allowed: expected 200 flags, one a video, found"):
        FilteredIndex(GOOD, VECTORS, allowed)


def test_vectors_of_another_shape_and_an_index_that_scores_otherwise_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"vectors: expected shape \(200, 6\), as the index has, found \(199, 6\)"):
        FilteredIndex(GOOD, VECTORS[:199])
    with pytest.raises(ConfigError, match="scores by inner product"):
        FilteredIndex(AnnoyIndex.build(VECTORS, "angular"), VECTORS)


def test_what_is_excluded_twice_takes_one_place_of_what_is_left() -> None:
    repeated = csr_matrix((np.ones(400), np.repeat(np.arange(100), 4), [0, 400]), shape=(1, 200))
    found = FilteredIndex(GOOD, VECTORS).search(QUERIES[:1], 100, repeated)
    assert sorted(found.videos[0].tolist()) == list(range(100, 200))


def test_an_empty_catalogue_gives_empty_lists() -> None:
    nothing = np.empty((0, 6))
    assert FilteredIndex(ExactIndex(nothing), nothing).search(QUERIES, 3).videos.shape == (15, 0)


class Counting:
    """An index that remembers how many candidates it was asked for at once."""

    def __init__(self, index: AnnoyIndex) -> None:
        self.index, self.size, self.dimension, self.nbytes = index, index.size, index.dimension, index.nbytes
        self.asked: list[int] = []

    def search(self, queries: NDArray[np.floating], k: int, exclude: csr_matrix | None = None) -> Candidates:
        most = 0 if exclude is None else int(np.diff(exclude.indptr).max(initial=0))
        self.asked.append(len(queries) * (k + most))  # as an index may fetch that knows no blocks
        return self.index.search(queries, k, exclude)


def test_however_many_ask_a_bounded_number_of_candidates_is_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed, many = np.arange(200) % 8 == 0, np.tile(QUERIES, (20, 1))
    seen = csr_matrix(np.outer(np.arange(300) == 7, np.arange(200) < 9))
    whole = FilteredIndex(GOOD, VECTORS, allowed).search(many, 5, seen)
    monkeypatch.setattr(filtered_index, "_AT_ONCE", 1_000)
    counting = Counting(GOOD)
    found = FilteredIndex(counting, VECTORS, allowed).search(many, 5, seen)
    assert found.videos.tolist() == whole.videos.tolist()
    assert max(counting.asked) <= 1_000


def test_what_one_person_has_seen_does_not_change_another_s_list() -> None:
    exclude = csr_matrix(np.vstack([np.arange(200) < 40, np.zeros(200)]))
    filtered = FilteredIndex(POOR, VECTORS, np.arange(200) % 2 == 0)
    for k in (1, 2, 3, 5, 8):
        together = filtered.search(QUERIES[:2], k, exclude).videos[1]
        assert together.tolist() == filtered.search(QUERIES[1:2], k, exclude[1:]).videos[0].tolist()
