"""A simulated video feed whose truth is known."""

from mlsd_lab.datasets.world.config import Drift, WorldConfig
from mlsd_lab.datasets.world.truth import Chances, Truth
from mlsd_lab.datasets.world.world import World, simulate

__all__ = ["Chances", "Drift", "Truth", "World", "WorldConfig", "simulate"]
