"""Annoy's file, read by somebody who does not trust it."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def is_sound(file: Path, size: int, dimension: int, metric: str) -> bool:
    """Tell whether Annoy, which checks nothing, would stay inside this file and come to an end.

    A file is an array of nodes of 4-byte words (annoylib.h, `struct Node`): the number of descendants, links, vector.
    The first `size` nodes are vectors; a node of few descendants lists them in place of its vector, each other one
    has two children, which stand before it.

    >>> is_sound(Path("nowhere.ann"), size=3, dimension=2, metric="dot")
    False
    """
    head = 3 if metric == "angular" else 4  # words before the vector
    link = 2 if metric == "euclidean" else 1  # the word at which the links begin
    try:
        words = np.memmap(file, dtype=np.int32, mode="r")
    except (OSError, ValueError):
        return False
    if len(words) % (head + dimension):
        return False
    nodes = words.reshape(-1, head + dimension)
    if len(nodes) <= size or nodes[-1, 0] != size or (nodes[:size, 0] != 1).any():
        return False
    return all(
        _sound_trees(nodes[begin : begin + 65536], begin, size, link) for begin in range(size, len(nodes), 65536)
    )


def _sound_trees(nodes: NDArray[np.int32], begin: int, size: int, link: int) -> bool:
    descendants, links = nodes[:, 0], nodes[:, link:]
    listed = descendants <= links.shape[1]
    used = np.where(listed, descendants, 2)[:, None] > np.arange(links.shape[1])
    limit = np.where(listed, size, begin + np.arange(len(nodes)))[:, None]
    return bool((descendants >= 1).all() and (~used | ((links >= 0) & (links < limit))).all())
