"""Which design fits a catalogue and a latency budget, from costs that were measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.errors import ConfigError

DESIGNS = ("one stage", "two stages, exact search", "two stages, an index", "batch")
"""From the plainest to the one that answers with what was computed before."""


@dataclass(frozen=True)
class Costs:
    """What was measured, in seconds: of a request whatever it does, of ranking a video, of comparing with a vector.

    >>> Costs(request=1e-3, rank_video=1e-5, search_video=1e-8).one_stage(10_000)
    0.101
    """

    request: float
    rank_video: float
    search_video: float
    """Of exact search, which compares with every video."""
    candidates: int = 500
    """How many of what was found are ranked."""

    def __post_init__(self) -> None:
        costs = (self.request, self.rank_video, self.search_video, self.candidates)
        if not all(np.isfinite(cost) and cost > 0 for cost in costs):
            raise ConfigError(f"expected costs above 0, found {costs}")

    def one_stage(self, videos: float) -> float:
        """Return the seconds of an answer for which every video is ranked."""
        return self.request + videos * self.rank_video

    def two_stages(self, videos: float) -> float:
        """Return the seconds of an answer for which every video is searched, and the candidates are ranked."""
        return self.request + min(videos, self.candidates) * self.rank_video + videos * self.search_video

    def one_stage_until(self, budget: float) -> float:
        """Return the number of videos at which ranking all of them stops fitting into a budget (seconds): the flip."""
        return max(0.0, (budget - self.request) / self.rank_video)

    def exact_search_until(self, budget: float) -> float:
        """Return the number of videos at which two stages with exact search stop fitting into a budget (seconds)."""
        left = budget - self.request - self.candidates * self.rank_video
        return max(self.one_stage_until(budget), left / self.search_video)

    def online_from(self) -> float:
        """Return the least budget (seconds) in which candidates can be ranked at all; below it there is only batch."""
        return self.request + self.candidates * self.rank_video

    def design(self, videos: float, budget: float) -> str:
        """Return the plainest design that fits.

        An index is named where exact search is too slow and ranking alone is not: whether one is fast enough and
        misses little enough is not known from these costs. Batch answers from what was ranked before, for everybody,
        so it is as old as its last run.

        >>> costs = Costs(request=1e-3, rank_video=1e-5, search_video=1e-8)
        >>> [costs.design(videos, budget=0.05) for videos in (1_000, 1_000_000, 100_000_000)]
        ['one stage', 'two stages, exact search', 'two stages, an index']
        """
        if self.one_stage(videos) <= budget:
            return DESIGNS[0]
        if self.two_stages(videos) <= budget:
            return DESIGNS[1]
        return DESIGNS[2] if self.online_from() <= budget else DESIGNS[3]


@dataclass(frozen=True)
class DesignMap:
    """The designs over catalogue sizes and latency budgets (seconds), both on log axes.

    >>> DesignMap(Costs(request=1e-3, rank_video=1e-5, search_video=1e-8)).at(videos=1e9, budget=0.004)
    'batch'
    """

    costs: Costs
    videos: tuple[float, float] = (1e2, 1e11)
    budgets: tuple[float, float] = (1e-3, 1.0)

    def at(self, videos: float, budget: float) -> str:
        """Return the design at one place."""
        return self.costs.design(videos, budget)

    def areas(self, steps: int = 240) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """Return catalogue sizes and budgets, (steps,) each, and the place in `DESIGNS` of each pair (budget, size)."""
        videos, budgets = (np.geomspace(low, high, steps) for low, high in (self.videos, self.budgets))
        names = [[DESIGNS.index(self.at(size, budget)) for size in videos] for budget in budgets]
        return videos, budgets, np.array(names)

    def plot(self, ax: Any = None, places: Mapping[str, tuple[float, float]] | None = None) -> Any:
        """Draw the map, each area with its name inside it, and mark places (videos, budget); returns the axes."""
        from matplotlib.colors import ListedColormap
        from matplotlib.figure import Figure

        ax = ax or Figure(layout="constrained").subplots()
        videos, budgets, names = self.areas()
        colours = ListedColormap(["#f1eee6", "#c9d6c0", "#8fb0c4", "#4d5b78"])
        ax.pcolormesh(videos, 1000 * budgets, names, cmap=colours, vmin=0, vmax=3, shading="nearest", rasterized=True)
        ax.set(xscale="log", yscale="log", xlabel="videos in the catalogue", ylabel="budget of an answer, ms")
        ax.grid(visible=False)
        for at, name in enumerate(DESIGNS):
            rows, columns = np.nonzero(names == at)
            if len(rows) > names.size // 100:  # else its name would not fit
                where = np.exp(np.log(videos[columns]).mean()), np.exp(np.log(1000 * budgets[rows]).mean())
                ax.annotate(name, where, ha="center", va="center", fontsize=9, color="white" if at == 3 else "black")
        for name, (size, budget) in (places or {}).items():
            ax.plot([size], [1000 * budget], marker="o", color="#9c3d1a", linestyle="none", clip_on=False)
            ax.annotate(name, (size, 1000 * budget), (0, 6), textcoords="offset points", ha="center", fontsize=9)
        return ax
