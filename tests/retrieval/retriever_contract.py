"""What every retriever must do; a test class inherits `RetrieverContract` and says how to make one."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import NOBODY, Candidates
from mlsd_lab.retrieval import Retriever

USERS, VIDEOS, NEWCOMER = 40, 60, 40


def a_log(seed: int = 0) -> Log:
    """40 users of two tastes over 60 videos, one video that nobody watched, and one user without events."""
    rng = np.random.default_rng(seed)
    user = np.repeat(np.arange(USERS), 12)
    video = (user % 2) * (VIDEOS // 2) + rng.integers(VIDEOS // 2, size=len(user))
    times = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(rng.permutation(len(user)), unit="min")
    events = pd.DataFrame({"user_id": user, "video_id": video, "occurred_at": times}).map(_padded)
    videos = pd.DataFrame({"video_id": [_padded(v) for v in range(VIDEOS + 1)]})
    return Log.from_frames(events, videos, users=pd.DataFrame({"user_id": [_padded(NEWCOMER)]}))


def with_topics(log: Log) -> Log:
    """The same log with a topic a taste; the video that nobody watched is of the first."""
    topic = ["one" if code % VIDEOS < VIDEOS // 2 else "two" for code in range(len(log.videos))]
    return replace(log, videos=log.videos.assign(topic=topic))


def _padded(value: object) -> object:
    return f"{value:03d}" if isinstance(value, int) else value  # so that text sorts as numbers do


def lists(found: Candidates) -> list[list[int]]:
    """The videos of each row without the filling."""
    return [[int(v) for v in row if v != NOBODY] for row in found.videos]


class RetrieverContract:
    def make(self) -> Retriever:
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def log(cls) -> Log:
        return a_log()

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, log: Log) -> Retriever:
        return cls().make().fit(log)

    def test_fit_returns_the_retriever_itself(self, log: Log) -> None:
        retriever = self.make()
        assert retriever.fit(log) is retriever

    @pytest.mark.parametrize("k", [1, 7, VIDEOS + 1, VIDEOS + 500])
    def test_a_row_has_at_most_k_videos_of_the_catalogue_and_none_twice(self, fitted: Retriever, k: int) -> None:
        found = fitted.retrieve(np.arange(USERS + 1), k)
        assert found.videos.shape[0] == USERS + 1
        assert found.videos.shape[1] <= k
        for row in lists(found):
            assert len(row) == len(set(row))
            assert all(0 <= video <= VIDEOS for video in row)

    def test_no_video_is_returned_that_was_seen(self, fitted: Retriever, log: Log) -> None:
        seen = log.matrix()
        found = fitted.retrieve(np.arange(USERS + 1), VIDEOS + 1, seen)
        for user, row in enumerate(lists(found)):
            assert not set(row) & set(seen[user].indices)

    def test_seen_holds_a_row_a_user_of_the_log_and_not_a_row_a_user_asked_for(
        self, fitted: Retriever, log: Log
    ) -> None:
        seen = log.matrix()
        (row,) = lists(fitted.retrieve(np.array([5]), VIDEOS, seen))
        assert row
        assert not set(row) & set(seen[5].indices)

    def test_a_user_who_saw_everything_gets_an_empty_row(self, fitted: Retriever) -> None:
        everything = csr_matrix(np.ones((USERS + 1, VIDEOS + 1)))
        assert lists(fitted.retrieve(np.array([0, NEWCOMER]), 5, everything)) == [[], []]

    def test_short_rows_are_filled_at_their_end_with_minus_one_and_minus_infinity(
        self, fitted: Retriever, log: Log
    ) -> None:
        found = fitted.retrieve(np.arange(USERS + 1), VIDEOS + 1, log.matrix())
        empty = found.videos == NOBODY
        assert empty.any()
        assert (np.diff(empty.astype(int), axis=1) >= 0).all()
        assert np.isneginf(found.scores[empty]).all()
        assert np.isfinite(found.scores[~empty]).all()

    def test_scores_never_rise_along_a_row(self, fitted: Retriever, log: Log) -> None:
        for row in fitted.retrieve(np.arange(USERS + 1), 20, log.matrix()).scores:
            held = row[np.isfinite(row)]
            assert (np.diff(held) <= 0).all()

    def test_a_longer_list_begins_with_the_shorter_one(self, fitted: Retriever, log: Log) -> None:
        users, seen = np.arange(USERS + 1), log.matrix()
        short, long = (lists(fitted.retrieve(users, k, seen)) for k in (5, 15))
        assert [row[:5] for row in long] == short

    def test_the_same_input_gives_the_same_result(self, fitted: Retriever, log: Log) -> None:
        users = np.arange(USERS + 1)
        first, again = fitted.retrieve(users, 9), self.make().fit(log).retrieve(users, 9)
        assert first.videos.tolist() == again.videos.tolist()
        assert first.scores.tolist() == again.scores.tolist()

    def test_a_user_gets_the_same_list_alone_as_in_company_in_any_order(self, fitted: Retriever, log: Log) -> None:
        users = np.array([7, 3, NEWCOMER, 3])
        together = lists(fitted.retrieve(users, 9, log.matrix()))
        alone = [lists(fitted.retrieve(users[i : i + 1], 9, log.matrix()))[0] for i in range(len(users))]
        assert together == alone

    def test_no_users_get_no_rows(self, fitted: Retriever, log: Log) -> None:
        assert len(fitted.retrieve(np.array([], dtype=np.int64), 3, log.matrix()).videos) == 0

    def test_dtypes_are_int32_and_float64(self, fitted: Retriever) -> None:
        found = fitted.retrieve(np.array([0]), 3)
        assert found.videos.dtype == np.int32
        assert found.scores.dtype == np.float64

    def test_neither_the_users_nor_what_they_saw_is_changed(self, fitted: Retriever, log: Log) -> None:
        users, seen = np.array([2, 1]), log.matrix()
        before = seen.copy()
        fitted.retrieve(users, 5, seen)
        assert users.tolist() == [2, 1]
        assert (seen != before).nnz == 0

    def test_any_sparse_format_of_what_was_seen_will_do(self, fitted: Retriever, log: Log) -> None:
        users = np.array([4, 2])
        expected = fitted.retrieve(users, 5, log.matrix()).videos.tolist()
        for kind in ("csc", "coo", "lil"):
            assert fitted.retrieve(users, 5, log.matrix().asformat(kind)).videos.tolist() == expected

    @pytest.mark.parametrize("user", [-1, USERS + 1])
    def test_a_user_code_that_the_log_has_not_is_refused(self, fitted: Retriever, user: int) -> None:
        with pytest.raises(ConfigError, match=rf"users: expected codes from 0 to {USERS}, found {user}"):
            fitted.retrieve(np.array([0, user]), 3)

    @pytest.mark.parametrize("k", [0, -1])
    def test_k_below_one_is_refused(self, fitted: Retriever, k: int) -> None:
        with pytest.raises(ConfigError, match=rf"k: expected 1 or more, found {k}"):
            fitted.retrieve(np.array([0]), k)

    @pytest.mark.parametrize("shape", [(USERS + 1, 3), (1, VIDEOS + 1), (USERS + 9, VIDEOS + 1)], ids=str)
    def test_what_was_seen_must_cover_the_catalogue_and_the_log_s_users(
        self, fitted: Retriever, shape: tuple[int, int]
    ) -> None:
        with pytest.raises(ConfigError, match=rf"seen: expected shape \({USERS + 1}, {VIDEOS + 1}\)"):
            fitted.retrieve(np.array([0]), VIDEOS, csr_matrix(shape))
