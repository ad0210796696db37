"""The k highest of each row of scores, dense or sparse, without what is excluded: how every exact list is cut."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.evaluation import NOBODY, Candidates

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def best(scores: NDArray[np.float64], k: int, exclude: "csr_matrix | None" = None) -> Candidates:
    """Return the k highest finite scores of each row of (users, videos); equal ones go by video code.

    What is stored in a row of `exclude` is overwritten in `scores` by −inf and left out.

    >>> best(np.array([[1.0, 3.0, 3.0]]), k=2).videos.tolist()
    [[1, 2]]
    """
    if exclude is not None:
        scores[np.repeat(np.arange(len(scores)), np.diff(exclude.indptr)), exclude.indices] = -np.inf
    size = scores.shape[1]
    k = min(k, size)
    top = _highest(scores, k) if k < size else np.tile(np.arange(k), (len(scores), 1))
    order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1, kind="stable")
    top = np.take_along_axis(top, order, axis=1)
    found = Candidates(top.astype(np.int32), np.take_along_axis(scores, top, axis=1))
    return found.kept(np.isfinite(found.scores), k)


def best_stored(scores: "csr_matrix", k: int, exclude: "csr_matrix | None" = None) -> Candidates:
    """Return the k highest of the positive entries of each sparse row; zero is no score, so rows may be short.

    >>> from scipy.sparse import csr_matrix
    >>> best_stored(csr_matrix([[0.0, 0.5, 2.0]]), k=3).videos.tolist()
    [[2, 1, -1]]
    """
    rows, size = scores.shape
    row = np.repeat(np.arange(rows), np.diff(scores.indptr))
    kept = scores.data > 0
    if exclude is not None:
        excluded = np.repeat(np.arange(rows), np.diff(exclude.indptr)) * size + exclude.indices
        kept &= ~np.isin(row * size + scores.indices, excluded)
    row, video, score = row[kept], scores.indices[kept], scores.data[kept]
    order = np.lexsort((video, -score, row))
    row, video, score = row[order], video[order], score[order]
    place = np.arange(len(row)) - np.searchsorted(row, np.arange(rows))[row]
    first = place < k
    shape = rows, min(k, size)
    videos, found = np.full(shape, NOBODY, dtype=np.int32), np.full(shape, -np.inf)
    videos[row[first], place[first]], found[row[first], place[first]] = video[first], score[first]
    return Candidates(videos, found)


def _highest(scores: NDArray[np.float64], k: int) -> NDArray[np.intp]:
    """Columns of the k highest of each row, in ascending order; of those equal to the last, the first ones."""
    top = np.argpartition(scores, -k, axis=1)[:, -k:]
    last = np.take_along_axis(scores, top[:, :1], axis=1)  # argpartition puts the k-th highest first
    tied = np.flatnonzero((scores >= last).sum(axis=1) > k)
    equal = scores[tied] == last[tied]
    room = k - (scores[tied] > last[tied]).sum(axis=1, keepdims=True)
    kept = (scores[tied] > last[tied]) | (equal & (np.cumsum(equal, axis=1) <= room))
    top[tied] = np.nonzero(kept)[1].reshape(-1, k)
    top.sort(axis=1)
    return top
