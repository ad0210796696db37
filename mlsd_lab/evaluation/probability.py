"""How good are scores and probabilities, row by row? Each metric takes weights, so that each can be bootstrapped.

`weights` has shape (rows,) or (rounds, rows); the result then is a number or an array with a value a round.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlsd_lab.errors import ConfigError

Floats = NDArray[np.float64]


def auc(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> Any:
    """Probability that a positive scores above a negative, ties counting half; NaN where one kind is missing.

    >>> float(auc([0, 1, 1, 0], [0.1, 0.9, 0.4, 0.4]))
    0.875
    """
    label, score, weight = _rows(labels, scores, weights)
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=np.nan) != 0)  # where a run of equal scores begins
    positive = np.add.reduceat(weight[..., order] * label[order], starts, axis=-1)
    negative = np.add.reduceat(weight[..., order] * (1 - label[order]), starts, axis=-1)
    below = np.cumsum(negative, axis=-1) - negative / 2
    pairs = positive.sum(axis=-1) * negative.sum(axis=-1)
    return _divide((positive * below).sum(axis=-1), pairs)


def grouped_auc(labels: ArrayLike, scores: ArrayLike, groups: ArrayLike, weights: ArrayLike | None = None) -> Any:
    """Mean of the AUC inside each group, weighted by its rows; groups without both labels are left out.

    A group weighs the sum of its rows' weights; inside it they do not count, as in a bootstrap over users. Judge a
    slate with *one* value of the group's own features: one that moves inside the group is pushed down after each
    positive.

    >>> float(grouped_auc([1, 0, 1, 0], [0.9, 0.1, 0.2, 0.8], groups=["ann", "ann", "bob", "bob"]))
    0.5
    """
    label, score, weight = _rows(labels, scores, weights)
    group = _codes(groups, len(label))
    order = np.lexsort((score, group))
    group, label, score, weight = group[order], label[order], score[order], weight[..., order]
    begins = np.flatnonzero(np.diff(group, prepend=-1))
    ranks = _midranks(group, score)
    size = np.diff(begins, append=len(group))
    positives = np.add.reduceat(label, begins)
    above = np.add.reduceat(ranks * label, begins) - positives * (positives + 1) / 2
    pairs = positives * (size - positives)
    value, both = np.divide(above, pairs, out=np.zeros(len(begins)), where=pairs > 0), pairs > 0
    share = np.add.reduceat(weight, begins, axis=-1) * both
    return _divide((share * value).sum(axis=-1), share.sum(axis=-1))


def log_loss(labels: ArrayLike, probabilities: ArrayLike, weights: ArrayLike | None = None) -> Any:
    """Mean of −log of the probability given to what happened, in nats; probabilities are kept 1e-15 off 0 and 1.

    >>> round(float(log_loss([1, 0], [0.5, 0.5])), 4)
    0.6931
    """
    label, probability, weight = _probabilities(labels, probabilities, weights)
    probability = np.clip(probability, 1e-15, 1 - 1e-15)
    loss = -(label * np.log(probability) + (1 - label) * np.log1p(-probability))
    return _divide((weight * loss).sum(axis=-1), weight.sum(axis=-1))


def calibration_error(
    labels: ArrayLike, probabilities: ArrayLike, weights: ArrayLike | None = None, bins: int = 10
) -> Any:
    """Mean gap between predicted and observed share over bins of (nearly) equal size, weighted by rows (ECE).

    Bins are cut at quantiles of the predictions, equal predictions stay together.

    >>> round(float(calibration_error([1, 0, 0, 0], [0.5, 0.5, 0.5, 0.5])), 2)
    0.25
    """
    label, probability, weight = _probabilities(labels, probabilities, weights)
    if bins < 1:
        raise ConfigError(f"bins: expected 1 or more, found {bins}")
    edges = np.unique(np.quantile(probability, np.linspace(0, 1, bins + 1)[1:-1]))
    order = np.argsort(at := np.searchsorted(edges, probability, side="right"), kind="stable")
    begins = np.flatnonzero(np.diff(at[order], prepend=-1))
    gap = np.add.reduceat((weight * (probability - label))[..., order], begins, axis=-1)
    return _divide(np.abs(gap).sum(axis=-1), weight.sum(axis=-1))


def _rows(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Floats, Floats]:
    label, score = np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    weight = np.ones(len(label)) if weights is None else np.asarray(weights, dtype=np.float64)
    if label.ndim != 1 or score.shape != label.shape or weight.shape[-1:] != label.shape or len(label) == 0:
        raise ConfigError(
            "expected labels, scores and weights with as many rows (1 or more), "
            f"found shapes {label.shape}, {score.shape} and {weight.shape}"
        )
    if not np.isin(label, (0, 1)).all():
        raise ConfigError("labels: expected 0 and 1 alone")
    if not np.isfinite(score).all():
        raise ConfigError(f"scores: expected finite numbers, found {score[~np.isfinite(score)][0]}")
    if not (weight.min(initial=0) >= 0 and weight.max(initial=0) < np.inf):
        raise ConfigError("weights: expected finite numbers, 0 or more")
    return label, score, weight


def _codes(groups: ArrayLike, rows: int) -> NDArray[np.intp]:
    import pandas as pd

    codes, _ = pd.factorize(np.asarray(groups))
    if len(codes) != rows or (codes < 0).any():
        raise ConfigError(
            f"groups: expected a value in each of {rows} rows, found {len(codes)}, {(codes < 0).sum()} of them missing"
        )
    return codes


def _probabilities(
    labels: ArrayLike, probabilities: ArrayLike, weights: ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    label, probability, weight = _rows(labels, probabilities, weights)
    if probability.min() < 0 or probability.max() > 1:
        raise ConfigError(f"probabilities: expected 0 to 1, found {probability.min():g} to {probability.max():g}")
    return label, probability, weight


def _midranks(group: NDArray[np.intp], score: Floats) -> Floats:
    """Rank 1, 2, … inside each group of sorted rows, equal scores sharing the mean of their ranks."""
    row = np.arange(len(group))
    begins = np.flatnonzero(np.diff(group, prepend=-1))
    rank = row - np.repeat(begins, np.diff(begins, append=len(row))) + 1.0
    run = np.concatenate([[True], (np.diff(group) != 0) | (np.diff(score) != 0)])
    starts = np.flatnonzero(run)
    length = np.diff(starts, append=len(row))
    return np.repeat(rank[starts] + (length - 1) / 2, length)


def _divide(amount: Any, of: Any) -> Any:
    return np.divide(amount, of, out=np.full(np.shape(of), np.nan), where=np.asarray(of) > 0)
