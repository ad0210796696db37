import numpy as np
import pandas as pd
import pytest

from mlsd_lab.datasets import Log
from mlsd_lab.evaluation import NOBODY, Candidates, Split, by_day
from mlsd_lab.showcase import showcase


@pytest.fixture
def split() -> Split:
    """Ann has clicked four of five videos before the test day, bob two, and cem none of his."""
    rows = [("ann", video, video != "a") for video in "abcde"] + [
        ("bob", "a", True),
        ("bob", "b", True),
        ("cem", "a", False),
    ]
    frame = pd.DataFrame(rows, columns=["user_id", "video_id", "clicked"])
    frame["occurred_at"] = pd.date_range("2026-01-01", periods=len(frame), freq="h", tz="UTC")
    last = pd.DataFrame(
        {"user_id": ["ann"], "video_id": ["f"], "clicked": [True], "occurred_at": frame["occurred_at"].max()}
    )
    last["occurred_at"] += pd.Timedelta(days=1)
    titles = pd.DataFrame({"video_id": ["b", "f"], "title": ["Brief Encounter", "Fargo"]})
    return by_day(Log.from_frames(pd.concat([frame, last]), titles))


def found(split: Split, users: int) -> Candidates:
    videos = np.tile([5, 0, NOBODY], (users, 1))
    assert split.train.videos["video_id"].iloc[5] == "f"
    return Candidates(videos, np.zeros(videos.shape))


def test_only_people_with_a_past_are_shown_by_title(split: Split) -> None:
    shown = showcase(split, np.arange(3), found(split, 3), people=3)
    liked = ["Brief Encounter", "video c", "video d", "video e"]
    assert shown == [{"user_id": "ann", "liked_last": liked, "recommended": ["Fargo", "video a"]}]


def test_where_nobody_has_a_past_nobody_is_shown(split: Split) -> None:
    assert showcase(split, np.array([1, 2]), found(split, 2)) == []


def test_no_users_and_no_people_are_an_empty_list(split: Split) -> None:
    assert showcase(split, np.array([], dtype=int), found(split, 0)) == []
    assert showcase(split, np.array([0]), found(split, 1), people=0) == []
