"""How good are the first ten videos that nobody has watched? A fifth of a world's videos lose their events.

python benchmarks/new_videos.py
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPRegressor

from mlsd_lab.datasets.world import World, WorldConfig, simulate
from mlsd_lab.evaluation import Candidates, compare, estimate, mean_of
from mlsd_lab.retrieval import ALS, Content, ContentTower

USERS, SHOWN, BEST = 2_000, 10, "ridge 100"
REGRESSORS: dict[str, Any] = {
    **{f"ridge {alpha:g}": Ridge(alpha, solver="sparse_cg") for alpha in (1.0, 10.0, 30.0, 100.0, 300.0)},
    **{
        f"MLP {width}, {alpha:g}": MLPRegressor(
            hidden_layer_sizes=(width,), alpha=alpha, early_stopping=True, max_iter=500, random_state=0
        )
        for width in (64, 256)
        for alpha in (1e-4, 1e-2, 1.0)
    },
}


def main() -> None:
    """Print the true chance of a long view of the first ten of each source, and paired differences."""
    world = simulate(WorldConfig(users=5_000, videos=5_000, events=600_000))
    log, rng = world.log, np.random.default_rng(0)
    held = np.zeros(len(log.videos), dtype=bool)
    held[rng.choice(len(held), len(held) // 5, replace=False)] = True
    train = log.with_events(log.events[~held[log.events["video_id"].cat.codes]])
    als = ALS().fit(train)
    users = np.sort(rng.choice(np.flatnonzero(als.known_), USERS, replace=False))
    watched = csr_matrix(np.broadcast_to(~held | (train.matrix().getnnz(axis=0) > 0), (len(log.users), len(held))))
    lists = {
        name: ContentTower(als, each).fit_content(train).retrieve(users, SHOWN) for name, each in REGRESSORS.items()
    }
    lists["content"] = Content().fit(train).retrieve(users, SHOWN, watched)
    new = np.flatnonzero(held)
    chance = np.stack([new[rng.permutation(len(new))[:SHOWN]] for _ in users])
    truth = true_chance(world, users, new)
    best = new[np.argsort(-truth, axis=1)[:, :SHOWN]]
    lists |= {
        name: Candidates(videos.astype(np.int32), np.zeros(videos.shape))
        for name, videos in (("chance", chance), ("oracle", best))
    }
    glad = {name: first(world, users, found.videos) for name, found in lists.items()}
    for name, each in glad.items():
        print(f"{name:<10} true chance of a long view of the first {SHOWN}: {estimate(mean_of(each), len(users))}")
    for name, each in glad.items():
        if name != BEST:
            print(compare(mean_of(glad[BEST]), mean_of(each), len(users)).verdict(BEST, name, "true chance"))


def true_chance(world: World, users: NDArray[np.int64], videos: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the chance that each user views each video long, shown first, of shape (users, videos)."""
    pairs = np.repeat(users, len(videos)), np.tile(videos, len(users))
    first, last = np.zeros_like(pairs[0]), np.full_like(pairs[0], 27)
    return world.truth.chances(*pairs, first, last).long_view.reshape(len(users), len(videos))


def first(world: World, users: NDArray[np.int64], videos: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the mean of that chance over each user's list."""
    pairs = np.repeat(users, videos.shape[1]), videos.astype(np.int64).ravel()
    zero, last = np.zeros_like(pairs[0]), np.full_like(pairs[0], 27)
    return world.truth.chances(*pairs, zero, last).long_view.reshape(videos.shape).mean(axis=1)


if __name__ == "__main__":
    warnings.filterwarnings("error")
    main()
