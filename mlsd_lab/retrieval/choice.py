"""One point of a frontier, under a budget that somebody else has set."""

from dataclasses import dataclass

import numpy as np

from mlsd_lab.errors import ConfigError
from mlsd_lab.retrieval.frontier import Frontier, Point


@dataclass(frozen=True)
class SearchBudget:
    """The most that a search may cost and the least it must find; what is None is not limited.

    >>> SearchBudget(milliseconds=5, recall=0.9).megabytes is None
    True
    """

    milliseconds: float | None = None
    """Of the median query."""
    p99_milliseconds: float | None = None
    megabytes: float | None = None
    build_seconds: float | None = None
    recall: float | None = None
    """The least share of exact search's list, which the lower end of the interval must reach."""

    def __post_init__(self) -> None:
        given = [value for value in vars(self).values() if value is not None]
        if not given or not all(value > 0 for value in given):
            raise ConfigError(f"expected a budget with 1 or more limits above 0, found {self}")

    def broken_by(self, point: Point) -> list[str]:
        """Say for each limit that a point breaks, by how much.

        >>> from mlsd_lab.evaluation import Estimate
        >>> SearchBudget(milliseconds=1).broken_by(Point("exact", None, Estimate(1.0, 1.0, 1.0), 2.5, 3.0, 5.1, 0.0))
        ['2.5 of 1 milliseconds']
        """
        spent = {name: getattr(point, name) for name in vars(self) if name != "recall"}
        limits = {name: limit for name, limit in vars(self).items() if limit is not None}
        found = [
            f"{spent[name]:.3g} of {limit:g} {name.replace('_', ' ')}"
            for name, limit in limits.items()
            if name in spent and not spent[name] <= limit
        ]
        if self.recall is not None and not point.recall.low >= self.recall:
            found.append(f"recall {point.recall} of {self.recall:g}")
        return found

    def excess(self, point: Point) -> float:
        """Return how many times over its limit a point is where it is worst; 1 or less where it breaks none.

        >>> from mlsd_lab.evaluation import Estimate
        >>> SearchBudget(milliseconds=1).excess(Point("exact", None, Estimate(1.0, 1.0, 1.0), 2.5, 3.0, 5.1, 0.0))
        2.5
        """
        limits = {name: limit for name, limit in vars(self).items() if limit is not None and name != "recall"}
        found = [getattr(point, name) / limit for name, limit in limits.items()]
        if self.recall is not None:
            found.append(self.recall / point.recall.low if point.recall.low else np.inf)
        return float(np.nan_to_num(found, nan=np.inf).max())


@dataclass(frozen=True)
class Choice:
    """The point that was chosen, or None, and why in a sentence.

    >>> Choice(None, "none fits").point is None
    True
    """

    point: Point | None
    reason: str


def choose(frontier: Frontier, budget: SearchBudget) -> Choice:
    """Choose the point of highest recall that breaks no limit (of equal ones the faster), or say that none fits.

    >>> from mlsd_lab.evaluation import Estimate
    >>> exact = Point("exact", None, Estimate(1.0, 1.0, 1.0), 2.5, 3.0, 5.1, 0.0)
    >>> choose(Frontier((exact,), size=10_000, dimension=64, k=100), SearchBudget(milliseconds=1)).reason
    'none of 1 settings fits at 10,000 × 64; the nearest, exact, has 2.5 of 1 milliseconds'
    """
    if not frontier.points:
        raise ConfigError("expected a frontier of 1 or more points, found none: nothing was measured")
    fits = [point for point in frontier.points if not budget.broken_by(point)]
    at = f"at {frontier.size:,} × {frontier.dimension}"
    if not fits:
        nearest = min(frontier.points, key=lambda point: (len(budget.broken_by(point)), budget.excess(point)))
        why = f"none of {len(frontier.points)} settings fits {at}; the nearest, {nearest.label}, has "
        return Choice(None, why + " and ".join(budget.broken_by(nearest)))
    best = max(fits, key=lambda point: (point.recall.value, -point.milliseconds))
    costs = f"{best.milliseconds:.2g} ms a query, {best.megabytes:,.0f} MB, built in {best.build_seconds:,.3g} s"
    return Choice(best, f"{best.label} fits {at}: {costs}; {_lost(best)} of exact search's first {frontier.k} is lost")


def _lost(point: Point) -> str:
    loss = 1 - point.recall.value
    if point.recall.low >= 1:
        return "nothing"
    return "less than 0.1 %" if loss < 0.001 else f"{loss:.1%}".replace("%", " %")
