"""What does each source of candidates find, alone and blended? With intervals, and in pairs against popularity.

python benchmarks/retrievers.py kuairand --path data/kuairand
python benchmarks/retrievers.py movielens
python benchmarks/retrievers.py world
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from mlsd_lab.datasets import Log, load
from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import Candidates, Popular, Split, TopK, by_day, compare, estimate, make_split, mean_of
from mlsd_lab.retrieval import ALS, EASE, Content, Fresh, ItemKNN, Retriever, blended, tune
from mlsd_lab.retrieval.first_stage import QUOTAS

K, HALF_LIFE_DAYS = 100, 7.0
GRIDS: dict[str, tuple[Callable[..., Retriever], dict[str, list[Any]]]] = {
    "als": (ALS, {"factors": [32, 64, 128], "regularization": [10.0, 30.0, 100.0], "confidence": [1.0, 3.0, 10.0]}),
    "ease": (EASE, {"regularization": [100.0, 300.0, 1_000.0, 3_000.0, 10_000.0]}),
    "item_knn": (ItemKNN, {"neighbours": [200, 1_000], "damping": [0.0, 0.1, 0.25, 0.5]}),
}


def main() -> None:
    """Tune on the training half alone, fit everything on all of it, judge on the test half."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--path", type=Path)
    parser.add_argument("--trials", type=int, default=9, help="fits that each search may make")
    arguments = parser.parse_args()
    log = load(arguments.data, arguments.path)
    by_time = log.datasheet.split == "by_day"
    split = by_day(log, 2) if by_time else make_split(log, log.datasheet.split)
    seen = None if by_time else split.train.matrix()
    relevant = repeated(split) if by_time else split.relevant()
    users = np.flatnonzero(np.diff(relevant.indptr))
    filtered = "nothing filtered" if by_time else "what was seen filtered"
    print(f"{log!r}\n{split.summary()}; {len(users):,} people judged, {filtered}")
    recall = {}
    for name, found in every_list(split.train, users, seen, arguments.trials):
        recall[name] = TopK.judge(found, relevant[users]).recall()
        print(f"{name:<15} recall@{K} {estimate(mean_of(recall[name]), len(users))}", flush=True)
    for name in list(recall)[2:]:
        for baseline in ("popular", "popular_lately"):
            difference = compare(mean_of(recall[name]), mean_of(recall[baseline]), len(users))
            print(difference.verdict(name, baseline, f"recall@{K}"))


def repeated(split: Split) -> csr_matrix:
    """Return what was relevant in the test, seen before or not, of users and videos that training has."""
    train = split.train.matrix()
    events = split.test.events[split.test.relevant.to_numpy()]
    user, video = events["user_id"].cat.codes, events["video_id"].cat.codes
    return split.test.with_events(events[(train.getnnz(axis=1)[user] > 0) & (train.getnnz(axis=0)[video] > 0)]).matrix()


def every_list(train: Log, users: np.ndarray, seen: csr_matrix | None, trials: int) -> Iterator[tuple[str, Candidates]]:
    """Yield each system's name and candidates."""
    fitted: dict[str, Retriever] = {"popular": Popular(), "popular_lately": Popular(HALF_LIFE_DAYS)}
    for name, (make, grid) in GRIDS.items():
        try:
            tuning = tune(make, grid, train, trials)
        except ConfigError as error:
            print(f"{name}: {error}")
            continue
        best = tuning.to_frame().iloc[0]
        inner = f"{best['recall']:.4f} [{best['low']:.4f}, {best['high']:.4f}]"
        print(f"{name}: {tuning.best} was the best of {len(tuning.trials)} of {tuning.of}, at {inner} inside training")
        fitted[name] = make(**tuning.best)
    fitted |= {"content": Content(), "fresh": Fresh()}
    found: dict[str, Candidates] = {}
    for name, retriever in fitted.items():
        began = perf_counter()
        retriever.fit(train)
        middle = perf_counter()
        found[name] = retriever.retrieve(users, K, seen)
        print(f"{name}: fitted in {middle - began:.1f} s, asked in {perf_counter() - middle:.1f} s", flush=True)
        yield name, found[name]
    yield "blend", blended({name: found[name] for name in QUOTAS}, QUOTAS, K).candidates


if __name__ == "__main__":
    main()
