"""What either side of the ALS row does: fit for each number of iterations, and say how long and how good."""

import json
import platform
import sys
from collections.abc import Callable
from importlib import metadata
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

ITERATIONS = (1, 2, 3, 4, 6, 8, 11, 15)
Fit = Callable[[csr_matrix, int], tuple[NDArray[np.floating], NDArray[np.floating]]]


def told(fit: Fit, *packages: str) -> None:
    """Read the counts of `python FILE given.npz`, fit, judge recall at 100 without what was seen, print JSON."""
    with np.load(sys.argv[1], allow_pickle=False) as stored:
        given = dict(stored)
    shape = tuple(given["shape"].tolist())
    seen, relevant = (
        csr_matrix((np.ones(len(given[f"{name}_user"])), (given[f"{name}_user"], given[f"{name}_video"])), shape=shape)
        for name in ("seen", "relevant")
    )
    fit(seen[:100], 1)  # what is loaded on the way is not timed
    curve = []
    for iterations in ITERATIONS:
        began = perf_counter()
        users, videos = fit(seen, iterations)
        curve.append((iterations, perf_counter() - began, recall(users, videos, seen, relevant)))
    versions = {"python": platform.python_version()} | {name: metadata.version(name) for name in packages}
    print(json.dumps({"curve": curve, "versions": versions}))


def recall(
    users: NDArray[np.floating], videos: NDArray[np.floating], seen: csr_matrix, relevant: csr_matrix, k: int = 100
) -> float:
    """Return the mean over people of the share of their relevant videos that are among the first k."""
    people, shares = np.flatnonzero(np.diff(relevant.indptr)), []
    for user in people:
        scores = videos @ users[user]
        scores[seen[user].indices] = -np.inf
        wanted = relevant[user].indices
        shares.append(np.isin(wanted, np.argpartition(-scores, k)[:k]).mean())
    return float(np.mean(shares))
