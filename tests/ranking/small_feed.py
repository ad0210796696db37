"""One small, seeded log that the tests of the second stage and of serving share."""

from functools import cache

import numpy as np
import pandas as pd

from mlsd_lab.datasets import Log


@cache
def small_log() -> Log:
    """60 users, 80 videos of 6 topics, 6 days, 3,000 exposures; half of a user's clicks are for one topic."""
    rng = np.random.default_rng(7)
    user, video = rng.integers(60, size=3000), rng.integers(80, size=3000)
    duration = rng.integers(8, 200, size=80).astype(float)
    clicked = rng.random(3000) < np.where(video % 6 == user % 6, 0.8, 0.25)
    seconds = np.sort(rng.integers(6 * 86_400, size=3000))
    events = pd.DataFrame(
        {
            "user_id": np.char.add("u", user.astype(str)).astype(object),
            "video_id": np.char.add("v", video.astype(str)).astype(object),
            "occurred_at": pd.Timestamp("2026-03-01", tz="UTC") + pd.to_timedelta(seconds, unit="s"),
            "clicked": clicked,
            "watch_seconds": duration[video] * rng.random(3000) * np.where(clicked, 1.0, 0.2),
            "surface": rng.choice(["home", "search"], 3000).astype(object),
        }
    )
    videos = pd.DataFrame(
        {
            "video_id": [f"v{code}" for code in range(80)],
            "topic": [f"t{code % 6}" for code in range(80)],
            "creator_id": [f"c{code % 11}" for code in range(80)],
            "duration_seconds": duration,
            "uploaded_at": pd.Timestamp("2026-02-01", tz="UTC") + pd.to_timedelta(np.arange(80) * 7, unit="h"),
        }
    )
    return Log.from_frames(events, videos)


@cache
def rated_log() -> Log:
    """The same people and videos with ratings in place of exposures, as MovieLens has them."""
    log = small_log()
    events = log.events.drop(columns=["clicked", "event_id"]).drop_duplicates(["user_id", "video_id"])
    rating = np.where(log.events["clicked"].loc[events.index], 5.0, 2.0)
    return Log.from_frames(events.assign(rating=rating, user_id=events["user_id"].astype(str)), log.videos)
