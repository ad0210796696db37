"""All ranking metrics of many lists: ours beside a plain loop for one of them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from benchmarks.child import Arrays, timed
from benchmarks.environment import HERE
from benchmarks.side_by_side import SideBySide
from mlsd_lab.evaluation import Candidates, TopK, coverage, exposure_gini, novelty


def inputs(size: dict[str, int]) -> Arrays:
    """Make lists and relevant videos of skewed popularity, five relevant a user at most."""
    rng = np.random.default_rng(0)
    users, catalogue = size["users"], size["catalogue"]
    share = 1 / np.arange(1, catalogue + 1) ** 0.8
    videos = np.stack([most_liked(rng, share, size["k"]) for _ in range(users)])
    row = np.repeat(np.arange(users), 5)
    column = rng.choice(catalogue, size=len(row), p=share / share.sum())
    relevant = csr_matrix((np.ones(len(row)), (row, column)), shape=(users, catalogue))
    relevant.sum_duplicates()
    lists = {"videos": videos, "popularity": rng.poisson(50, catalogue)}
    return lists | {"relevant_ends": relevant.indptr[1:], "relevant_videos": relevant.indices}


def work(given: Arrays) -> Arrays:
    """Compute recall, precision, NDCG, average precision, novelty, coverage and Gini; return NDCG."""
    videos, popularity = given["videos"], given["popularity"]
    ends, columns = np.concatenate([[0], given["relevant_ends"]]), given["relevant_videos"]
    relevant = csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(videos), len(popularity)))
    found = Candidates(videos, np.zeros(videos.shape))
    judged = TopK.judge(found, relevant)
    judged.recall(), judged.precision(), judged.average_precision(), novelty(found, popularity)
    coverage(found, len(popularity)), exposure_gini(found, len(popularity))
    return {"ndcg": judged.ndcg()}


def most_liked(rng: np.random.Generator, share: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Draw k different videos in proportion to their share (the largest of Gumbel-perturbed logarithms)."""
    return np.argpartition(-(np.log(share) + rng.gumbel(size=len(share))), k)[:k]


ROWS = (
    SideBySide(
        name="metrics",
        what="Judge lists by all seven ranking metrics; the loop computes NDCG alone.",
        inputs=inputs,
        ours=Path(__file__),
        peer=HERE / "peers" / "python_loop.py",
        size={"users": 25_000, "k": 100, "catalogue": 7_500},
        small={"users": 1_000, "k": 100, "catalogue": 1_000},
        tolerance=1e-12,
    ),
)

if __name__ == "__main__":
    timed(work, "numpy", "scipy")
