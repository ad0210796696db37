"""Which quotas cost the blend least? Tried without a look at the test: on the day before it, or the event before it.

python benchmarks/blend_quotas.py movielens
python benchmarks/blend_quotas.py kuairand --path data/kuairand
"""

import argparse
from pathlib import Path

import numpy as np

from mlsd_lab.datasets import load
from mlsd_lab.evaluation import Candidates, Popular, TopK, estimate, make_split, mean_of
from mlsd_lab.retrieval import ALS, Content, Fresh, ItemKNN, Retriever, blended

QUOTAS = (
    {"als": 1.0},
    {"als": 4.0, "item_knn": 3.0, "popular_lately": 2.0, "content": 0.5, "fresh": 0.5},
    {"als": 6.0, "item_knn": 2.0, "popular_lately": 1.0, "content": 0.5, "fresh": 0.5},
    {"als": 7.5, "item_knn": 1.0, "popular_lately": 0.5, "content": 0.5, "fresh": 0.5},
    {"als": 8.5, "popular_lately": 0.5, "content": 0.5, "fresh": 0.5},
    {"als": 9.0, "content": 0.5, "fresh": 0.5},
)


def main() -> None:
    """Print recall@100 with its interval for each choice, on the training half of the split."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--path", type=Path)
    arguments = parser.parse_args()
    log = load(arguments.data, arguments.path)
    inner = make_split(make_split(log, log.datasheet.split).train, log.datasheet.split)
    seen, relevant = inner.train.matrix(), inner.relevant()
    users = np.flatnonzero(np.diff(relevant.indptr))
    sources: dict[str, Retriever] = {
        "als": ALS(),
        "item_knn": ItemKNN(neighbours=50),
        "popular_lately": Popular(7.0),
        "content": Content(),
        "fresh": Fresh(),
    }
    found: dict[str, Candidates] = {
        name: source.fit(inner.train).retrieve(users, 100, seen) for name, source in sources.items()
    }
    for quotas in QUOTAS:
        blend = blended({name: found[name] for name in quotas}, quotas, 100)
        recall = TopK.judge(blend.candidates, relevant[users]).recall()
        names = ", ".join(f"{name} {quota:g}" for name, quota in quotas.items())
        print(f"{names:<75} recall@100 {estimate(mean_of(recall), len(users))}", flush=True)


if __name__ == "__main__":
    main()
