"""How well a ranker orders and predicts: five metrics with intervals over users."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation.estimate import Estimate, Weights, estimate, estimates
from mlsd_lab.evaluation.probability import auc, calibration_error, grouped_auc, log_loss


@dataclass(frozen=True)
class RankingScore:
    """AUC, grouped AUC, NDCG at 10, log loss and calibration error of one ranker on one test.

    >>> labels, scores = np.array([1.0, 0.0] * 20), np.array([0.8, 0.2] * 20)
    >>> score = RankingScore.judge(labels, scores, groups=np.arange(40) // 2, users=np.arange(40) // 2, rounds=50)
    >>> score.auc.value, score.ndcg_at_10.value, round(score.calibration_error.value, 3)
    (1.0, 1.0, 0.2)
    """

    auc: Estimate
    gauc: Estimate
    ndcg_at_10: Estimate
    log_loss: Estimate
    calibration_error: Estimate

    @classmethod
    def judge(
        cls,
        labels: NDArray[np.float64],
        probabilities: NDArray[np.float64],
        groups: NDArray[np.integer],
        users: NDArray[np.integer],
        rounds: int = 1000,
        seed: int = 0,
    ) -> "RankingScore":
        """Judge probabilities, one a row; `groups` says which request a row belongs to, `users` whose it is.

        The bootstrap resamples users. Groups without a success count in AUC and the losses, not in NDCG. Equal scores
        count half in AUC, and share their places in NDCG.
        """
        if not len(labels) == len(probabilities) == len(groups) == len(users) > 0:
            found = f"{len(labels)}, {len(probabilities)}, {len(groups)} and {len(users)}"
            raise ConfigError(f"expected as many labels, probabilities, groups and users, 1 or more; found {found}")
        people, user = np.unique(users, return_inverse=True)
        ndcg, group_user = _ndcg_a_group(labels, probabilities, groups, user)

        def everything(weights: Weights) -> NDArray[np.float64]:
            rows = weights[:, user]
            values = (
                auc(labels, probabilities, rows),
                grouped_auc(labels, probabilities, groups, rows),
                _mean(ndcg, weights[:, group_user]),
                log_loss(labels, probabilities, rows),
                calibration_error(labels, probabilities, rows),
            )
            return np.stack(values, axis=1)

        return cls(*estimates(everything, len(people), rounds, seed=seed))

    def summary(self, without: Collection[str] = ()) -> dict[str, Any]:
        """Return value and interval of each metric as a report gives them, null for those that mean nothing here."""
        known = {f.name: None if f.name in without else getattr(self, f.name) for f in fields(self)}
        values = {name: None if e is None else round(e.value, 6) for name, e in known.items()}
        intervals = {name: None if e is None else [round(e.low, 6), round(e.high, 6)] for name, e in known.items()}
        return {**values, "interval": intervals}


def compare_ndcg(
    labels: NDArray[np.float64],
    scores: tuple[NDArray[np.float64], NDArray[np.float64]],
    groups: NDArray[np.integer],
    users: NDArray[np.generic],
    rounds: int = 1000,
    seed: int = 0,
) -> Estimate:
    """Estimate by how much the first scores' mean NDCG at 10 exceeds the second's, on the same resampled users.

    >>> labels, groups = np.array([1.0, 0.0] * 20), np.arange(40) // 2
    >>> compare_ndcg(labels, (labels, -labels), groups, groups, rounds=50).excludes_zero
    True
    """
    people, user = np.unique(users, return_inverse=True)
    (a, group_user), (b, _) = (_ndcg_a_group(labels, score, groups, user) for score in scores)
    return estimate(lambda weights: _mean(a - b, weights[:, group_user]), len(people), rounds, seed=seed)


def _ndcg_a_group(
    labels: NDArray[np.float64], scores: NDArray[np.float64], groups: NDArray[np.integer], user: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the NDCG at 10 of each group (NaN without a success), and the group's user.

    Equal scores share the mean discount of their places (McSherry & Najork 2008), so that no order of rows is favoured.
    """
    names, group = np.unique(groups, return_inverse=True)
    order = np.lexsort((-scores, group))
    group, label, score = group[order], labels[order], scores[order]
    begins = np.searchsorted(group, np.arange(len(names)))
    place = np.arange(len(order)) - begins[group]
    discount = np.where(place < 10, 1 / np.log2(place + 2), 0.0)
    runs = np.flatnonzero((place == 0) | (np.diff(score, prepend=np.nan) != 0))  # where equal scores begin
    length = np.diff(runs, append=len(order))
    shared = np.repeat(np.add.reduceat(discount, runs) / length, length)
    best = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(10) + 2))])
    ideal = best[np.minimum(np.add.reduceat(label, begins), 10).astype(int)]
    gained = np.add.reduceat(label * shared, begins)
    ndcg = np.divide(gained, ideal, out=np.full(len(names), np.nan), where=ideal > 0)
    return ndcg, user[order][begins]


def _mean(values: NDArray[np.float64], weights: Weights) -> NDArray[np.float64]:
    known = np.isfinite(values)
    total = weights[:, known].sum(axis=1)
    return np.divide(weights[:, known] @ values[known], total, out=np.full(len(total), np.nan), where=total > 0)
