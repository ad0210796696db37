"""Lists for many users, some users at a time, on every core."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from mlsd_lab.evaluation import Candidates


def by_blocks(number: int, size: int, work: Callable[[slice], Candidates]) -> Candidates:
    """Return what `work` finds for rows 0 to `number`, asked for `size` rows at a time, in their order.

    A thread a core: numpy, scipy and Annoy let others work meanwhile. What is found for a row must not depend on its
    block; then the number of cores changes nothing.

    >>> rows = np.arange(5)[:, None]
    >>> by_blocks(5, 2, lambda block: Candidates(rows[block], -rows[block])).videos.ravel().tolist()
    [0, 1, 2, 3, 4]
    """
    blocks = [slice(begin, min(begin + size, number)) for begin in range(0, max(1, number), max(1, size))]
    if len(blocks) == 1:
        return work(blocks[0])
    with ThreadPoolExecutor(_cores()) as threads:
        parts = list(threads.map(work, blocks))
    return Candidates(np.concatenate([p.videos for p in parts]), np.concatenate([p.scores for p in parts]))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
