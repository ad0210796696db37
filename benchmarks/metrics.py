"""How long do metrics and their intervals take, beside a plain loop over users?

python benchmarks/metrics.py --users 25000 --k 100 --catalogue 7500
"""

import argparse
import math
from time import perf_counter

import numpy as np
from scipy.sparse import csr_matrix

from mlsd_lab.evaluation import Candidates, TopK, coverage, exposure_gini, novelty
from mlsd_lab.evaluation.scoreboard import Scoreboard
from mlsd_lab.machine import machine, versions


def main() -> None:
    """Judge synthetic lists of skewed popularity; print seconds, the ratio, and that both ways agree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("users", 25_000), ("k", 100), ("catalogue", 7_500), ("rounds", 1_000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    size = parser.parse_args()
    rng = np.random.default_rng(0)
    share = 1 / np.arange(1, size.catalogue + 1) ** 0.8
    videos = np.stack([most_liked(rng, share, size.k) for _ in range(size.users)])
    found = Candidates(videos, np.zeros(videos.shape))
    row = np.repeat(np.arange(size.users), 5)
    column = rng.choice(size.catalogue, size=len(row), p=share / share.sum())
    relevant = csr_matrix((np.ones(len(row)), (row, column)), shape=(size.users, size.catalogue))
    popularity = rng.poisson(50, size.catalogue)

    print(f"{machine()} {versions()}")
    print(f"{size.users:,} users × top {size.k}, {size.catalogue:,} videos")
    began = perf_counter()
    judged = TopK.judge(found, relevant)
    values = judged.recall(), judged.precision(), judged.ndcg(), judged.average_precision(), novelty(found, popularity)
    coverage(found, size.catalogue), exposure_gini(found, size.catalogue)
    ours = perf_counter() - began
    began = perf_counter()
    looped = loop_ndcg(videos, relevant)
    theirs = perf_counter() - began
    assert np.allclose(looped, values[2], equal_nan=True)
    print(f"all metrics: {ours:.2f} s; a loop for NDCG alone: {theirs:.2f} s, {theirs / ours:.1f} × ours")
    began = perf_counter()
    Scoreboard.judge({"one": found}, relevant, popularity, rounds=size.rounds)
    print(f"the same with intervals of {size.rounds:,} rounds: {perf_counter() - began:.2f} s")


def most_liked(rng: np.random.Generator, share: np.ndarray, k: int) -> np.ndarray:
    """Draw k different videos in proportion to their share (the largest of Gumbel-perturbed logarithms)."""
    return np.argpartition(-(np.log(share) + rng.gumbel(size=len(share))), k)[:k]


def loop_ndcg(videos: np.ndarray, relevant: csr_matrix) -> list[float]:
    """Compute NDCG user by user and rank by rank, as one would write it down."""
    values = []
    for user, ranked in enumerate(videos.tolist()):
        wanted = set(relevant[user].indices.tolist())
        gained = sum(1 / math.log2(rank + 2) for rank, video in enumerate(ranked) if video in wanted)
        best = sum(1 / math.log2(rank + 2) for rank in range(min(len(wanted), len(ranked))))
        values.append(gained / best if wanted else math.nan)
    return values


if __name__ == "__main__":
    main()
