import numpy as np
import pytest
from scipy.sparse import csr_matrix

from mlsd_lab.evaluation import NOBODY, Popular
from mlsd_lab.retrieval import ALS, AnnoyIndex, Backfill, Retriever
from tests.retrieval.retriever_contract import NEWCOMER, USERS, VIDEOS, RetrieverContract, a_log, lists


class TestBackfill(RetrieverContract):
    def make(self) -> Retriever:
        return Backfill(ALS(factors=4, regularization=0.1), Popular())


def a_short_search() -> Retriever:
    """ALS whose Annoy looks at few nodes, of which many are the same video in another tree."""
    return ALS(factors=2, regularization=0.1, index=lambda v: AnnoyIndex.build(v, trees=20, search_k=1))


def test_a_user_without_history_gets_the_popular_list() -> None:
    log = a_log()
    found = Backfill(ALS(factors=4), Popular()).fit(log).retrieve(np.array([NEWCOMER]), k=10)
    assert found.videos.tolist() == Popular().fit(log).retrieve(np.array([NEWCOMER]), k=10).videos.tolist()


def test_a_full_row_is_left_as_the_first_source_gave_it() -> None:
    log = a_log()
    als = ALS(factors=4, regularization=0.1).fit(log)
    users = np.arange(USERS)
    alone, filled = als.retrieve(users, k=10), Backfill(als, Popular().fit(log)).retrieve(users, k=10)
    assert filled.videos.tolist() == alone.videos.tolist()
    assert filled.scores.tolist() == alone.scores.tolist()


def test_a_short_row_keeps_its_own_and_goes_on_with_the_other_source_without_repeating() -> None:
    log = a_log()
    short = a_short_search().fit(log)
    popular = Popular().fit(log)
    users = np.arange(USERS + 1)
    first, then = lists(short.retrieve(users, 50)), lists(popular.retrieve(users, 50))
    filled = Backfill(short, popular).retrieve(users, 50)
    assert any(0 < len(row) < 50 for row in first)  # else nothing is tested
    for own, other, both in zip(first, then, lists(filled), strict=True):
        assert both == (own + [video for video in other if video not in own])[:50]
    assert (np.diff(filled.scores, axis=1) < 0).all()


def test_a_row_stays_short_when_both_sources_have_no_more_unseen() -> None:
    log = a_log()
    seen = csr_matrix(np.arange(VIDEOS + 1) < VIDEOS - 1).multiply(np.ones((USERS + 1, 1))).tocsr()
    found = Backfill(ALS(factors=2), Popular()).fit(log).retrieve(np.array([NEWCOMER]), 4, seen)
    assert found.videos.tolist() == [[VIDEOS - 1, VIDEOS, NOBODY, NOBODY]]


def test_scores_of_the_second_source_stand_below_negative_scores_of_the_first() -> None:
    log = a_log()
    als = ALS(factors=4, regularization=0.1).fit(log)
    filled = Backfill(als, Popular().fit(log)).retrieve(np.arange(USERS), VIDEOS + 9)
    assert (filled.scores < 0).any()
    held = np.where(np.isneginf(filled.scores), np.nan, filled.scores)
    assert np.nanmax(np.diff(held, axis=1)) <= 0


@pytest.mark.parametrize("k", [1, 10])
def test_backfills_can_be_nested(k: int) -> None:
    inner = Backfill(ALS(factors=2), ALS(factors=3))  # neither knows the newcomer
    found = Backfill(inner, Popular()).fit(a_log()).retrieve(np.array([NEWCOMER, 0]), k)
    assert [len(row) for row in lists(found)] == [k, k]
