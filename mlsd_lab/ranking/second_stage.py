"""The second stage, learned and judged: examples of earlier days, features as they stood, a ranker, its test."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.errors import DataError
from mlsd_lab.evaluation import Estimate, RankingScore, Split, by_day, compare_ndcg, leave_last_out
from mlsd_lab.features import Timeline, training_set
from mlsd_lab.ranking.boosted_trees import BoostedTrees
from mlsd_lab.ranking.examples import Examples, from_candidates, from_exposures
from mlsd_lab.ranking.logistic import Logistic
from mlsd_lab.ranking.ranker import Ranker
from mlsd_lab.retrieval import ALS

MOST_TRAINING, MOST_TEST = 400_000, 150_000
"""Rows; of more a sample is taken, so that this stage stops growing with the log (docs/decisions/0034)."""


@dataclass(frozen=True)
class SecondStage:
    """The ranker to serve, and what it and the rankers beside it reach on the test.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"user_id": ["ann", "ann"]})
    >>> test = Examples(rows, np.array([1.0, 0.0]), np.array([0, 0]), "exposures")
    >>> judged = RankingScore.judge(test.labels, np.array([0.9, 0.2]), test.groups, rows.user_id, rounds=9)
    >>> SecondStage(None, test, trained_on=10, scores={"boosted_trees": judged}).summary("clicked is true")["auc"]
    1.0
    """

    ranker: Ranker
    test: Examples
    trained_on: int
    """Number of training rows."""
    scores: dict[str, RankingScore]
    """`boosted_trees` (the one to serve), `logistic`, and `retrieval_order`, which is no ranker at all."""
    sample: str | None = None
    """That not all rows were learned from or judged, where it is so."""
    lift: dict[str, Estimate] = field(default_factory=dict)
    """By how much `boosted_trees` exceeds each of the others in NDCG at 10, compared on the same users."""

    def summary(self, rule: str) -> dict[str, Any]:
        """Return what a report says; calibration is null where the negatives were never shown to anybody."""
        calibrated = self.test.negatives == "exposures"
        about: dict[str, Any] = {
            "label": rule,
            "negatives": self.test.negatives,
            "train_rows": self.trained_on,
            "test_rows": len(self.test.labels),
        }
        if self.sample:
            about["sample"] = self.sample
        if not calibrated:
            about["reason"] = (
                "negatives were retrieved, never shown: a probability among them says nothing about people, and the "
                "log loss compares these rankers alone, which learned from more successes a person than the test has"
            )
        order_alone = ("log_loss", "calibration_error")  # the retriever's scores are no probabilities
        without = () if calibrated else ("calibration_error",)
        beside = {
            name: score.summary(order_alone if name == "retrieval_order" else without)
            for name, score in self.scores.items()
            if name != "boosted_trees"
        }
        return {**about, **self.scores["boosted_trees"].summary(without), "verdict": self.verdicts(), "beside": beside}

    def verdicts(self) -> list[str]:
        """Say of each of the others, in a sentence, whether the ranker orders better."""
        told = [value.verdict("boosted_trees", other, "NDCG@10") for other, value in self.lift.items()]
        if self.lift and not all(value.low > 0 for value in self.lift.values()):
            told.append("boosted_trees is served all the same: nothing here decides which ranker is")
        return told


def learn_second_stage(
    split: Split, retriever: ALS, timeline: Timeline, k: int = 100, days: int = 4, seed: int = 0, rounds: int = 1000
) -> SecondStage:
    """Train rankers on the last days (or held-out events) of the training half, and judge them on the test half.

    The retrieval score of a training row comes from a retriever fitted on what was known before those days, that of a
    test row from `retriever`, fitted on the whole training half. Negatives are exposures where the log has them, else
    what was retrieved. Of a large log a sample is learned from and judged. Raises `DataError` where the log is too
    short, or one of the two labels is missing.

    >>> from mlsd_lab.datasets import Log
    >>> from mlsd_lab.features.feed import FEED
    >>> import pandas as pd
    >>> time = pd.to_datetime(["2026-01-01", "2026-01-02"], utc=True)
    >>> log = Log.from_frames(pd.DataFrame({"user_id": "ann", "video_id": "v", "occurred_at": time, "clicked": True}))
    >>> learn_second_stage(by_day(log), ALS(factors=2).fit(log), Timeline(FEED, log))
    Traceback (most recent call last):
    mlsd_lab.errors.DataError: expected a log of at least 2 local days, found 2026-01-01 to 2026-01-01 (UTC)
    """
    whole = _examples_before(split, retriever, k, days), _examples(split, retriever, k)
    train, test = (each.sampled(most, seed) for each, most in zip(whole, (MOST_TRAINING, MOST_TEST), strict=True))
    sample = _about_sample(*whole, train, test)
    features, test_features = (training_set(timeline.catalogue, timeline, e.rows) for e in (train, test))
    if set(np.unique(test.labels)) != {0.0, 1.0}:
        raise DataError("the test has no success and failure to tell apart")
    boosted = BoostedTrees(seed).fit(features, train.labels)
    logistic = Logistic().fit(features, train.labels)
    matrix = test_features.to_numpy()
    given = {
        "boosted_trees": boosted.score(matrix),
        "logistic": logistic.score(matrix),
        "retrieval_order": _as_shares(test.rows["retrieval_score"].to_numpy(np.float64)),
    }
    users = test.rows["user_id"].to_numpy(object).astype(str)
    common = {"groups": test.groups, "users": users, "rounds": rounds, "seed": seed}
    scores = {name: RankingScore.judge(test.labels, score, **common) for name, score in given.items()}
    lift = {
        name: compare_ndcg(test.labels, (given["boosted_trees"], score), **common)
        for name, score in given.items()
        if name != "boosted_trees"
    }
    return SecondStage(boosted, test, len(train.labels), scores, sample, lift)


def _about_sample(all_train: Examples, all_test: Examples, train: Examples, test: Examples) -> str | None:
    counts = [len(each.labels) for each in (train, all_train, test, all_test)]
    if counts[0] == counts[1] and counts[2] == counts[3]:
        return None
    return "learned from {:,} of {:,} rows and judged on {:,} of {:,}, whole requests drawn at random".format(*counts)


def _examples_before(split: Split, retriever: ALS, k: int, days: int) -> Examples:
    """Make examples of the training half's own last part, with a retriever that has not seen it."""
    if split.kind == "leave_last_out":
        inner = leave_last_out(split.train, last=days)
    else:
        inner = by_day(split.train, days=min(days, max(1, split.train.days().nunique() - 1)))
    return _examples(inner, retriever.unfitted().fit(inner.train), k)


def _examples(split: Split, retriever: ALS, k: int) -> Examples:
    if split.test.datasheet.relevance in ("clicked", "long_view"):
        return from_exposures(split.test, retriever)
    return from_candidates(split, retriever, k)


def _as_shares(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Place scores between 0 and 1 in their order, unknown ones lowest: an order, not a probability."""
    known = np.where(np.isnan(scores), -np.inf, scores)
    _, place = np.unique(known, return_inverse=True)
    return place / max(1, int(place.max()))
