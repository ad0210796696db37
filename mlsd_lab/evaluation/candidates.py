"""The list of videos that a retriever finds for each user: what is judged, filtered and ranked."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.errors import ConfigError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

NOBODY = -1  # fills a row that has fewer candidates than its neighbours


@dataclass(frozen=True)
class Candidates:
    """A row of video codes a user, best first, with scores (higher is better); −1 and −inf fill short rows.

    `videos` is int32 and `scores` float64, both of shape (users, k).

    >>> found = Candidates(np.array([[4, 2, 7]]), np.array([[0.9, 0.5, 0.1]]))
    >>> found.head(2).videos.tolist()
    [[4, 2]]
    """

    videos: NDArray[np.int32]
    scores: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.videos.ndim != 2 or self.videos.shape != self.scores.shape:
            raise ConfigError(
                f"expected videos and scores of one shape (users, k), found {self.videos.shape} and {self.scores.shape}"
            )

    def head(self, k: int) -> "Candidates":
        """Return the best k of each row."""
        return Candidates(self.videos[:, :k], self.scores[:, :k])

    def kept(self, keep: NDArray[np.bool_], k: int) -> "Candidates":
        """Return the first k of each row that `keep` marks, moved together, short rows filled up.

        >>> found = Candidates(np.array([[4, 2, 7]]), np.array([[0.9, 0.5, 0.1]]))
        >>> found.kept(np.array([[False, True, True]]), k=3).videos.tolist()
        [[2, 7, -1]]
        """
        keep = keep & (self.videos != NOBODY)
        order = np.argsort(~keep, axis=1, kind="stable")[:, :k]
        kept = np.take_along_axis(keep, order, axis=1)
        videos = np.where(kept, np.take_along_axis(self.videos, order, axis=1), NOBODY)
        scores = np.where(kept, np.take_along_axis(self.scores, order, axis=1), -np.inf)
        return Candidates(videos.astype(np.int32), scores)

    def without(self, seen: "csr_matrix", k: int) -> "Candidates":
        """Return the best k of each row that its user has not seen; `seen` has a row a user, a column a video.

        To be sure of k a row must hold k + (number seen) candidates.

        >>> from scipy.sparse import csr_matrix
        >>> found = Candidates(np.array([[1, 2, 0]]), np.array([[0.9, 0.5, 0.1]]))
        >>> found.without(csr_matrix([[0, 1, 0]]), k=2).videos.tolist()
        [[2, 0]]
        """
        return self.kept(~members(self.videos, seen), k)


def members(videos: NDArray[np.int32], rows: "csr_matrix") -> NDArray[np.bool_]:
    """Tell for each video code of shape (users, k) whether it is a stored entry of the same row of a sparse matrix.

    >>> from scipy.sparse import csr_matrix
    >>> members(np.array([[0, 1, -1]]), csr_matrix([[5, 0, 0]])).tolist()
    [[True, False, False]]
    """
    width = rows.shape[1] + 1  # one column more, so that −1 of a row is no video of the row before it
    held = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr)) * width + rows.indices
    held.sort()
    asked = np.arange(len(videos))[:, None] * width + np.where(videos == NOBODY, width - 1, videos)
    if len(held) == 0:
        return np.zeros(videos.shape, dtype=bool)
    at = np.minimum(np.searchsorted(held, asked), len(held) - 1)
    found: NDArray[np.bool_] = held[at] == asked
    return found
