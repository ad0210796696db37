"""What retrievers share that score every video from the videos a person has had, and keep no vector a person."""

import copy
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import Candidates
from mlsd_lab.evaluation.candidates import checked_seen, checked_users
from mlsd_lab.retrieval.best import best, best_stored
from mlsd_lab.retrieval.by_blocks import by_blocks
from mlsd_lab.retrieval.vector_index import once_each

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_BLOCK_BYTES = 64e6  # of dense scores held at once


class FromHistory(ABC):
    """A retriever whose scores are a function of a person's row of counts; a person without events gets an empty row.

    What `learn` keeps belongs to videos alone. So new events, or people whom the fit did not see, need no refit:
    `folded` answers for other histories with what was learned.

    >>> import pandas as pd
    >>> from scipy.sparse import csr_matrix
    >>> from mlsd_lab.retrieval import ItemKNN
    >>> frame = pd.DataFrame({"user_id": [1, 1, 2, 2], "video_id": list("abab")})
    >>> log = Log.from_frames(frame.assign(occurred_at=pd.Timestamp("2026-01-01", tz="UTC")))
    >>> someone_new = csr_matrix([[1.0, 0.0]])  # who has watched a
    >>> found = ItemKNN().fit(log).folded(someone_new).retrieve(np.array([0]), k=1, seen=someone_new)
    >>> log.videos.video_id[found.videos[0, 0]]
    'b'
    """

    def fit(self, log: Log) -> Self:
        """Learn from every event of the log, whatever it led to."""
        self.history_ = log.matrix()
        self.learn(log, self.history_)
        return self

    @abstractmethod
    def learn(self, log: Log, history: "csr_matrix") -> None:
        """Learn from the counts, users × videos; the log has what is known of the videos."""

    @abstractmethod
    def scores_of(self, history: "csr_matrix") -> "NDArray[np.float64] | csr_matrix":
        """Return a score for each video, a row a row of `history`; in a sparse answer zero is no score."""

    def folded(self, history: "csr_matrix") -> Self:
        """Return this fitted model for other people, or the same at a later time: their counts, a row a person."""
        other = copy.copy(self)
        other.history_ = checked_history(history, self.history_.shape[1])
        return other

    def retrieve(self, users: NDArray[np.integer], k: int, seen: "csr_matrix | None" = None) -> Candidates:
        """Return the k videos of highest score for each user code; empty rows for users without events."""
        if k < 1:
            raise ConfigError(f"k: expected 1 or more, found {k}")
        number, size = self.history_.shape
        users = checked_users(users, number)
        seen = None if seen is None else checked_seen(seen, number, size)
        block = max(1, int(_BLOCK_BYTES / (8 * size)))
        return by_blocks(len(users), block, lambda rows: self._best(users[rows], k, seen))

    def _best(self, users: NDArray[np.int64], k: int, seen: "csr_matrix | None") -> Candidates:
        history = self.history_[users]
        exclude = None if seen is None else seen[users]
        scores = self.scores_of(history)
        if not isinstance(scores, np.ndarray):
            return best_stored(scores, k, exclude)
        scores[np.diff(history.indptr) == 0] = -np.inf
        return best(scores, k, exclude)


def checked_history(history: "csr_matrix", videos: int) -> "csr_matrix":
    """Return counts as `Log.matrix` has them, each pair stored once and none of zero, or raise for another catalogue.

    >>> from scipy.sparse import csr_matrix
    >>> checked_history(csr_matrix(([1.0, 1.0, 0.0], [4, 4, 2], [0, 3]), shape=(1, 5)), videos=5).data.tolist()
    [2.0]
    """
    if history.shape[1] != videos:
        raise ConfigError(f"history: expected {videos} columns, one a video as fitted, found {history.shape[1]}")
    counts = once_each(history.tocsr())
    if not counts.data.all():
        counts = counts.copy()
        counts.eliminate_zeros()
    return counts.astype(np.float64, copy=False)
