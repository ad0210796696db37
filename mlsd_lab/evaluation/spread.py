"""Do the lists show more than a few videos to everybody? Coverage, novelty and the Gini coefficient of exposure.

`weights` has shape (users,) or (rounds, users), as in the other metrics; each round gives a value.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation.candidates import NOBODY, Candidates


def coverage(candidates: Candidates, catalogue: int, weights: ArrayLike | None = None) -> Any:
    """Share of the catalogue's videos that stand in at least one list.

    >>> found = Candidates(np.array([[0, 1], [0, 2]]), np.zeros((2, 2)))
    >>> float(coverage(found, catalogue=4))
    0.75
    """
    return covered(exposures(candidates, catalogue, weights))


def exposure_gini(candidates: Candidates, catalogue: int, weights: ArrayLike | None = None) -> Any:
    """Inequality of exposure over the whole catalogue: 0 when each video is shown as often, near 1 when one takes all.

    >>> found = Candidates(np.array([[0, 1], [0, 1]]), np.zeros((2, 2)))
    >>> float(exposure_gini(found, catalogue=4))
    0.5
    """
    return gini(exposures(candidates, catalogue, weights))


def novelty(candidates: Candidates, popularity: ArrayLike) -> NDArray[np.float64]:
    """Per user: mean surprise of the list, −log2 of each video's share of training events (one added to each count).

    `popularity` holds the number of training events a video, shape (catalogue,). NaN for an empty list.

    >>> novelty(Candidates(np.array([[0, 1]]), np.zeros((1, 2))), popularity=[3, 3]).tolist()
    [1.0]
    """
    count = np.asarray(popularity, dtype=np.float64) + 1
    if candidates.videos.max(initial=0) >= len(count):
        raise ConfigError(f"popularity: expected a count for code {candidates.videos.max()}, found {len(count)} counts")
    surprise = -np.log2(count / count.sum())
    shown = candidates.videos != NOBODY
    total = np.where(shown, surprise[np.where(shown, candidates.videos, 0)], 0).sum(axis=1)
    number = shown.sum(axis=1)
    return np.divide(total, number, out=np.full(len(number), np.nan), where=number > 0)


def exposures(candidates: Candidates, catalogue: int, weights: ArrayLike | None = None) -> NDArray[np.float64]:
    """Count how often each video is shown, weighted by user: shape (catalogue,) or (rounds, catalogue).

    >>> exposures(Candidates(np.array([[0, 2], [2, -1]]), np.zeros((2, 2))), catalogue=3).tolist()
    [1.0, 0.0, 2.0]
    """
    if catalogue < 1:
        raise ConfigError(f"catalogue: expected 1 or more videos, found {catalogue}")
    shows = candidates.matrix(catalogue)
    weight = np.ones(shows.shape[0]) if weights is None else np.asarray(weights, dtype=np.float64)
    counted: NDArray[np.float64] = (shows.T @ weight.T).T
    return counted


def covered(exposures: NDArray[np.float64], catalogue: int | None = None) -> Any:
    """Return the share of videos with any exposure, over the last axis; it may leave out some that have none.

    `catalogue` is then how many there are.

    >>> float(covered(np.array([3.0, 0.0])))
    0.5
    """
    return (exposures > 0).sum(axis=-1) / (catalogue or exposures.shape[-1])


def gini(exposures: NDArray[np.float64], catalogue: int | None = None) -> Any:
    """Return the Gini coefficient of amounts of 0 or more, over the last axis; NaN where all are 0.

    The axis may leave out videos without exposure; `catalogue` is then how many there are.

    >>> float(gini(np.array([3.0, 0.0])))
    0.5
    """
    number = catalogue or exposures.shape[-1]
    total = exposures.sum(axis=-1)
    some = exposures[..., exposures.any(axis=tuple(range(exposures.ndim - 1)))]  # the rest ranks below and adds nothing
    ranked = np.sort(some, axis=-1) @ np.arange(number - some.shape[-1] + 1.0, number + 1)
    value = 2 * ranked / np.where(total > 0, total, np.nan) / number - (number + 1) / number
    return np.maximum(value, 0.0)
