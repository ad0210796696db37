# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy>=2"]
# ///
"""A plain loop: NDCG user by user and rank by rank, as one would write it down."""

import math

import numpy as np

from benchmarks.child import Arrays, timed


def work(given: Arrays) -> Arrays:
    """Return NDCG for each user, NaN for one with nothing relevant."""
    ends, videos = given["relevant_ends"].tolist(), given["relevant_videos"].tolist()
    values, begin = [], 0
    for ranked, end in zip(given["videos"].tolist(), ends, strict=True):
        wanted = set(videos[begin:end])
        gained = sum(1 / math.log2(rank + 2) for rank, video in enumerate(ranked) if video in wanted)
        best = sum(1 / math.log2(rank + 2) for rank in range(min(len(wanted), len(ranked))))
        values.append(gained / best if wanted else math.nan)
        begin = end
    return {"ndcg": np.array(values)}


if __name__ == "__main__":
    timed(work, "numpy")
