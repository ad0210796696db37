"""The span of time that a windowed feature looks back over."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.errors import ConfigError
from mlsd_lab.features.about import DAY, HOUR


@dataclass(frozen=True)
class Window:
    """A span of stream time that ends exactly at `as_of` and begins at a tile's edge; without a length it is all time.

    >>> Window("7d", 7 * DAY, DAY).start(np.array([10 * DAY + 5])).tolist() == [3 * DAY]
    True
    """

    name: str
    length: int | None
    """Microseconds; None for all of the past."""
    tile: int
    """Microseconds of a tile: an hour up to two days, else a day."""

    def start(self, as_of: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return floor((as_of − length) / tile) × tile, in microseconds UTC; the lowest int64 for all of the past."""
        if self.length is None:
            return np.full(as_of.shape, np.iinfo(np.int64).min)
        return (as_of - self.length) // self.tile * self.tile

    @classmethod
    def named(cls, name: str, day_tiles: bool) -> "Window":
        """Read "6h", "7d" or "all"; `day_tiles` says that tiles are of a day whatever the length."""
        if name == "all":
            return cls(name, None, DAY)
        match = re.fullmatch(r"([1-9]\d*)([hd])", name)
        if not match:
            raise ConfigError(
                f"window: expected a number of hours or days such as '6h' or '7d', or 'all', found {name!r}"
            )
        length = int(match[1]) * (HOUR if match[2] == "h" else DAY)
        tile = DAY if day_tiles or length > 2 * DAY else HOUR
        if length % tile:
            raise ConfigError(f"window {name!r}: expected whole days, since it is kept in tiles of a day")
        return cls(name, length, tile)
