"""Sixteen features of a video, at most 2 kB of state, and a stream of them: what the rows on online reads ask for."""

from argparse import Namespace
from typing import Any

import pandas as pd

from benchmarks.online_state import made_stream, made_videos
from mlsd_lab.features import Catalogue, Count, Mean, OnlineStore, Rate, Sum, last, windowed

OVER = ("6h", "7d", "all")


@windowed(entity="video_id", over=OVER, aggregate=Count)
def impressions(events: pd.DataFrame) -> Any:
    """People the video was shown to."""
    return events.relevant


@windowed(entity="video_id", over=OVER, aggregate=Rate(prior=0.3, weight=10))
def relevant(events: pd.DataFrame) -> Any:
    """Share of them to whom it was relevant."""
    return events.relevant


@windowed(entity="video_id", over=OVER, aggregate=Mean)
def completion(events: pd.DataFrame) -> Any:
    """Share of the video that they watched, 0 to 1."""
    return (events.watch_seconds / events.duration_seconds.where(events.duration_seconds > 0)).clip(0, 1)


@windowed(entity="video_id", over=OVER, aggregate=Sum)
def watched(events: pd.DataFrame) -> Any:
    """Seconds that they watched."""
    return events.watch_seconds


@windowed(entity="video_id", over=OVER, aggregate=Rate(prior=0.2, weight=10))
def skipped(events: pd.DataFrame) -> Any:
    """Share of them who left within 3 seconds."""
    return (events.watch_seconds < 3).where(events.watch_seconds.notna())


@last(entity="video_id")
def last_watch(events: pd.DataFrame) -> Any:
    """Seconds that the newest of them watched."""
    return events.watch_seconds


VIDEO = Catalogue("video", "1", [impressions, relevant, completion, watched, skipped, last_watch])


def table(videos: int) -> pd.DataFrame:
    """Return a table of so many videos."""
    return made_videos(videos, topics=30)


def fill(store: OnlineStore, events: int, videos: int) -> None:
    """Let a store absorb so many events about so many videos, the same each time."""
    size = Namespace(events=events, videos=videos, users=events // 50, days=28, batch=20_000)
    for batch in made_stream(size, table(videos)):
        store.absorb(batch, offset=store.position)
