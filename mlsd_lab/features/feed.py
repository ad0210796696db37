"""The features of this feed: person, video, creator, topic, the person's taste for the topic, surface."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mlsd_lab.features.about import About
from mlsd_lab.features.aggregate import Count, Mean, Rate
from mlsd_lab.features.catalogue import Catalogue
from mlsd_lab.features.definition import derived, windowed

USUAL = Rate(prior=0.3, weight=10)  # about a third of what is shown turns out relevant, on the real log
SHARE = "share of 1"
PERSON = About(owner="ranking", unit=SHARE, tags=("person",))
VIDEO = About(owner="ranking", unit=SHARE, tags=("video", "popularity"))
GROUP = About(owner="ranking", unit=SHARE, tags=("popularity",))


@windowed(entity="user_id", over=("1d", "7d"), aggregate=Count, about=replace(PERSON, unit="videos"))
def user_impressions(events: pd.DataFrame) -> pd.Series:
    """Videos shown to the person."""
    return events.relevant


@windowed(entity="user_id", over=("1d", "7d", "all"), aggregate=USUAL, about=PERSON)
def user_relevant(events: pd.DataFrame) -> pd.Series:
    """Share of what the person was shown that was relevant."""
    return events.relevant


@windowed(entity="user_id", over=("7d",), aggregate=Mean, about=PERSON)
def user_completion(events: pd.DataFrame) -> pd.Series:
    """Share of each video that the person watched, 0 to 1."""
    return (events.watch_seconds / events.duration_seconds.where(events.duration_seconds > 0)).clip(0, 1)


@windowed(entity="video_id", over=("1d", "7d", "all"), aggregate=Count, about=replace(VIDEO, unit="exposures"))
def video_impressions(events: pd.DataFrame) -> pd.Series:
    """People the video was shown to."""
    return events.relevant


@windowed(entity="video_id", over=("1d", "7d", "all"), aggregate=USUAL, about=VIDEO)
def video_relevant(events: pd.DataFrame) -> pd.Series:
    """Share of the people shown the video to whom it was relevant."""
    return events.relevant


@windowed(entity="video_id", over=("7d",), aggregate=Mean, about=VIDEO)
def video_completion(events: pd.DataFrame) -> pd.Series:
    """Share of the video that people watched, 0 to 1."""
    return (events.watch_seconds / events.duration_seconds.where(events.duration_seconds > 0)).clip(0, 1)


@windowed(entity="creator_id", over=("7d",), aggregate=USUAL, about=GROUP)
def creator_relevant(events: pd.DataFrame) -> pd.Series:
    """Share of the creator's exposures that were relevant."""
    return events.relevant


@windowed(entity="topic", over=("7d",), aggregate=USUAL, about=GROUP)
def topic_relevant(events: pd.DataFrame) -> pd.Series:
    """Share of the topic's exposures that were relevant."""
    return events.relevant


@windowed(
    entity=("user_id", "topic"), over=("7d", "all"), aggregate=USUAL, about=replace(PERSON, tags=("person", "taste"))
)
def user_topic_relevant(events: pd.DataFrame) -> pd.Series:
    """Share of the person's exposures to this topic that were relevant."""
    return events.relevant


@windowed(entity="surface", over=("1d",), aggregate=USUAL, about=GROUP)
def surface_relevant(events: pd.DataFrame) -> pd.Series:
    """Share of what was shown on this surface that was relevant."""
    return events.relevant


@derived(about=About(owner="content", unit="days", tags=("video", "freshness")))
def video_age_days(as_of: Any, uploaded_at: Any) -> Any:
    """Days since the upload."""
    return (as_of - uploaded_at) / np.timedelta64(1, "D")


@derived(about=About(owner="content", unit="seconds", tags=("video",)))
def video_duration(duration_seconds: Any) -> Any:
    """Length of the video in seconds."""
    return duration_seconds


@derived(about=About(owner="retrieval", unit="score", tags=("person", "taste")))
def retrieval(retrieval_score: Any) -> Any:
    """How well the retriever, fitted on earlier days, thinks the video fits the person."""
    return retrieval_score


FEED = Catalogue(
    name="feed",
    version="1",
    features=[
        *(user_impressions, user_relevant, user_completion),
        *(video_impressions, video_relevant, video_completion),
        *(creator_relevant, topic_relevant, user_topic_relevant, surface_relevant),
        *(video_age_days, video_duration, retrieval),
    ],
)
"""The features of the main job's ranker."""
