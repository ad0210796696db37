"""New uploads, tried on a few: how a video gets the first events that the other sources learn from."""

from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import Candidates
from mlsd_lab.evaluation.candidates import checked_seen, checked_users
from mlsd_lab.retrieval.best import best

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix

_BLOCK = 1000  # users at a time


class Fresh:
    """Recent uploads, drawn anew for each user: a video half as likely after each `half_life_days`.

    A draw without replacement in proportion to 0.5 ** (age / half-life), made by adding Gumbel noise to its logarithm
    (Efraimidis & Spirakis 2006 in another form). `exploration` scales the noise: 1 is that draw, 0 the newest first
    for everybody. The noise comes from the seed and the user's code, so a user's list is the same each time.

    `fit` learns `pool_`, codes of the `most` newest videos, and `age_`, their days. What was uploaded after the
    log's newest `known_at` is not there yet; a video without `uploaded_at` is as old as its first event, and one
    without events either is never drawn.

    >>> import pandas as pd
    >>> times = pd.to_datetime(["2026-01-01", "2026-01-09"], utc=True)
    >>> log = Log.from_frames(pd.DataFrame({"user_id": "ann", "video_id": ["old", "new"], "occurred_at": times}))
    >>> found = Fresh(exploration=0).fit(log).retrieve(np.array([0]), k=2)
    >>> log.videos.video_id[found.videos[0]].tolist()
    ['new', 'old']
    """

    def __init__(self, half_life_days: float = 3.0, exploration: float = 1.0, most: int = 2_000, seed: int = 0) -> None:
        if not half_life_days > 0 or not exploration >= 0 or most < 1 or seed < 0:
            raise ConfigError(
                "expected half_life_days above 0, exploration and seed of 0 or more and most of 1 or more, "
                f"found {half_life_days}, {exploration}, {seed} and {most}"
            )
        self.half_life_days, self.exploration, self.most, self.seed = half_life_days, exploration, most, seed

    def fit(self, log: Log) -> Self:
        """Find the newest videos as of the log's newest `known_at`."""
        self.shape_ = len(log.users), len(log.videos)
        age = ages(log)
        there = np.flatnonzero(age >= 0)
        newest = there[np.argsort(age[there], kind="stable")][: self.most]
        self.pool_: NDArray[np.int64] = np.sort(newest)
        self.age_: NDArray[np.float64] = age[self.pool_]
        return self

    def retrieve(self, users: NDArray[np.integer], k: int, seen: "csr_matrix | None" = None) -> Candidates:
        """Return k of the newest videos for each user code, drawn for that user."""
        if k < 1:
            raise ConfigError(f"k: expected 1 or more, found {k}")
        users = checked_users(users, self.shape_[0])
        seen = None if seen is None else checked_seen(seen, *self.shape_)[:, self.pool_].tocsr()
        blocks = [users[start : start + _BLOCK] for start in range(0, max(1, len(users)), _BLOCK)]
        parts = [best(self._drawn(block), k, None if seen is None else seen[block]) for block in blocks]
        found = Candidates(np.concatenate([p.videos for p in parts]), np.concatenate([p.scores for p in parts]))
        codes = np.append(self.pool_, -1)[found.videos] if len(self.pool_) else found.videos  # −1 stays −1
        return Candidates(codes, found.scores)

    def _drawn(self, users: NDArray[np.int64]) -> NDArray[np.float64]:
        weight = -self.age_ * np.log(2) / self.half_life_days
        noise = [np.random.default_rng((self.seed, user)).gumbel(size=len(weight)) for user in users.tolist()]
        return weight + self.exploration * np.array(noise).reshape(len(users), len(weight))


def ages(log: Log) -> NDArray[np.float64]:
    """Return each video's days since its upload, else its first event, at the newest `known_at`; NaN for neither.

    Negative for an upload that is still to come.

    >>> import pandas as pd
    >>> times = pd.to_datetime(["2026-01-01", "2026-01-09"], utc=True)
    >>> ages(Log.from_frames(pd.DataFrame({"user_id": "ann", "video_id": ["a", "b"], "occurred_at": times}))).tolist()
    [8.0, 0.0]
    """
    now = log.events["known_at"].max()
    first = log.events.groupby("video_id", observed=False)["known_at"].min()
    born: pd.Series = first.reindex(log.videos["video_id"]).reset_index(drop=True)
    if "uploaded_at" in log.videos:
        born = log.videos["uploaded_at"].reset_index(drop=True).fillna(born)
    return ((now - born) / np.timedelta64(1, "D")).to_numpy(np.float64)


def uploaded(log: Log) -> "pd.DataFrame":
    """Return the videos as they were known at the newest `known_at`: the row of an upload still to come holds nothing.

    >>> import pandas as pd
    >>> times = pd.to_datetime(["2026-01-01", "2026-01-09"], utc=True)
    >>> videos = pd.DataFrame({"video_id": ["a", "b"], "topic": ["x", "y"], "uploaded_at": times})
    >>> events = pd.DataFrame({"user_id": ["ann"], "video_id": ["a"], "occurred_at": times[:1]})
    >>> uploaded(Log.from_frames(events, videos)).topic.isna().tolist()
    [False, True]
    """
    return log.videos[~(ages(log) < 0)].reindex(log.videos.index)
