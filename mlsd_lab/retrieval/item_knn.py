"""Videos that share an audience with those a person has had: counted, not learned."""

from typing import TYPE_CHECKING

import numpy as np

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError
from mlsd_lab.retrieval.from_history import FromHistory

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class ItemKNN(FromHistory):
    """Scores a video by the audience it shares with each video of the history (Sarwar et al. 2001).

    Two videos with audiences of n and m people, c of them the same, are alike by c / (n × m) ** `damping`: at 0.5 that
    is the cosine, which favours the rare; at 0 the plain count, which favours the popular. `fit` learns `neighbours_`,
    a sparse matrix of the `neighbours` most alike of each video, found by `implicit`; the work grows with the pairs of
    videos that a person shares, not with the square of the catalogue.

    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [1, 1, 2, 2, 3], "video_id": list("ababa")})
    >>> log = Log.from_frames(frame.assign(occurred_at=pd.Timestamp("2026-01-01", tz="UTC")))
    >>> found = ItemKNN().fit(log).retrieve(np.array([2]), k=1, seen=log.matrix())
    >>> log.videos.video_id[found.videos[0, 0]]
    'b'
    """

    def __init__(self, neighbours: int = 200, damping: float = 0.25) -> None:
        if neighbours < 1 or not 0 <= damping <= 1:
            raise ConfigError(
                f"expected 1 or more neighbours and damping from 0 to 1, found {neighbours} and {damping}"
            )
        self.neighbours, self.damping = neighbours, damping

    def learn(self, log: Log, history: "csr_matrix") -> None:  # noqa: ARG002
        """Find the neighbours of each video."""
        from implicit.nearest_neighbours import all_pairs_knn
        from scipy.sparse import diags

        once = history.sign()
        audience = np.maximum(once.getnnz(axis=0), 1)
        damped = (once @ diags(audience**-self.damping)).tocsr()
        alike = all_pairs_knn(damped, self.neighbours + 1, show_progress=False, num_threads=0).tocsr()
        alike.setdiag(0)  # a video is its own nearest
        alike.eliminate_zeros()
        self.neighbours_: csr_matrix = alike

    def scores_of(self, history: "csr_matrix") -> "csr_matrix":
        """Add up the likeness to the videos in each history."""
        return (history.sign() @ self.neighbours_).tocsr()
