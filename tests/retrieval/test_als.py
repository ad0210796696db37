import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.evaluation import NOBODY
from mlsd_lab.retrieval import ALS, AnnoyIndex, ByLengthIndex, ExactIndex, Retriever
from tests.retrieval.retriever_contract import NEWCOMER, USERS, RetrieverContract, a_log


class TestALSExact(RetrieverContract):
    def make(self) -> Retriever:
        return ALS(factors=4, regularization=0.1)


class TestALSWithAnnoy(RetrieverContract):
    def make(self) -> Retriever:
        return ALS(factors=4, regularization=0.1, index=AnnoyIndex.build)


def checkerboard(size: int = 10) -> Log:
    """User u watched video v where u + v is even, except the pair (u, u): the best unseen video of u is u."""
    pairs = [(u, v) for u in range(size) for v in range(size) if (u + v) % 2 == 0 and u != v]
    frame = pd.DataFrame(pairs, columns=["user_id", "video_id"])
    return Log.from_frames(frame.assign(occurred_at=pd.Timestamp("2026-01-01", tz="UTC")))


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("index", [ExactIndex, AnnoyIndex.build])
def test_on_a_checkerboard_each_user_is_given_the_missing_square(seed: int, index: type[ExactIndex]) -> None:
    log = checkerboard()
    als = ALS(factors=3, regularization=0.1, seed=seed, index=index).fit(log)
    assert als.retrieve(np.arange(10), 1, log.matrix()).videos.ravel().tolist() == list(range(10))


def test_the_index_is_made_by_what_the_settings_name() -> None:
    assert isinstance(ALS(factors=2, index=AnnoyIndex.build).fit(checkerboard()).index_, AnnoyIndex)


def test_scores_are_inner_products_of_the_learned_vectors() -> None:
    als = ALS(factors=4, regularization=0.1).fit(a_log())
    found = als.retrieve(np.array([3, 8]), 5)
    for user, videos, scores in zip((3, 8), found.videos, found.scores, strict=True):
        assert scores == pytest.approx([als.user_factors_[user] @ als.video_factors_[video] for video in videos])


def test_factors_solve_the_paper_s_equation_for_each_video() -> None:
    # Hu, Koren & Volinsky 2008, equation 5: y_v = (Xᵀ C X + λI)⁻¹ Xᵀ C p, with p = 1 and c = α·n where n > 0, else
    # p = 0 and c = 1. An iteration ends with the videos, so the equation holds exactly after any number of them.
    log = checkerboard()
    twice = log.with_events(pd.concat([log.events, log.events.iloc[:20]]))  # so that n is 1 or 2
    als = ALS(factors=2, regularization=0.5, confidence=3.0, iterations=2).fit(twice)
    users, counts = als.user_factors_, twice.matrix().toarray()
    assert set(counts.ravel()) == {0.0, 1.0, 2.0}
    for video in range(10):
        confidence = np.diag(np.where(counts[:, video] > 0, 3.0 * counts[:, video], 1.0))
        left = users.T @ confidence @ users + 0.5 * np.eye(2)
        solved = np.linalg.solve(left, users.T @ confidence @ (counts[:, video] > 0))
        assert als.video_factors_[video] == pytest.approx(solved, abs=2e-6)  # the factors are rounded


def test_a_user_without_history_gets_an_empty_row_and_others_do_not() -> None:
    found = ALS(factors=4, regularization=0.1).fit(a_log()).retrieve(np.array([0, NEWCOMER]), 5)
    assert (found.videos[0] != NOBODY).all()
    assert (found.videos[1] == NOBODY).all()
    assert np.isneginf(found.scores[1]).all()


def test_where_too_little_was_learned_from_nobody_is_known_and_no_video_is_proposed_by_its_code() -> None:
    log = checkerboard(6)
    als = ALS().fit(log)  # regularization for logs of thousands
    assert not als.user_factors_.any()
    assert (als.retrieve(np.arange(6), 3).videos == NOBODY).all()
    assert (als.folded(log.matrix()).retrieve(np.arange(6), 3).videos == NOBODY).all()
    assert np.isnan(als.scores(np.arange(6), np.arange(6))).all()


def test_a_log_without_events_knows_nobody() -> None:
    log = a_log()
    found = ALS(factors=2).fit(log.with_events(log.events.iloc[:0])).retrieve(np.arange(USERS), 3)
    assert (found.videos == NOBODY).all()


def test_factors_that_are_not_finite_are_an_error_that_says_what_to_do() -> None:
    with pytest.raises(DataError, match=r"NaN encountered in factors.*; raise regularization"):
        ALS(factors=2, confidence=1e308).fit(a_log())


def test_another_index_answers_for_the_same_model_and_the_model_keeps_its_own() -> None:
    als = ALS(factors=4, regularization=0.1).fit(a_log())
    other = als.searched_by(AnnoyIndex.build(als.video_factors_))
    assert isinstance(als.index_, ByLengthIndex)
    assert other.user_factors_ is als.user_factors_
    users = np.arange(USERS)
    assert other.retrieve(users, 5).videos.tolist() == als.retrieve(users, 5).videos.tolist()


