"""Do estimators meet the truth? In how many of so many worlds all intervals, simultaneous at 99 %, hold what is true.

python -m benchmarks.world_truth --seeds 100
"""

import argparse
from dataclasses import astuple

import numpy as np
import pandas as pd

from mlsd_lab.datasets.world import World, WorldConfig, simulate
from mlsd_lab.datasets.world.truth import EXAMINATION
from mlsd_lab.evaluation.estimate import Estimate, Weights, estimates

SLOTS = len(EXAMINATION)
NAMES = ["click rate", "long-view rate", *(f"examination of position {slot}" for slot in range(1, SLOTS))]
LEVEL = 1 - 0.01 / len(NAMES)  # all of them hold with 99 % (Bonferroni)


def main() -> None:
    """Simulate a world a seed, estimate from its log alone, look up the truth; print what missed and the count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    seeds = parser.parse_args().seeds
    met = 0
    for seed in range(seeds):
        missed = misses(simulate(WorldConfig(users=3_000, videos=1_000, events=200_000, days=14, seed=seed)))
        met += not missed
        if missed:
            print(f"seed {seed}: {'; '.join(missed)}")
    print(
        f"the truth lay in all {len(NAMES)} intervals (simultaneous 99 %, clustered by user) in {met} of {seeds} worlds"
    )


def misses(world: World) -> list[str]:
    """Return a sentence for each quantity whose true value lies outside its interval."""
    true = [0.0, 0.0, *(EXAMINATION[1:] / EXAMINATION[0])]
    found = zip(NAMES, true, measured(world), strict=True)
    return [
        f"{name} is {value:.4f}, estimated {astuple(e)}" for name, value, e in found if not e.low <= value <= e.high
    ]


def measured(world: World) -> list[Estimate]:
    """Estimate the rates less their true means, and the position curve, with bootstrap intervals over users.

    The curve comes from the slates whose videos were drawn evenly, where the position has nothing to do with the video.
    """
    events = world.log.events
    chances = world.truth.of(events)
    user = events["user_id"].cat.codes.to_numpy()
    clicked = events["clicked"].to_numpy(float)
    even = (events["surface"] == "explore").to_numpy()
    columns = {"n": np.ones(len(events)), "click": clicked - chances.click}
    columns["long"] = events["long_view"].to_numpy(float) - chances.long_view
    for slot in range(SLOTS):
        here = even & (events["position"] == slot).to_numpy(bool)
        columns |= {f"n{slot}": here.astype(float), f"c{slot}": here * clicked}
    a_user = pd.DataFrame(columns).groupby(user).sum()
    at = {name: place for place, name in enumerate(a_user)}
    sums = a_user.to_numpy()

    def statistics(weights: Weights) -> Weights:
        total = (weights @ sums).T
        rate = [total[at[f"c{slot}"]] / total[at[f"n{slot}"]] for slot in range(SLOTS)]
        means = [total[at[name]] / total[at["n"]] for name in ("click", "long")]
        return np.stack(means + [there / rate[0] for there in rate[1:]], axis=1)

    return estimates(statistics, len(sums), rounds=3_000, level=LEVEL)


if __name__ == "__main__":
    main()
