"""Vectors for users and videos learned by telling a watched video from the others of its batch."""

from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.evaluation import NOBODY, Candidates
from mlsd_lab.evaluation.candidates import checked_seen, checked_users
from mlsd_lab.retrieval.exact_index import ExactIndex

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Floats = NDArray[np.float64]
TEMPERATURE = 0.1
"""Of the softmax over cosines; its usual range is 0.05 to 0.2."""


class TwoTowers:
    """A table of users and one of videos, trained by a softmax over each batch (Yi et al. 2019), in plain numpy.

    The other videos of a batch are the negatives, so a popular video is one far more often. `logq` takes the logarithm
    of how often that is off its logit, which undoes it; without, a score says how much *more* than usual somebody
    watches, and lists by it push the popular down. Vectors have length one, which holds scores within ±10, and
    popularity does not fit in: with `logq` the log of a video's share of events is added when lists are made, too. In
    theory either half is enough, in trials either repairs most, and both are best (docs/decisions/0033). `fit` learns
    `user_factors_` and `video_factors_`, float64, and `prior_`, what is added.

    It is here to show the correction, and loses to ALS. A user without events gets an empty row.

    >>> import pandas as pd
    >>> pairs = [(u, v) for u in range(8) for v in range(8) if u % 2 == v % 2]
    >>> frame = pd.DataFrame(pairs, columns=["user_id", "video_id"])
    >>> log = Log.from_frames(frame.assign(occurred_at=pd.Timestamp("2026-01-01", tz="UTC")))
    >>> found = TwoTowers(factors=4, epochs=60, batch=24).fit(log).retrieve(np.arange(8), k=4)
    >>> found.videos.shape, np.mean(found.videos % 2 == np.arange(8)[:, None] % 2) > 0.9
    ((8, 4), np.True_)
    """

    def __init__(
        self,
        factors: int = 32,
        epochs: int = 15,
        batch: int = 1024,
        rate: float = 0.5,
        logq: bool = True,
        seed: int = 0,
    ) -> None:
        if factors < 1 or epochs < 1 or batch < 2 or not rate > 0 or seed < 0:
            raise ConfigError(
                "expected factors and epochs of 1 or more, batch of 2 or more, rate above 0 and seed of 0 or more, "
                f"found {factors}, {epochs}, {batch}, {rate} and {seed}"
            )
        self.factors, self.epochs, self.batch, self.rate = factors, epochs, batch, rate
        self.logq, self.seed = logq, seed

    def fit(self, log: Log) -> Self:
        """Learn from every event of the log, in a seeded order. Raises `DataError` for a log without events."""
        from threadpoolctl import threadpool_limits

        user, video = (log.events[name].cat.codes.to_numpy(np.int64) for name in ("user_id", "video_id"))
        if len(user) == 0:
            raise DataError("expected events to learn from, found none")
        rng = np.random.default_rng(self.seed)
        tables = [rng.normal(size=(rows, self.factors)) for rows in (len(log.users), len(log.videos))]
        squares = [np.full((len(table), 1), 1e-6) for table in tables]
        share = np.bincount(video, minlength=len(log.videos)) / len(video)
        with np.errstate(divide="ignore"):
            offset = np.log(share) if self.logq else np.zeros(len(share))
        with threadpool_limits(1, user_api="blas"):
            for _ in range(self.epochs):
                order = rng.permutation(len(user))
                for begin in range(0, len(order), self.batch):
                    rows = order[begin : begin + self.batch]
                    self._step(tables, squares, (user[rows], video[rows]), offset)
        self.known_ = np.bincount(user, minlength=len(log.users)) > 0
        self.user_factors_, self.video_factors_ = (_unit(table)[0] for table in tables)
        self.prior_ = offset if self.logq else np.where(share > 0, 0.0, -np.inf)
        floor = np.where(np.isfinite(self.prior_), self.prior_, self.prior_[np.isfinite(self.prior_)].min() - 1e3)
        self._index = ExactIndex(np.column_stack([self.video_factors_ / TEMPERATURE, floor]))
        return self

    def _step(
        self, tables: list[Floats], squares: list[Floats], pair: tuple[NDArray[np.int64], ...], offset: Floats
    ) -> None:
        """Go down the gradient of the batch's cross entropy once, by Adagrad with a rate a row."""
        (users, user_length), (videos, video_length) = (_unit(t[r]) for t, r in zip(tables, pair, strict=True))
        logits = users @ videos.T / TEMPERATURE - offset[pair[1]]
        same = pair[1][:, None] == pair[1]
        logits[same & ~np.eye(len(users), dtype=bool)] = -np.inf  # the same video is no negative of itself
        chance = np.exp(logits - logits.max(axis=1, keepdims=True))
        chance /= chance.sum(axis=1, keepdims=True)
        chance[np.diag_indices(len(users))] -= 1
        slopes = chance @ videos / TEMPERATURE, chance.T @ users / TEMPERATURE
        unit, lengths = (users, videos), (user_length, video_length)
        for at, slope in enumerate(slopes):
            slope = (slope - (slope * unit[at]).sum(axis=1, keepdims=True) * unit[at]) / lengths[at]
            rows, inverse = np.unique(pair[at], return_inverse=True)
            total = np.zeros((len(rows), self.factors))
            np.add.at(total, inverse, slope)
            squares[at][rows] += (total**2).mean(axis=1, keepdims=True)
            tables[at][rows] -= self.rate * total / np.sqrt(squares[at][rows])

    def retrieve(self, users: NDArray[np.integer], k: int, seen: "csr_matrix | None" = None) -> Candidates:
        """Return the k videos of highest score for each user code; empty rows for users without events."""
        users = checked_users(users, len(self.user_factors_))
        queries = np.column_stack([self.user_factors_[users], np.ones(len(users))])
        shape = len(self.user_factors_), len(self.video_factors_)
        found = self._index.search(queries, k, None if seen is None else checked_seen(seen, *shape)[users])
        known = self.known_[users][:, None]
        return Candidates(np.where(known, found.videos, NOBODY), np.where(known, found.scores, -np.inf))


def _unit(table: Floats) -> tuple[Floats, Floats]:
    """Return the rows at length one, and their lengths."""
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    return table / lengths, lengths
