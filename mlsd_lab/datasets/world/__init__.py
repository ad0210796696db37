"""A simulated video feed whose truth is known."""

from mlsd_lab.datasets.world.config import Drift, WorldConfig
from mlsd_lab.datasets.world.world import World, simulate

__all__ = ["Drift", "World", "WorldConfig", "simulate"]
