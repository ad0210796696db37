"""What a few real people would be shown, so that a person can judge what the metrics cannot."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.evaluation import NOBODY, Candidates, Split

_PAST, _LIKED, _SHOWN = 3, 5, 10


def showcase(
    split: Split, users: NDArray[np.integer], found: Candidates, people: int = 3, seed: int = 0
) -> list[dict[str, Any]]:
    """Pick people with a past, and say by title what they liked last and the first of what was found for them.

    `found` has a row a user code in `users`. A past is three relevant training events or more; where few have one, few
    are returned.

    >>> import pandas as pd
    >>> from mlsd_lab.datasets import Log
    >>> from mlsd_lab.evaluation import leave_last_out
    >>> time = pd.date_range("2026-01-01", periods=4, tz="UTC")
    >>> frame = pd.DataFrame({"user_id": "ann", "video_id": list("abcd"), "occurred_at": time, "rating": 5})
    >>> showcase(leave_last_out(Log.from_frames(frame)), np.array([0]), Candidates(np.array([[3]]), np.zeros((1, 1))))
    [{'user_id': 'ann', 'liked_last': ['video a', 'video b', 'video c'], 'recommended': ['video d']}]
    """
    log = split.train
    liked = log.events[log.relevant.to_numpy()]
    user, video = liked["user_id"].cat.codes.to_numpy(), liked["video_id"].cat.codes.to_numpy()
    with_past = np.flatnonzero(np.bincount(user, minlength=len(log.users))[users] >= _PAST)
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(with_past, size=min(people, len(with_past)), replace=False))
    labels = log.labels()
    return [
        {
            "user_id": str(log.users["user_id"].iloc[users[row]]),
            "liked_last": [labels[code] for code in video[user == users[row]][-_LIKED:]],
            "recommended": [labels[code] for code in found.videos[row, :_SHOWN] if code != NOBODY],
        }
        for row in chosen
    ]
