"""The data sets by name."""

from pathlib import Path
from typing import TYPE_CHECKING

from mlsd_lab.errors import ConfigError

if TYPE_CHECKING:
    from mlsd_lab.datasets.log import Log
    from mlsd_lab.datasets.world import WorldConfig

NAMES = {
    "movielens": "film ratings with titles; comes with the course, works offline",
    "kuairand": "impressions of a real short-video feed; a download of 45 MB",
    "world": "a simulated feed whose truth is known; any size, works offline",
    "csv": "your own log: a folder with events.csv",
}


def load(
    name: str, path: Path | str | None = None, timezone: str | None = None, world: "WorldConfig | None" = None
) -> "Log":
    """Load a data set by name; `path` is the folder of `kuairand` or `csv`, `timezone` the zone of `csv`.

    `world` is size, seed and drift of `world`.

    Raises `ConfigError` for an unknown name or an option that the data set does not take.

    >>> load("netflix")
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: expected a data set of movielens, kuairand, world, csv; found 'netflix'
    """
    if name not in NAMES:
        raise ConfigError(f"expected a data set of {', '.join(NAMES)}; found {name!r}")
    if timezone is not None and name != "csv":
        raise ConfigError(f"--timezone is for csv; the days of {name} are given by its datasheet")
    if path is not None and name in ("movielens", "world"):
        raise ConfigError(f"{name} needs no files and takes no --path")
    if world is not None and name != "world":
        raise ConfigError(f"--users, --videos and --events are for world; {name} has the size it has")
    from mlsd_lab.datasets import csv, kuairand, movielens
    from mlsd_lab.datasets.world import WorldConfig, simulate

    path = None if path is None else Path(path)

    if name == "movielens":
        return movielens.load()
    if name == "world":
        return simulate(world or WorldConfig()).log
    if name == "kuairand":
        return kuairand.load(path)
    return csv.load(path, timezone)
