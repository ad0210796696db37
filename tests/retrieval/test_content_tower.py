import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsRegressor

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.evaluation import NOBODY
from mlsd_lab.retrieval import ALS, ContentTower, Retriever
from tests.retrieval.retriever_contract import NEWCOMER, USERS, RetrieverContract, a_log, with_topics


def half_watched() -> Log:
    """The contract's log with a topic a taste, where every third video lost its events."""
    log = with_topics(a_log())
    codes = log.events["video_id"].cat.codes
    return log.with_events(log.events[codes % 3 != 0])


def tower() -> ContentTower:
    return ContentTower(ALS(factors=4, regularization=0.1), least=1)


class TestContentTower(RetrieverContract):
    @pytest.fixture(scope="class")
    @classmethod
    def log(cls) -> Log:
        return half_watched()

    def make(self) -> Retriever:
        return tower()


class TestContentTowerOfAnotherRegressor(TestContentTower):
    def make(self) -> Retriever:
        return ContentTower(ALS(factors=4, regularization=0.1), KNeighborsRegressor(5), least=1)


def test_each_person_is_given_the_unwatched_videos_of_their_taste_first() -> None:
    fitted = tower().fit(half_watched())
    users = np.arange(USERS)
    found = fitted.retrieve(users, 10)  # every third of 30 a taste
    assert set(np.unique(found.videos)) <= set(fitted.new_.tolist())
    assert ((found.videos % 60 >= 30) == (users % 2 == 1)[:, None]).mean() == 1


def test_a_newcomer_gets_an_empty_row() -> None:
    found = tower().fit(half_watched()).retrieve(np.array([NEWCOMER]), 3)
    assert (found.videos == NOBODY).all()


def test_a_fitted_als_is_taken_as_it_is() -> None:
    log = half_watched()
    als = ALS(factors=4, regularization=0.1).fit(log)
    factors = als.video_factors_
    assert ContentTower(als, least=1).fit_content(log).als.video_factors_ is factors


def test_what_is_uploaded_later_is_not_there_yet() -> None:
    log = half_watched()
    now = log.events["known_at"].max()
    times = [now - pd.Timedelta(days=1)] * 60 + [now + pd.Timedelta(days=1)]
    later = Log(log.events, log.videos.assign(uploaded_at=times), log.users, log.datasheet)
    assert 60 in tower().fit(log).new_
    assert 60 not in tower().fit(later).new_


def test_a_log_whose_videos_are_all_watched_has_nothing_new() -> None:
    time = pd.Timestamp("2026-01-01", tz="UTC")
    videos = pd.DataFrame({"video_id": ["a", "b"], "topic": ["x", "y"]})
    frame = pd.DataFrame({"user_id": ["ann", "bob"], "video_id": ["a", "b"], "occurred_at": time})
    fitted = ContentTower(ALS(factors=2), least=1).fit(Log.from_frames(frame, videos))
    assert len(fitted.new_) == 0
    assert fitted.retrieve(np.array([0, 1]), 3).videos.shape == (2, 0)


def test_without_a_video_of_enough_events_there_is_nothing_to_learn_from() -> None:
    with pytest.raises(DataError, match="expected videos with 1000 events or more, found none; lower `least`"):
        ContentTower(ALS(factors=4), least=1000).fit(half_watched())
    with pytest.raises(ConfigError, match="least: expected 1 or more events, found 0"):
        ContentTower(least=0)
