"""Which settings of ALS find most? Tried without a look at the test: on the day before it, or the event before it.

python benchmarks/als_settings.py movielens
python benchmarks/als_settings.py kuairand --path data/kuairand
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np

from mlsd_lab.datasets import load
from mlsd_lab.evaluation import Popular, TopK, estimate, make_split, mean_of
from mlsd_lab.retrieval import ALS, Backfill, Retriever


def main() -> None:
    """Print recall@100 with its interval for popularity and for each setting, on the training half of the split."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--path", type=Path)
    arguments = parser.parse_args()
    log = load(arguments.data, arguments.path)
    inner = make_split(make_split(log, log.datasheet.split).train, log.datasheet.split)
    seen = inner.train.matrix()
    relevant = inner.relevant()
    users = np.flatnonzero(np.diff(relevant.indptr))
    popular = Popular().fit(inner.train)

    def show(name: str, retriever: Retriever) -> None:
        recall = TopK.judge(retriever.retrieve(users, 100, seen), relevant[users]).recall()
        print(f"{name:<50} recall@100 {estimate(mean_of(recall), len(users))}", flush=True)

    print(f"{log!r}; {len(users):,} people judged")
    show("popular", popular)
    for factors, regularization, confidence in product((32, 64), (3.0, 10.0, 30.0), (1.0, 3.0, 10.0)):
        als = ALS(factors, regularization, confidence).fit(inner.train)
        show(
            f"ALS factors {factors} regularization {regularization:g} confidence {confidence:g}", Backfill(als, popular)
        )


if __name__ == "__main__":
    main()
