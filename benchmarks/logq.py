"""Two towers with in-batch negatives: log q taken off in training, put on when lists are made, both, or neither.

python benchmarks/logq.py movielens
python benchmarks/logq.py world
python benchmarks/logq.py kuairand --path data/kuairand
"""

import argparse
from pathlib import Path

import numpy as np

from mlsd_lab.datasets import load
from mlsd_lab.datasets.world import WorldConfig
from mlsd_lab.evaluation import Popular, TopK, compare, estimate, make_split, mean_of
from mlsd_lab.retrieval import ALS, ExactIndex, TwoTowers
from mlsd_lab.retrieval.two_towers import TEMPERATURE

WORLD = WorldConfig(users=2_000, videos=2_000, events=100_000)


def main() -> None:
    """Print recall@100 of the test as the mean of some seeds of the model, and paired differences; people resampled."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--path", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    log = load(arguments.data, arguments.path, world=WORLD if arguments.data == "world" else None)
    split = make_split(log, log.datasheet.split)
    seen, relevant = split.train.matrix(), split.relevant()
    users = np.flatnonzero(np.diff(relevant.indptr) * np.diff(seen.indptr))
    recall: dict[str, list[np.ndarray]] = {}
    for name, system in (("popular", Popular()), ("ALS", ALS())):
        found = system.fit(split.train).retrieve(users, 100, seen)
        recall[name] = [TopK.judge(found, relevant[users]).recall()]
    count = np.asarray(seen.sum(axis=0)).ravel()
    prior = np.log(np.maximum(count, 1e-300) / count.sum()).clip(-1e3)
    for seed in range(arguments.seeds):
        for logq in (True, False):
            model = TwoTowers(logq=logq, seed=seed).fit(split.train)
            for put_on in (True, False):
                offset = prior if put_on else np.where(count > 0, 0.0, -1e3)
                index = ExactIndex(np.column_stack([model.video_factors_ / TEMPERATURE, offset]))
                queries = np.column_stack([model.user_factors_[users], np.ones(len(users))])
                found = index.search(queries, 100, seen[users])
                name = f"{'taken off' if logq else 'not taken off'}, {'put on' if put_on else 'not put on'}"
                recall.setdefault(name, []).append(TopK.judge(found, relevant[users]).recall())
    mean = {name: np.mean(each, axis=0) for name, each in recall.items()}
    for name, each in recall.items():
        seeds = ", ".join(f"{np.mean(one):.4f}" for one in each)
        print(f"{name:<26} recall@100 {estimate(mean_of(mean[name]), len(users))}  seeds {seeds}")
    by = "taken off, put on"
    for name in mean:
        if name != by:
            print(compare(mean_of(mean[by]), mean_of(mean[name]), len(users)).verdict(by, name, "recall@100"))


if __name__ == "__main__":
    main()
