from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.retrieval import Content, Retriever
from mlsd_lab.retrieval.content import content_features
from tests.retrieval.retriever_contract import NEWCOMER, VIDEOS, RetrieverContract, a_log, lists, with_topics


class TestContent(RetrieverContract):
    @pytest.fixture(scope="class")
    @classmethod
    def log(cls) -> Log:
        return with_topics(a_log())

    def make(self) -> Retriever:
        return Content()


def test_a_video_that_nobody_watched_is_found_by_its_topic() -> None:
    log = with_topics(a_log())
    found = Content().fit(log).retrieve(np.array([0, 1, NEWCOMER]), VIDEOS)
    of_its_topic, of_the_other, newcomer = lists(found)
    assert VIDEOS in of_its_topic  # the topic of the first half, as user 0 likes
    assert VIDEOS not in of_the_other
    assert newcomer == []


def test_what_is_uploaded_later_is_not_there_yet_and_its_words_teach_nothing() -> None:
    log = with_topics(a_log())
    now = log.events["known_at"].max()
    day = pd.Timedelta(days=1)
    known = replace(log, videos=log.videos.assign(uploaded_at=[now - day] * 60 + [now]))
    later = replace(log, videos=log.videos.assign(uploaded_at=[now - day] * 60 + [now + day]))
    assert VIDEOS in lists(Content().fit(known).retrieve(np.array([0]), VIDEOS))[0]
    assert VIDEOS not in lists(Content().fit(later).retrieve(np.array([0]), VIDEOS))[0]
    renamed = replace(later, videos=later.videos.assign(topic=[*later.videos["topic"][:60], "unheard of"]))
    assert (Content().fit(renamed).features_ != Content().fit(later).features_).nnz == 0


def test_a_word_of_the_title_is_another_term_than_the_same_topic() -> None:
    videos = pd.DataFrame({"topic": ["cats", "dogs"], "title": ["dogs", "cats"]})
    features = content_features(videos)
    assert features.shape == (2, 4)
    assert (features @ features.T).toarray() == pytest.approx(np.eye(2))


def test_creators_whose_ids_are_spelt_alike_have_nothing_in_common() -> None:
    features = content_features(pd.DataFrame({"creator_id": ["ann-1", "bob-1", "ANN-1", "ann-1"]}))
    assert (features @ features.T).toarray().tolist() == [[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 1]]


def test_a_rare_term_counts_more_than_a_common_one() -> None:
    features = content_features(
        pd.DataFrame({"topic": ["a"] * 9 + ["b"], "creator_id": [f"c{i // 2}" for i in range(10)]})
    )
    row = features[0].toarray().ravel()
    assert row[features[:9].getnnz(axis=0) == 9][0] < row.max()


def test_videos_of_which_nothing_is_known_are_never_found() -> None:
    frame = pd.DataFrame({"user_id": ["ann"], "video_id": ["a"]}).assign(occurred_at=pd.Timestamp("2026", tz="UTC"))
    log = Log.from_frames(frame, pd.DataFrame({"video_id": list("abc"), "topic": ["x", "x", None]}))
    assert lists(Content().fit(log).retrieve(np.array([0]), 3)) == [[0, 1]]


@pytest.mark.parametrize("topic", [None, "", "!? …"])
def test_a_log_without_words_is_an_error_that_names_the_columns(topic: str | None) -> None:
    log = a_log()
    for mute in (log, replace(log, videos=log.videos.assign(topic=topic))):
        with pytest.raises(DataError, match="one of the columns topic, creator_id, title with words, found none"):
            Content().fit(mute)
    assert len(content_features(pd.DataFrame({"topic": ["cats"], "title": [topic]})).data) == 1


@pytest.mark.parametrize("columns", [[], "topic"])
def test_columns_must_be_a_list_of_names(columns: list[str]) -> None:
    with pytest.raises(ConfigError, match="columns: expected names"):
        Content(columns)
