"""What is the logQ correction worth? Two towers with in-batch negatives, with it and without, on the same users.

python benchmarks/logq.py kuairand --path data/kuairand
python benchmarks/logq.py movielens
"""

import argparse
from pathlib import Path

import numpy as np

from mlsd_lab.datasets import load
from mlsd_lab.evaluation import Popular, TopK, compare, estimate, make_split, mean_of
from mlsd_lab.retrieval import ALS, Retriever, TwoTowers


def main() -> None:
    """Print recall@100 of popularity, ALS and both two-tower models on the test, and the paired difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--path", type=Path)
    arguments = parser.parse_args()
    log = load(arguments.data, arguments.path)
    split = make_split(log, log.datasheet.split)
    seen, relevant = split.train.matrix(), split.relevant()
    users = np.flatnonzero(np.diff(relevant.indptr))
    systems: dict[str, Retriever] = {
        "popular": Popular(),
        "als": ALS(),
        "with logQ": TwoTowers(logq=True),
        "without": TwoTowers(logq=False),
    }
    recall = {}
    for name, system in systems.items():
        found = system.fit(split.train).retrieve(users, 100, seen)
        recall[name] = TopK.judge(found, relevant[users]).recall()
        print(f"{name:<10} recall@100 {estimate(mean_of(recall[name]), len(users))}", flush=True)
    difference = compare(mean_of(recall["with logQ"]), mean_of(recall["without"]), len(users))
    print(difference.verdict("with logQ", "without", "recall@100"))


if __name__ == "__main__":
    main()
