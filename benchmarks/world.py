"""The only place here that calls the simulator."""

import importlib
from typing import Any

from benchmarks.environment import NotHereError


def simulated(events: int, seed: int = 0) -> Any:
    """Return the `Log` of a simulated world of about so many events; `NotHereError` while there is no simulator."""
    try:
        world = importlib.import_module("mlsd_lab.datasets.world")
        simulate, config = world.simulate, world.WorldConfig
    except (ImportError, AttributeError):
        raise NotHereError("mlsd_lab.datasets.world is not here yet") from None
    users, videos = max(20, events // 50), max(100, events // 100)
    return simulate(config(users=users, videos=videos, events=events, days=28, seed=seed)).log
