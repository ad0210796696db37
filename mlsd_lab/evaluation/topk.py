"""How good are the first k of each user's candidates? Over the full catalogue, never on sampled negatives."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation.candidates import Candidates, members

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

PerUser = NDArray[np.float64]


@dataclass(frozen=True)
class TopK:
    """Which of each user's candidates were relevant: `hits` of shape (users, k), and how many relevant ones exist.

    Each metric is an array with a value a user, NaN for a user with nothing relevant, so that it can be averaged,
    bootstrapped and compared in pairs. `k` defaults to the width of the lists.

    >>> from scipy.sparse import csr_matrix
    >>> found = Candidates(np.array([[3, 1, 2]]), np.array([[0.9, 0.8, 0.7]]))
    >>> judged = TopK.judge(found, relevant=csr_matrix([[0, 1, 0, 0, 1]]))
    >>> judged.recall().tolist(), judged.precision(2).tolist(), judged.average_precision().tolist()
    ([0.5], [0.5], [0.25])
    """

    hits: NDArray[np.bool_]
    relevant: NDArray[np.int64]

    @classmethod
    def judge(cls, candidates: Candidates, relevant: "csr_matrix") -> "TopK":
        """Compare candidates with the relevant videos of the same users (a sparse row a user, any nonzero counts).

        Raises `ConfigError` when a relevant video stands twice in a list, which would count one hit twice.
        """
        relevant = relevant.tocsr(copy=True)
        relevant.sum_duplicates()
        relevant.eliminate_zeros()
        hits = members(candidates.videos, relevant)
        found = np.nonzero(hits)[0] * relevant.shape[1] + candidates.videos[hits]
        if len(np.unique(found)) < len(found):
            raise ConfigError("candidates: expected each video once in a list, found a relevant one twice")
        return cls(hits, np.diff(relevant.indptr).astype(np.int64))

    def recall(self, k: int | None = None) -> PerUser:
        """Share of the relevant videos that are among the first k."""
        return self._per_user(self._first(k).sum(axis=1), self.relevant)

    def precision(self, k: int | None = None) -> PerUser:
        """Share of the first k that are relevant (a shorter list counts as k)."""
        return self._per_user(self._first(k).sum(axis=1), np.full(len(self.relevant), k or self.hits.shape[1]))

    def ndcg(self, k: int | None = None) -> PerUser:
        """Sum of 1 / log2(rank + 1) over the hits, as a share of the best list's (Järvelin & Kekäläinen 2002)."""
        hits = self._first(k)
        discount = 1 / np.log2(np.arange(2, hits.shape[1] + 2))
        best = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(self.relevant, hits.shape[1])]
        return self._per_user(hits @ discount, best)

    def average_precision(self, k: int | None = None) -> PerUser:
        """Mean over min(relevant, k) of the precision at each hit; its mean over users is MAP at k."""
        hits = self._first(k)
        at_hit = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
        return self._per_user((at_hit * hits).sum(axis=1), np.minimum(self.relevant, hits.shape[1]))

    def _first(self, k: int | None) -> NDArray[np.bool_]:
        if k is not None and not 1 <= k <= self.hits.shape[1]:
            raise ConfigError(f"k: expected 1 to {self.hits.shape[1]}, the length of the lists, found {k}")
        return self.hits[:, :k]

    def _per_user(self, amount: NDArray[np.number], of: NDArray[np.number]) -> PerUser:
        return np.where(self.relevant > 0, amount / np.maximum(of, 1), np.nan)
