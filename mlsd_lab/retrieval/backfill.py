"""A list that is never short: one retriever's candidates, filled up from another's."""

from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.datasets import Log
from mlsd_lab.evaluation import NOBODY, Candidates
from mlsd_lab.evaluation.candidates import members
from mlsd_lab.retrieval.retriever import Retriever

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class Backfill:
    """Candidates of `first`, and where they are fewer than k, those of `then` behind them.

    This is what a user without history gets, and one whose filter left too few. Scores of `then` are of another kind:
    they are lowered below the row's last of `first`, and keep their order.

    >>> import pandas as pd
    >>> from mlsd_lab.evaluation import Popular
    >>> from mlsd_lab.retrieval import ALS
    >>> frame = pd.DataFrame({"user_id": ["ann", "bob"], "video_id": ["a", "b"]})
    >>> frame["occurred_at"] = pd.Timestamp("2026-01-01", tz="UTC")
    >>> log = Log.from_frames(frame, users=pd.DataFrame({"user_id": ["new"]}))
    >>> Backfill(ALS(factors=2), Popular()).fit(log).retrieve(np.array([2]), k=2).videos.tolist()
    [[0, 1]]
    """

    def __init__(self, first: Retriever, then: Retriever) -> None:
        self.first, self.then = first, then

    def fit(self, log: Log) -> Self:
        """Fit both on the same log."""
        self.first.fit(log)
        self.then.fit(log)
        return self

    def retrieve(self, users: NDArray[np.integer], k: int, seen: "csr_matrix | None" = None) -> Candidates:
        """Return k videos for each user code, as long as the two sources have as many that the user has not seen."""
        return self.filled(self.first.retrieve(users, k, seen), users, k, seen)

    def filled(
        self, found: Candidates, users: NDArray[np.integer], k: int, seen: "csr_matrix | None" = None
    ) -> Candidates:
        """Return what `first` found for these users, filled up from `then`."""
        short = np.flatnonzero((found.videos == NOBODY).sum(axis=1) + k - found.videos.shape[1])
        if len(short) == 0:
            return found
        more = self.then.retrieve(np.asarray(users)[short], k, seen)
        known = Candidates(found.videos[short], found.scores[short])
        both = np.concatenate([known.videos, more.videos], axis=1)
        new = ~members(more.videos, known.matrix(1 + int(both.max(initial=0))))
        lowest = np.where(np.isfinite(known.scores), known.scores, np.inf).min(axis=1, initial=0.0, keepdims=True)
        behind = lowest - 1 - np.arange(more.videos.shape[1])
        keep = np.concatenate([known.videos != NOBODY, new], axis=1)
        filled = Candidates(both, np.concatenate([known.scores, behind], axis=1)).kept(keep, k)
        videos = np.full((len(found.videos), k), NOBODY, dtype=np.int32)
        scores = np.full((len(found.videos), k), -np.inf)
        for part, rows in ((found, np.arange(len(videos))), (filled, short)):
            videos[rows, : part.videos.shape[1]], scores[rows, : part.videos.shape[1]] = part.videos, part.scores
        return Candidates(videos, scores)
