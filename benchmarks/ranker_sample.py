"""What does a ranker lose that learns from a sample of the rows? All are judged on the same rows of the test.

python benchmarks/ranker_sample.py --events 4000000
"""

import argparse
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.datasets import load
from mlsd_lab.datasets.world import WorldConfig
from mlsd_lab.evaluation import auc, by_day, compare, estimate, grouped_auc
from mlsd_lab.evaluation.estimate import Statistic
from mlsd_lab.features import Timeline, training_set
from mlsd_lab.features.feed import FEED
from mlsd_lab.ranking import BoostedTrees
from mlsd_lab.ranking.examples import from_exposures
from mlsd_lab.retrieval import ALS
from mlsd_lab.retrieval.first_stage import FEW_ITERATIONS

SHARES = (1 / 7, 1 / 3, 0.7)
"""Of the rows; of 20 M events the main job learns from a seventh."""
ROUNDS = 200


def main() -> None:
    """Print AUC and grouped AUC of trees that learned from all rows and from samples, and paired differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=4_000_000)
    events = parser.parse_args().events
    log = load("world", world=WorldConfig(users=events // 100, videos=events // 20, events=events))
    split = by_day(log)
    inner = by_day(split.train, days=4)
    train = from_exposures(inner.test, ALS(iterations=FEW_ITERATIONS).fit(inner.train))
    test = from_exposures(split.test, ALS(iterations=FEW_ITERATIONS).fit(split.train))
    timeline = Timeline(FEED, log)
    features = training_set(FEED, timeline, train.rows)
    matrix = training_set(FEED, timeline, test.rows).to_numpy()
    people, user = np.unique(test.rows["user_id"].to_numpy(object).astype(str), return_inverse=True)
    print(f"{log!r}; learned from up to {len(features):,} rows, judged on {len(matrix):,}", flush=True)
    scores = {}
    for share in (1.0, *SHARES):
        part = train.sampled(int(share * len(features)), seed=0)
        ranker = BoostedTrees().fit(features.loc[part.rows.index], part.labels)
        scores[f"{len(part.labels):,} rows"] = ranker.score(matrix)
    measures = {
        "AUC": lambda score, weights: auc(test.labels, score, weights),
        "grouped AUC": lambda score, weights: grouped_auc(test.labels, score, test.groups, weights),
    }
    for name, measure in measures.items():
        of = {rows: by_people(partial(measure, score), user) for rows, score in scores.items()}
        every = next(iter(of))
        for rows, statistic in of.items():
            print(f"{name}, {rows}: {estimate(statistic, len(people), ROUNDS)}", flush=True)
            if rows != every:
                print(f"  less {every}: {compare(statistic, of[every], len(people), ROUNDS)}", flush=True)


def by_people(measure: Statistic, user: NDArray[np.intp]) -> Statistic:
    """Return the statistic of people's weights that is this one of rows' weights."""
    return lambda weights: measure(weights[:, user])


if __name__ == "__main__":
    main()
