import numpy as np
import pandas as pd
import pytest

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError
from mlsd_lab.retrieval import Fresh, Retriever
from mlsd_lab.retrieval.fresh import ages
from tests.retrieval.retriever_contract import NEWCOMER, RetrieverContract, a_log, lists

DAY = pd.Timedelta(days=1)
NOW = pd.Timestamp("2026-01-10", tz="UTC")


class TestFresh(RetrieverContract):
    def make(self) -> Retriever:
        return Fresh()


class TestFreshFromASmallPool(RetrieverContract):
    def make(self) -> Retriever:
        return Fresh(most=20)


def uploads(days_ago: list[float], people: int = 1) -> Log:
    events = pd.DataFrame({"user_id": [f"u{i:05d}" for i in range(people)], "video_id": "v000", "occurred_at": NOW})
    ids = [f"v{i:03d}" for i in range(len(days_ago))]
    return Log.from_frames(events, pd.DataFrame({"video_id": ids, "uploaded_at": [NOW - DAY * d for d in days_ago]}))


def test_without_exploration_everybody_gets_the_newest_first() -> None:
    found = Fresh(exploration=0).fit(uploads([3, 1, 2], people=2)).retrieve(np.array([0, 1]), 3)
    assert lists(found) == [[1, 2, 0]] * 2


def test_what_is_uploaded_later_is_not_there_yet() -> None:
    found = Fresh().fit(uploads([3, -1, 2])).retrieve(np.array([0]), 3)
    assert sorted(lists(found)[0]) == [0, 2]


def test_a_video_is_drawn_half_as_often_after_each_half_life() -> None:
    log = uploads([0, 3, 6], people=8_000)
    first = Fresh(half_life_days=3).fit(log).retrieve(np.arange(8_000), 1).videos.ravel()
    share = np.bincount(first, minlength=3) / 8_000
    assert share == pytest.approx(np.array([4, 2, 1]) / 7, abs=4 * np.sqrt(0.25 / 8_000))


def test_another_seed_explores_otherwise() -> None:
    log = a_log()
    one, two = (lists(Fresh(seed=seed).fit(log).retrieve(np.array([NEWCOMER]), 10)) for seed in (0, 1))
    assert one != two


def test_without_upload_times_the_first_event_says_how_old_a_video_is() -> None:
    log = a_log()
    age = ages(log)
    assert np.isnan(age[60])  # nobody watched it
    video = int(np.nanargmax(age))
    events = log.events[log.events["video_id"] == log.videos["video_id"].iloc[video]]
    assert age[video] == (log.events["known_at"].max() - events["known_at"].min()) / DAY


@pytest.mark.parametrize("settings", [{"half_life_days": 0}, {"exploration": -1}, {"most": 0}, {"seed": -1}])
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="expected half_life_days above 0"):
        Fresh(**settings)  # type: ignore[arg-type]
