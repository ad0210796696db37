"""From which catalogue size on an index is worth it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlsd_lab.errors import ConfigError
from mlsd_lab.plotting import plain_log

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Crossover:
    """Measured costs of exact and approximate search by catalogue size, and where the lines cross.

    >>> crossover([1_000, 10_000, 100_000], exact=[0.1, 1.0, 10.0], approximate=[1.0, 1.0, 1.0]).size
    10000.0
    """

    sizes: tuple[int, ...]
    exact: tuple[float, ...]
    approximate: tuple[float, ...]
    size: float | None
    """Videos at which both cost the same; None where they do not cross within what was measured."""

    @property
    def slopes(self) -> tuple[float, float]:
        """Least-squares slopes of log cost on log size, exact then approximate: 1 is in proportion."""
        x = np.log10(self.sizes)
        exact, approximate = (
            round(float(np.polyfit(x, np.log10(y), 1)[0]), 6) + 0.0 for y in (self.exact, self.approximate)
        )
        return exact, approximate

    def sentence(self) -> str:
        """Say where the index begins to pay, or that it does everywhere or nowhere in what was measured.

        >>> crossover([1_000, 2_000], [1.0, 2.0], [5.0, 5.0]).sentence()
        'exact search is the faster one up to 2,000 videos, the most that was measured'
        """
        least, most = self.sizes[0], self.sizes[-1]
        if self.size is not None:
            return f"from about {float(f'{self.size:.2g}'):,.0f} videos on the index is faster than exact search"
        if self.exact[-1] <= self.approximate[-1]:
            return f"exact search is the faster one up to {most:,} videos, the most that was measured"
        return f"the index is the faster one from {least:,} videos on, the least that was measured"

    def to_frame(self) -> "pd.DataFrame":
        """Return a row a size with the two costs."""
        import pandas as pd

        return pd.DataFrame({"videos": self.sizes, "exact": self.exact, "approximate": self.approximate})

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw both costs by size, on log axes, and the crossing."""
        if ax is None:
            from matplotlib.figure import Figure

            ax = Figure().add_subplot()
        for costs, name, slope in zip((self.exact, self.approximate), ("exact", "index"), self.slopes, strict=True):
            ax.plot(self.sizes, costs, "o-" if name == "exact" else "s--", label=f"{name} (slope {slope:.2f})")
        if self.size is not None:
            ax.axvline(self.size, color="#777777", linestyle=":", label=f"{self.size:,.0f} videos")
        plain_log(ax.xaxis)
        plain_log(ax.yaxis)
        ax.set(xlabel="videos in the catalogue", ylabel="milliseconds a query")
        ax.legend()
        return ax


def crossover(sizes: Sequence[int], exact: Sequence[float], approximate: Sequence[float]) -> Crossover:
    """Find the size at which the index begins to cost less for good, on straight lines between logs of the costs.

    The costs (milliseconds, say) are of the same queries at equal recall: an index that is allowed to forget more as it
    grows is no fair rival. Sizes ascend. Where the lines cross more than once the last crossing counts.

    >>> crossover([1_000, 100_000], exact=[0.1, 10.0], approximate=[1.0, 1.0]).slopes
    (1.0, 0.0)
    """
    x = np.asarray(sizes, dtype=float)
    lengths = {len(sizes), len(exact), len(approximate)}
    costs = (np.asarray(each, dtype=float) for each in (x, exact, approximate))
    positive = len(lengths) == 1 and all(((each > 0) & np.isfinite(each)).all() for each in costs)
    if not positive or len(x) < 2 or not (np.diff(x) > 0).all():
        raise ConfigError(
            "expected finite costs above 0 for 2 or more ascending sizes, "
            f"found {list(sizes)}, {list(exact)} and {list(approximate)}"
        )
    gap = np.log(np.asarray(exact)) - np.log(np.asarray(approximate))  # above 0 the index is faster
    crossed = np.flatnonzero((gap[:-1] <= 0) & (gap[1:] > 0))
    at = None
    if len(crossed) and gap[-1] > 0:
        last = crossed[-1]
        part = -gap[last] / (gap[last + 1] - gap[last])
        at = float(np.round(np.exp(np.log(x[last]) + part * np.log(x[last + 1] / x[last])), 6))
    return Crossover(tuple(map(int, sizes)), tuple(map(float, exact)), tuple(map(float, approximate)), at)
