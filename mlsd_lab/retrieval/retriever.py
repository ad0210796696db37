"""What every source of candidates can do."""

from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.datasets import Log
from mlsd_lab.evaluation import Candidates

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class Retriever(Protocol):
    """Learns from a log, then finds candidates for users, best first.

    An implementation inherits the tests of `tests/retrieval/retriever_contract.py`: k columns at most, no video twice
    in a row, none that was seen, short rows filled with −1, the same result for the same input.

    >>> from mlsd_lab.evaluation import Popular
    >>> retriever: Retriever = Popular()
    """

    def fit(self, log: Log) -> Self:
        """Learn from the events of a log; codes of users and videos are row numbers in its tables."""

    def retrieve(self, users: NDArray[np.integer], k: int, seen: "csr_matrix | None" = None) -> Candidates:
        """Return up to k videos for each user code, without those in the user's row of `seen` (all users × videos)."""
