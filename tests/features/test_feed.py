"""The features of this feed, worked out by hand on a few events."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.features import Timeline, training_set
from mlsd_lab.features.feed import FEED
from tests.features.streams import START, log_of

# u1 on the surface "home": v0 (10 s, sport, creator p) twice, v3 (59.9 s, no topic, creator q), v1 (0 s, sport, p)
LOG = log_of(
    [
        (0, 1, 0, True, 5.0, 0),
        (24 * 60, 1, 0, False, 20.0, 0),
        (60, 1, 3, True, 0.0, 0),
        (60, 1, 1, None, 3.0, 0),
        (9 * 24 * 60, 2, 0, True, None, 0),
    ]
)


def features(user: str, video: str, hours: float, surface: str | None = "home", score: float = 0.5) -> dict[str, float]:
    label = {"user_id": [user], "video_id": [video], "as_of": [START + timedelta(hours=hours)], "surface": [surface]}
    return training_set(FEED, LOG, pd.DataFrame(label).assign(retrieval_score=score)).iloc[0].to_dict()


def usual(relevant: int, shown: int) -> float:
    return (relevant + 3) / (shown + 10)


def test_a_day_and_a_bit_after_the_first_events() -> None:
    found = features("u1", "v0", hours=26.5)
    expected = {
        "user_impressions_1d": 3,
        "user_impressions_7d": 4,
        "user_relevant_1d": usual(1, 3),
        "user_relevant_7d": usual(2, 4),
        "user_relevant_all": usual(2, 4),
        "user_completion_7d": (0.5 + 1 + 0) / 3,
        "video_impressions_1d": 1,
        "video_impressions_7d": 2,
        "video_impressions_all": 2,
        "video_relevant_1d": usual(0, 1),
        "video_relevant_7d": usual(1, 2),
        "video_relevant_all": usual(1, 2),
        "video_completion_7d": 0.75,
        "creator_relevant_7d": usual(1, 3),
        "topic_relevant_7d": usual(1, 3),
        "user_topic_relevant_7d": usual(1, 3),
        "user_topic_relevant_all": usual(1, 3),
        "surface_relevant_1d": usual(1, 3),
        "video_age_days": 2 + (22.5 + 26.5) / 24,
        "video_duration": 10,
        "retrieval": 0.5,
    }
    assert found == pytest.approx(expected)


def test_the_window_of_a_day_begins_with_the_hour_in_which_it_begins() -> None:
    assert features("u1", "v0", hours=24.49)["video_impressions_1d"] == 2  # 22:59 the next day: from 22:00
    assert features("u1", "v0", hours=24.51)["video_impressions_1d"] == 1  # 23:00 the next day: from 23:00


def test_a_window_of_seven_days_begins_at_midnight_utc() -> None:
    assert features("u1", "v0", hours=7 * 24 + 1.49)["user_impressions_7d"] == 4
    assert features("u1", "v0", hours=7 * 24 + 1.51)["user_impressions_7d"] == 3


def test_all_time_forgets_nothing() -> None:
    late = features("u1", "v0", hours=10_000)
    assert (late["video_impressions_7d"], late["video_impressions_all"]) == (0, 3)
    assert late["user_topic_relevant_all"] == pytest.approx((1 + 3) / 13)


def test_a_video_without_topic_or_upload_time_and_a_person_without_surface_have_the_prior_and_nulls() -> None:
    found = features("u1", "v3", hours=26.5, surface=None, score=np.nan)
    assert found["topic_relevant_7d"] == found["user_topic_relevant_7d"] == found["surface_relevant_1d"] == 0.3
    assert np.isnan(found["retrieval"])
    assert np.isnan(features("u1", "v1", hours=26.5)["video_age_days"])
    assert np.isnan(features("u1", "v1", hours=26.5)["video_completion_7d"])  # a duration of zero has no share


def test_every_column_says_what_it_means() -> None:
    told = FEED.to_frame()
    assert told["column"].tolist() == list(FEED.columns)
    assert told["meaning"].str.endswith(".").all()
    assert Timeline(FEED, LOG).catalogue is FEED


def test_every_feature_has_an_owner_a_unit_and_tags() -> None:
    told = FEED.to_frame()
    assert not (told[["owner", "unit", "tags"]] == "").any(axis=None)
    assert set(told["column"][told["personal"]]) == FEED.personal