@pytest.mark.parametrize("shape", [(61, 3), (61, 5), (60, 4), (62, 4)])
def test_an_index_of_other_vectors_is_refused(shape: tuple[int, int]) -> None:
    als = ALS(factors=4).fit(a_log())
    with pytest.raises(ConfigError, match=r"expected vectors of shape \(61, 4\)"):
        als.searched_by(ExactIndex(np.ones(shape)))


@pytest.mark.parametrize(
    "settings",
    [
        *({"factors": 0}, {"iterations": 0}, {"regularization": -1.0}, {"regularization": np.nan}, {"confidence": 0.0}),
        *({"seed": -1}, {"seed": 2**32}),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="expected factors and iterations of 1 or more"):
        ALS(**settings)  # type: ignore[arg-type]


def test_another_seed_gives_other_factors() -> None:
    log = a_log()
    one, two = (ALS(factors=4, regularization=0.1, seed=seed).fit(log).video_factors_ for seed in (1, 2))
    assert not np.allclose(one, two)


FACTORS = """
import hashlib, os, sys
import numpy as np, pandas as pd
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[1])])
from mlsd_lab.datasets import Log
from mlsd_lab.retrieval import ALS
pairs = np.random.default_rng(0).integers(300, size=(6000, 2))
frame = pd.DataFrame(pairs, columns=["user_id", "video_id"])
als = ALS(factors=32).fit(Log.from_frames(frame.assign(occurred_at=pd.Timestamp("2026-01-01", tz="UTC"))))
found = als.retrieve(np.arange(200), 10)
for part in (als.user_factors_, als.video_factors_, found.videos, found.scores):
    print(hashlib.sha256(part.tobytes()).hexdigest())
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the cores of a process are set on Linux only")
def test_one_core_and_two_give_the_same_bytes() -> None:
    digests = []
    for cores in ("1", "2"):
        threads = {"OMP_NUM_THREADS": cores, "OPENBLAS_NUM_THREADS": cores}
        command = [sys.executable, "-W", "error", "-c", FACTORS, cores]
        done = subprocess.run(command, env={**os.environ, **threads}, capture_output=True, text=True, check=True)
        digests.append(done.stdout.split())
    assert len(digests[0]) == 4
    assert digests[0] == digests[1]


def test_what_was_seen_is_not_the_training_log_but_what_the_caller_says() -> None:
    log = checkerboard()
    als = ALS(factors=3, regularization=0.1).fit(log)
    nothing = csr_matrix(log.matrix().shape)
    assert als.retrieve(np.array([0]), 4, nothing).videos.tolist() == als.retrieve(np.array([0]), 4).videos.tolist()


@pytest.mark.parametrize(("codes", "found"), [([3, 99], "3 to 99"), ([-1], "-1 to -1")])
def test_codes_of_no_video_are_refused_when_a_person_is_folded_in(codes: list[int], found: str) -> None:
    als = ALS(factors=4, regularization=0.1).fit(a_log())
    with pytest.raises(ConfigError, match=f"videos: expected codes from 0 to 60, found {found}"):
        als.fold_in(np.array(codes))


def test_a_person_folded_in_solves_the_paper_s_equation_with_the_videos_as_they_are() -> None:
    als = ALS(factors=4, regularization=0.5, confidence=3.0, iterations=2).fit(checkerboard())
    videos, counts = als.video_factors_, np.array([0, 2, 0, 1, 0, 0, 1, 0, 0, 0])
    confidence = np.diag(np.where(counts > 0, 3.0 * counts, 1.0))
    solved = np.linalg.solve(videos.T @ confidence @ videos + 0.5 * np.eye(4), videos.T @ confidence @ (counts > 0))
    assert als.fold_in(np.array([1, 3, 1, 6])) == pytest.approx(solved, abs=2e-6)
    assert als.fold_in(np.array([], dtype=np.int64)).tolist() == [0.0] * 4


def test_an_equation_without_a_solution_is_an_error_that_says_what_to_do() -> None:
    pair = pd.DataFrame({"user_id": ["ann", "bob"], "video_id": ["a", "b"]})
    log = Log.from_frames(pair.assign(occurred_at=pd.Timestamp("2026-01-01", tz="UTC")))
    als = ALS(factors=8, regularization=0.0).fit(log)
    with pytest.raises(DataError, match=r"ALS cannot fold these events in .*; raise regularization"):
        als.fold_in(np.array([0]))


def test_what_is_kept_for_folding_in_is_of_the_newest_fit() -> None:
    als, watched = ALS(factors=4, regularization=0.1), np.array([1, 3])
    als.fit(a_log()).fold_in(watched)
    refitted = als.fit(a_log(seed=1)).fold_in(watched)
    assert refitted.tolist() == ALS(factors=4, regularization=0.1).fit(a_log(seed=1)).fold_in(watched).tolist()
    assert als.searched_by(ExactIndex(als.video_factors_)).fold_in(watched).tolist() == refitted.tolist()


def test_a_person_folded_in_is_where_fitting_would_have_put_them() -> None:
    log = checkerboard()
    als = ALS(factors=4, regularization=0.1, iterations=60).fit(log)
    for user in (0, 3, 9):
        watched = log.matrix()[user].indices
        assert np.allclose(als.fold_in(watched), als.user_factors_[user], atol=1e-3)
