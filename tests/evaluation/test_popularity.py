import numpy as np
import pandas as pd
import pytest

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import NOBODY, Popular
from mlsd_lab.evaluation import popularity as popularity_module
from mlsd_lab.retrieval import Retriever
from tests.retrieval.retriever_contract import USERS, VIDEOS, RetrieverContract, a_log


class TestPopular(RetrieverContract):
    def make(self) -> Retriever:
        return Popular()


class TestPopularLately(RetrieverContract):
    def make(self) -> Retriever:
        return Popular(half_life_days=0.05)


def watched(days: dict[str, list[float]]) -> Log:
    """A log in which each video was watched so many days after 1 January."""
    rows = [(video, day) for video, ages in days.items() for day in ages]
    times = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta([day for _, day in rows], unit="D")
    frame = pd.DataFrame({"user_id": "ann", "video_id": [video for video, _ in rows], "occurred_at": times})
    return Log.from_frames(frame)


def test_videos_are_counted_by_a_loop() -> None:
    log = a_log()
    counts = [0] * (VIDEOS + 1)
    for code in log.events["video_id"].cat.codes:
        counts[code] += 1
    best = sorted(range(VIDEOS + 1), key=lambda video: (-counts[video], video))
    found = Popular().fit(log).retrieve(np.array([0]), VIDEOS + 1)
    assert found.videos[0].tolist() == best
    assert found.scores[0].tolist() == [counts[video] for video in best]


def test_an_event_counts_half_after_each_half_life() -> None:
    log = watched({"a": [0, 0, 0, 0], "b": [2], "c": [4]})  # with 2 days: a 4/4, b 1/2, c 1
    assert Popular(2).fit(log).counts_.tolist() == [1.0, 0.5, 1.0]


def test_age_is_counted_from_when_an_event_was_known() -> None:
    log = watched({"a": [0], "b": [4]})
    late = log.with_events(log.events.assign(known_at=log.events["occurred_at"].max()))
    assert Popular(2).fit(log).counts_.tolist() == [0.25, 1.0]
    assert Popular(2).fit(late).counts_.tolist() == [1.0, 1.0]


def test_equal_counts_are_ordered_by_code() -> None:
    found = Popular().fit(watched({"a": [0], "b": [1], "c": [2, 2], "d": [3]})).retrieve(np.array([0]), 4)
    assert found.videos.tolist() == [[2, 0, 1, 3]]


def test_a_video_that_nobody_watched_is_last_and_not_missing() -> None:
    log = watched({"a": [0]})
    log = Log.from_frames(log.events, videos=pd.DataFrame({"video_id": ["0 new", "a"]}))
    assert Popular().fit(log).retrieve(np.array([0]), 2).videos.tolist() == [[1, 0]]


def test_users_in_blocks_get_what_they_get_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log()
    popular = Popular().fit(log)
    whole = popular.retrieve(np.arange(USERS + 1), 55, log.matrix())
    monkeypatch.setattr(popularity_module, "_BLOCK", 7)  # 41 users: five blocks and a rest of six
    blocks = popular.retrieve(np.arange(USERS + 1), 55, log.matrix())
    assert blocks.videos.tolist() == whole.videos.tolist()
    assert (whole.videos == NOBODY).any()


@pytest.mark.parametrize("days", [0, -1, float("nan")])
def test_a_half_life_is_above_zero(days: float) -> None:
    with pytest.raises(ConfigError, match="half_life_days: expected a number above 0"):
        Popular(days)
