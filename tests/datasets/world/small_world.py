"""One small world that several tests look at."""

from functools import cache

import numpy as np

from mlsd_lab.datasets.world import World, WorldConfig, simulate
from mlsd_lab.datasets.world.population import Population

CONFIG = WorldConfig(users=400, videos=300, events=20_000, days=7)


@cache
def small_world() -> World:
    return simulate(CONFIG)


@cache
def population(config: WorldConfig = CONFIG) -> Population:
    return Population.draw(config, np.random.default_rng(0))
