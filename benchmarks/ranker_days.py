"""From how many last days should the ranker learn? Judged on the day before the test, which is not looked at.

python benchmarks/ranker_days.py kuairand --path data/kuairand
"""

import argparse
from pathlib import Path

from mlsd_lab.datasets import load
from mlsd_lab.evaluation import by_day
from mlsd_lab.features import Timeline
from mlsd_lab.features.feed import FEED
from mlsd_lab.ranking import learn_second_stage
from mlsd_lab.retrieval import ALS


def main() -> None:
    """Print AUC and grouped AUC with intervals for two, four and six days of training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--path", type=Path)
    arguments = parser.parse_args()
    log = by_day(load(arguments.data, arguments.path)).train
    split, timeline = by_day(log), Timeline(FEED, log)
    retriever = ALS().fit(split.train)
    for days in (4, 2, 6):
        found = learn_second_stage(split, retriever, timeline, days=days, rounds=200).scores["boosted_trees"]
        print(f"{days} days: AUC {found.auc}, grouped AUC {found.gauc}", flush=True)


if __name__ == "__main__":
    main()
