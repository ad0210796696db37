import numpy as np
import pytest
from scipy.sparse import csc_matrix, csr_matrix
from sklearn.metrics import average_precision_score, ndcg_score

from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import NOBODY, Candidates, TopK

VIDEOS = 30


def full_rankings(users: int = 25, seed: int = 0) -> tuple[Candidates, np.ndarray]:
    """Every video ranked for each user, and what is relevant (to some users nothing)."""
    rng = np.random.default_rng(seed)
    scores = rng.permuted(np.tile(np.arange(VIDEOS, dtype=np.float64), (users, 1)), axis=1)
    order = np.argsort(-scores, axis=1)
    relevant = rng.random((users, VIDEOS)) < 0.15
    relevant[3] = False
    return Candidates(order.astype(np.int32), np.take_along_axis(scores, order, axis=1)), relevant


def by_video(found: Candidates) -> np.ndarray:
    scores = np.empty(found.scores.shape)
    np.put_along_axis(scores, found.videos.astype(np.int64), found.scores, axis=1)
    return scores


@pytest.mark.parametrize("k", [1, 5, VIDEOS])
def test_ndcg_is_scikit_learn_s(k: int) -> None:
    found, relevant = full_rankings()
    ours = TopK.judge(found, csr_matrix(relevant)).ndcg(k)
    for user, row in enumerate(by_video(found)):
        if relevant[user].any():
            assert ours[user] == pytest.approx(ndcg_score(relevant[user : user + 1], row[None], k=k))


def test_average_precision_of_the_whole_ranking_is_scikit_learn_s() -> None:
    found, relevant = full_rankings()
    ours = TopK.judge(found, csr_matrix(relevant)).average_precision()
    for user, row in enumerate(by_video(found)):
        if relevant[user].any():
            assert ours[user] == pytest.approx(average_precision_score(relevant[user], row))


@pytest.mark.parametrize("k", [1, 4, 12])
def test_recall_precision_and_average_precision_at_k_are_those_of_a_loop(k: int) -> None:
    found, relevant = full_rankings(seed=1)
    judged = TopK.judge(found, csr_matrix(relevant))
    for user, videos in enumerate(found.videos):
        wanted = set(np.flatnonzero(relevant[user]).tolist())
        if not wanted:
            continue
        hits, precisions = 0, 0.0
        for rank, video in enumerate(videos[:k].tolist(), start=1):
            if video in wanted:
                hits += 1
                precisions += hits / rank
        assert judged.recall(k)[user] == pytest.approx(hits / len(wanted))
        assert judged.precision(k)[user] == pytest.approx(hits / k)
        assert judged.average_precision(k)[user] == pytest.approx(precisions / min(len(wanted), k))


def test_a_case_worked_out_by_hand() -> None:
    # Ranks 1 and 3 of 4 hit, 3 videos are relevant. Discounts 1/log2(rank + 1): 1, 0.6309, 0.5, 0.4307.
    found = Candidates(np.array([[5, 0, 6, 1]]), np.array([[4.0, 3.0, 2.0, 1.0]]))
    judged = TopK.judge(found, csr_matrix(([1, 1, 1], ([0, 0, 0], [5, 6, 7])), shape=(1, 8)))
    assert judged.recall()[0] == pytest.approx(2 / 3)
    assert judged.precision()[0] == pytest.approx(2 / 4)
    assert judged.ndcg()[0] == pytest.approx((1 + 0.5) / (1 + 0.63093 + 0.5), abs=1e-5)
    assert judged.average_precision()[0] == pytest.approx((1 / 1 + 2 / 3) / 3)


def test_a_user_with_nothing_relevant_is_nan_in_each_metric_and_others_are_not() -> None:
    found, relevant = full_rankings()
    judged = TopK.judge(found, csr_matrix(relevant))
    for values in (judged.recall(), judged.precision(), judged.ndcg(), judged.average_precision()):
        assert np.isnan(values).tolist() == (~relevant.any(axis=1)).tolist()


def test_a_short_list_counts_as_k_for_precision_and_fillings_are_no_hits() -> None:
    found = Candidates(np.array([[2, NOBODY, NOBODY, NOBODY]]), np.array([[1.0, -np.inf, -np.inf, -np.inf]]))
    judged = TopK.judge(found, csr_matrix([[0, 0, 1]]))
    assert judged.hits.tolist() == [[True, False, False, False]]
    assert judged.precision()[0] == 0.25


def test_perfect_lists_score_one_even_where_more_is_relevant_than_fits() -> None:
    judged = TopK.judge(Candidates(np.array([[0, 1]]), np.zeros((1, 2))), csr_matrix(np.ones((1, 5))))
    assert judged.ndcg()[0] == judged.average_precision()[0] == judged.precision()[0] == 1
    assert judged.recall()[0] == 2 / 5


def test_lists_without_any_place_score_zero() -> None:
    judged = TopK.judge(Candidates(np.empty((1, 0), dtype=np.int32), np.empty((1, 0))), csr_matrix([[1, 0]]))
    for values in (judged.recall(), judged.precision(), judged.ndcg(), judged.average_precision()):
        assert values.tolist() == [0.0]


def test_repeated_entries_and_stored_zeros_do_not_change_what_is_relevant() -> None:
    messy = csr_matrix((np.array([1.0, 1.0, 0.0]), np.array([0, 0, 1]), np.array([0, 3])), shape=(1, 3))
    judged = TopK.judge(Candidates(np.array([[0, 1]]), np.zeros((1, 2))), messy)
    assert (judged.relevant.tolist(), judged.hits.tolist()) == ([1], [[True, False]])
    assert messy.nnz == 3  # the caller's matrix is as it was


def test_a_matrix_held_by_column_is_read_by_row() -> None:
    square = csr_matrix([[0, 1], [0, 1]])
    found = Candidates(np.array([[1], [0]]), np.zeros((2, 1)))
    assert TopK.judge(found, csc_matrix(square)).recall().tolist() == TopK.judge(found, square).recall().tolist()


def test_a_relevant_video_twice_in_a_list_is_refused_since_it_would_count_twice() -> None:
    with pytest.raises(ConfigError, match="each video once in a list"):
        TopK.judge(Candidates(np.array([[0, 0]]), np.zeros((1, 2))), csr_matrix([[1, 0]]))


def test_lists_of_other_users_or_another_catalogue_are_refused() -> None:
    found = Candidates(np.array([[0, 5]]), np.zeros((1, 2)))
    with pytest.raises(ConfigError, match="expected a sparse row a user: 1, found 2"):
        TopK.judge(found, csr_matrix((2, 9)))
    with pytest.raises(ConfigError, match="videos: expected codes from 0 to 4"):
        TopK.judge(found, csr_matrix((1, 5)))


@pytest.mark.parametrize("k", [0, -1, 3])
def test_k_beyond_the_lists_is_refused(k: int) -> None:
    judged = TopK.judge(Candidates(np.array([[0, 1]]), np.zeros((1, 2))), csr_matrix([[1, 0]]))
    for metric in (judged.recall, judged.precision, judged.ndcg, judged.average_precision):
        with pytest.raises(ConfigError, match=f"k: expected 1 to 2, the length of the lists, found {k}"):
            metric(k)
