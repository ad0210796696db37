"""The baseline every recommender must beat: the videos with most events, on a feed those shown most, and lately."""

from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation.candidates import Candidates, checked_seen, checked_users

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_BLOCK = 1000  # users at a time, so that one who has seen much does not widen the lists of all


class Popular:
    """Recommend to everybody the videos with most events, each event weighing half as much after a half-life.

    Without a half-life all events weigh the same. Age is counted from the newest `known_at` of the training log. Equal
    counts are ordered by video code.

    >>> import pandas as pd
    >>> times = pd.to_datetime(["2026-01-01", "2026-01-01", "2026-01-09"], utc=True)
    >>> events = pd.DataFrame({"user_id": [1, 2, 3], "video_id": ["old", "old", "new"], "occurred_at": times})
    >>> log = Log.from_frames(events)
    >>> best = [Popular(days).fit(log).retrieve(np.array([0]), k=1).videos[0, 0] for days in (None, 2)]
    >>> log.videos.video_id[best].tolist()
    ['old', 'new']
    """

    def __init__(self, half_life_days: float | None = None) -> None:
        if half_life_days is not None and not half_life_days > 0:
            raise ConfigError(f"half_life_days: expected a number above 0, found {half_life_days}")
        self.half_life_days = half_life_days

    def fit(self, log: Log) -> Self:
        """Count the log's events a video; learns `counts_` and `order_`, both of shape (videos,)."""
        self.users_ = len(log.users)
        videos = log.events["video_id"].cat.codes.to_numpy()
        weights = None
        if self.half_life_days is not None:
            age = (log.events["known_at"].max() - log.events["known_at"]) / np.timedelta64(1, "D")
            weights = 0.5 ** (age.to_numpy() / self.half_life_days)
        self.counts_ = np.bincount(videos, weights=weights, minlength=len(log.videos)).astype(np.float64)
        self.order_ = np.argsort(-self.counts_, kind="stable").astype(np.int32)
        return self

    def retrieve(self, users: NDArray[np.integer], k: int, seen: "csr_matrix | None" = None) -> Candidates:
        """Return the k most popular videos, without those in the user's row of `seen` (users × videos)."""
        if k < 1:
            raise ConfigError(f"k: expected 1 or more, found {k}")
        users = checked_users(users, self.users_)
        if seen is None:
            return self._best(len(users), k)
        seen = checked_seen(seen, self.users_, len(self.order_))
        blocks = [users[start : start + _BLOCK] for start in range(0, max(1, len(users)), _BLOCK)]
        parts = []
        for block in blocks:
            excluded = seen[block]
            most = int(np.diff(excluded.indptr).max(initial=0))
            parts.append(self._best(len(block), k + most).without(excluded, min(k, len(self.order_))))
        return Candidates(np.concatenate([p.videos for p in parts]), np.concatenate([p.scores for p in parts]))

    def _best(self, users: int, k: int) -> Candidates:
        videos = np.tile(self.order_[:k], (users, 1))
        return Candidates(videos, self.counts_[videos])
