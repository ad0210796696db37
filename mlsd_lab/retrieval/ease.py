"""A linear model of videos on videos in closed form: hard to beat where the catalogue fits into memory."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.retrieval.from_history import FromHistory

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_COPIES = 2.5  # of the dense matrix at the most: it, and the sparse one that it is made from, 12 bytes an entry


class EASE(FromHistory):
    """Predicts each video's column from all the others, by ridge regression (Steck 2019, arXiv:1905.03375).

    `fit` learns `weights_`, float64 of shape (videos, videos) with a diagonal of zero: what a video in a history adds
    to each other one's score. A pair counts once, however many events it has. Memory grows with the square of the
    catalogue: `fit` raises `ConfigError` where it could take more than `memory_gb`, and `DataError` where the
    regularization is lost beside the counts.

    >>> import pandas as pd
    >>> pairs = [("ann", "a"), ("ann", "b"), ("bob", "a"), ("bob", "b"), ("cem", "a"), ("dan", "y"), ("dan", "z")]
    >>> frame = pd.DataFrame(pairs, columns=["user_id", "video_id"])
    >>> log = Log.from_frames(frame.assign(occurred_at=pd.Timestamp("2026-01-01", tz="UTC")))
    >>> found = EASE(regularization=1).fit(log).retrieve(np.array([2]), k=1, seen=log.matrix())
    >>> log.videos.video_id[found.videos[0, 0]]
    'b'
    """

    def __init__(self, regularization: float = 300.0, memory_gb: float = 4.0) -> None:
        if not regularization > 0 or not memory_gb > 0:
            raise ConfigError(f"expected regularization and memory_gb above 0, found {regularization} and {memory_gb}")
        self.regularization, self.memory_gb = regularization, memory_gb

    def learn(self, log: Log, history: "csr_matrix") -> None:  # noqa: ARG002
        """Invert the Gram matrix of the videos, XᵀX + λI, in place."""
        from scipy.linalg.lapack import dpotrf, dpotri
        from threadpoolctl import threadpool_limits

        videos = history.shape[1]
        needed = _COPIES * 8 * videos**2 / 1e9
        if needed > self.memory_gb:
            raise ConfigError(
                f"EASE holds a weight for each pair of videos: {videos:,} of them need {needed:.1f} GB, memory_gb "
                f"allows {self.memory_gb:g}; raise it, or take ItemKNN or ALS, which grow with the events"
            )
        once = history.sign()
        gram = (once.T @ once).toarray(order="F")
        gram[np.diag_indices(videos)] += self.regularization
        with threadpool_limits(1, user_api="blas"):  # the same bits on any number of cores
            factor, failed = dpotrf(gram, overwrite_a=1)
            if failed:  # λ > 0 makes it positive definite, but for what float64 cannot tell from zero
                raise DataError(f"EASE cannot invert XᵀX + λI with λ = {self.regularization:g}; raise regularization")
            inverse, _ = dpotri(factor, overwrite_c=1)
        inverse += np.triu(inverse, 1).T  # below the diagonal it is zero
        inverse /= -np.diag(inverse).copy()
        np.fill_diagonal(inverse, 0.0)
        self.weights_: NDArray[np.float64] = inverse

    def scores_of(self, history: "csr_matrix") -> NDArray[np.float64]:
        """Add up the weights of the videos in each history."""
        return history.sign() @ self.weights_
