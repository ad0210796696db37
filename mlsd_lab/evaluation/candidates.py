"""The list of videos that a retriever finds for each user: what is judged, filtered and ranked."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlsd_lab.errors import ConfigError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_INT32 = np.iinfo(np.int32)
NOBODY = -1  # fills a row that has fewer candidates than its neighbours


@dataclass(frozen=True)
class Candidates:
    """A row of video codes a user, best first, with scores (higher is better); −1 and −inf fill short rows.

    `videos` is int32 and `scores` float64, both of shape (users, k); arrays of other widths are converted.

    >>> found = Candidates(np.array([[4, 2, 7]]), np.array([[0.9, 0.5, 0.1]]))
    >>> found.head(2).videos.tolist()
    [[4, 2]]
    """

    videos: NDArray[np.int32]
    scores: NDArray[np.float64]

    def __post_init__(self) -> None:
        codes = np.asarray(self.videos)
        if codes.dtype.itemsize > 4 and codes.size and not _INT32.min <= codes.min() <= codes.max() <= _INT32.max:
            raise ConfigError(f"videos: expected codes within int32, up to {_INT32.max:,}, found {codes.max():,}")
        object.__setattr__(self, "videos", np.asarray(self.videos).astype(np.int32, casting="same_kind", copy=False))
        object.__setattr__(self, "scores", np.asarray(self.scores, dtype=np.float64))
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
        if keep.shape != self.videos.shape:
            raise ConfigError(f"keep: expected shape {self.videos.shape}, as the candidates have, found {keep.shape}")
        keep = keep & (self.videos != NOBODY)
        order = np.argsort(~keep, axis=1, kind="stable")[:, :k]
        kept = np.take_along_axis(keep, order, axis=1)
        videos = np.where(kept, np.take_along_axis(self.videos, order, axis=1), NOBODY)
        scores = np.where(kept, np.take_along_axis(self.scores, order, axis=1), -np.inf)
        return Candidates(videos, scores)

    def without(self, seen: "csr_matrix", k: int) -> "Candidates":
        """Return the best k of each row that its user has not seen; `seen` has a row a user, a column a video.

        To be sure of k a row must hold k + (number seen) candidates.

        >>> from scipy.sparse import csr_matrix
        >>> found = Candidates(np.array([[1, 2, 0]]), np.array([[0.9, 0.5, 0.1]]))
        >>> found.without(csr_matrix([[0, 1, 0]]), k=2).videos.tolist()
        [[2, 0]]
        """
        return self.kept(~members(self.videos, seen), k)

    def matrix(self, catalogue: int) -> "csr_matrix":
        """Return who is shown what as a sparse users × videos matrix of ones (float64).

        >>> Candidates(np.array([[2, 0], [1, -1]]), np.zeros((2, 2))).matrix(catalogue=3).toarray().tolist()
        [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
        """
        from scipy.sparse import csr_matrix

        if self.videos.max(initial=NOBODY) >= catalogue:
            raise ConfigError(f"catalogue: expected more than {self.videos.max()}, the highest code, found {catalogue}")
        shown = self.videos != NOBODY
        begins = np.concatenate([[0], np.cumsum(shown.sum(axis=1))])
        return csr_matrix((np.ones(begins[-1]), self.videos[shown], begins), shape=(len(self.videos), catalogue))


def members(videos: NDArray[np.int32], rows: "csr_matrix") -> NDArray[np.bool_]:
    """Tell for each video code of shape (users, k) whether it is a stored entry of the same row of a sparse matrix.

    >>> from scipy.sparse import csr_matrix
    >>> members(np.array([[0, 1, -1]]), csr_matrix([[5, 0, 0]])).tolist()
    [[True, False, False]]
    """
    if len(videos) != rows.shape[0]:
        raise ConfigError(f"expected a sparse row a user: {len(videos)}, found {rows.shape[0]}")
    if videos.size and not NOBODY <= videos.min() <= videos.max() < rows.shape[1]:
        raise ConfigError(
            f"videos: expected codes from 0 to {rows.shape[1] - 1}, found {videos.min()} to {videos.max()}"
        )
    rows = rows.tocsr()
    width = rows.shape[1] + 1  # one column more, so that −1 of a row is no video of the row before it
    held = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr)) * width + rows.indices
    held.sort()
    asked = np.arange(len(videos))[:, None] * width + np.where(videos == NOBODY, width - 1, videos)
    if len(held) == 0:
        return np.zeros(videos.shape, dtype=bool)
    at = np.minimum(np.searchsorted(held, asked), len(held) - 1)
    found: NDArray[np.bool_] = held[at] == asked
    return found


def checked_users(users: ArrayLike, number: int) -> NDArray[np.int64]:
    """Return user codes as an array, or raise `ConfigError` for one that the log has not: −1 is not its last user.

    >>> checked_users([0, -1], number=3)
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: users: expected codes from 0 to 2, found -1
    """
    codes = np.asarray(users)
    if codes.size == 0:
        return np.empty(0, dtype=np.int64)
    if codes.ndim != 1 or not np.issubdtype(codes.dtype, np.integer):
        raise ConfigError(f"users: expected a list of whole numbers, found shape {codes.shape} of {codes.dtype}")
    unknown = (codes < 0) | (codes >= number)
    if unknown.any():
        raise ConfigError(f"users: expected codes from 0 to {number - 1}, found {codes[unknown][0]}")
    return codes.astype(np.int64)


def checked_seen(seen: "csr_matrix", users: int, videos: int) -> "csr_matrix":
    """Return what was seen, in any sparse format, by row; raise `ConfigError` unless it has a row a user of the log.

    >>> from scipy.sparse import coo_matrix
    >>> checked_seen(coo_matrix((2, 3)), users=5, videos=3)
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: seen: expected shape (5, 3), a row a user and a column a video, found (2, 3)
    """
    if seen.shape != (users, videos):
        raise ConfigError(
            f"seen: expected shape ({users}, {videos}), a row a user and a column a video, found {seen.shape}"
        )
    return seen.tocsr()
