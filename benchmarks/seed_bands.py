"""Within which bands do the notebooks' pinned values lie? Measured over seeds, written to mlsd_lab/course/bands.json.

python -m benchmarks.seed_bands --seeds 20
"""

import argparse
import json
from pathlib import Path

import numpy as np

import mlsd_lab.course
from mlsd_lab.course.pin import bands_of
from mlsd_lab.datasets import load
from mlsd_lab.evaluation import Popular, TopK, leave_last_out
from mlsd_lab.pipeline import RunConfig
from mlsd_lab.retrieval import ALS, AnnoyIndex, Backfill, Retriever

COMMAND = "python -m benchmarks.seed_bands --seeds {}"


def main() -> None:
    """Fit and judge once a seed, as the main job does; write centre and half width of each value."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    seeds = parser.parse_args().seeds
    values: dict[str, list[float]] = {}
    for seed in range(seeds):
        for name, value in movielens(seed).items():
            values.setdefault(name, []).append(value)
        print(f"seed {seed}: " + ", ".join(f"{name} {found[-1]:.4f}" for name, found in values.items()))
    path = Path(mlsd_lab.course.__file__).with_name("bands.json")
    path.write_text(json.dumps(bands_of(values, COMMAND.format(seeds)), indent=1, sort_keys=True) + "\n", "utf-8")
    print(path.read_text("utf-8"))


def movielens(seed: int) -> dict[str, float]:
    """Return recall at 100, in percent, of the retrievers of notebook 00, fitted with this seed."""
    split, config = leave_last_out(load("movielens")), RunConfig()
    relevant, seen = split.relevant(), split.train.matrix()
    users = np.flatnonzero(np.diff(relevant.indptr))
    popular, als = Popular().fit(split.train), ALS(seed=seed).fit(split.train)
    index = AnnoyIndex.build(als.video_factors_, "dot", config.annoy_trees, config.annoy_search_k, seed)
    retrievers: dict[str, Retriever] = {
        "popular": popular,
        "als": Backfill(als, popular),
        "als_annoy": Backfill(als.searched_by(index), popular),
    }
    recalls = {}
    for name, retriever in retrievers.items():
        found = retriever.retrieve(users, config.k, seen)
        recalls[f"{name}.recall_at_100"] = 100 * float(np.nanmean(TopK.judge(found, relevant[users]).recall()))
    return recalls


if __name__ == "__main__":
    main()
