"""A few curves with their intervals, readable in grey."""

from typing import TYPE_CHECKING, Any

from mlsd_lab.course.picture import Picture, picture

if TYPE_CHECKING:
    import pandas as pd


def intervals(title: str, curves: "pd.DataFrame", ticks: list[str], xlabel: str, ylabel: str) -> Picture:
    """Return a picture of a table of `Estimate`, a curve a column, over its index, numbers above 0 on a log axis.

    `ticks` says how each number of the index is written.

    >>> import pandas as pd
    >>> from mlsd_lab.evaluation import Estimate
    >>> table = pd.DataFrame({"new": [Estimate(0, -1, 1), Estimate(-5, -6, -4)]}, index=[1, 24])
    >>> intervals("by age", table, ["1 h", "1 day"], "age", "long views, %")
    picture: by age
    """
    return picture(title, lambda axes: _draw(axes, curves, ticks, xlabel, ylabel))


def _draw(axes: Any, curves: "pd.DataFrame", ticks: list[str], xlabel: str, ylabel: str) -> None:
    for (name, curve), look in zip(curves.items(), ("o-", "s--", "^:", "x-."), strict=False):
        value = [each.value for each in curve]
        below, above = [each.value - each.low for each in curve], [each.high - each.value for each in curve]
        axes.errorbar(curves.index, value, (below, above), fmt=look, capsize=3, label=name)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(xscale="log", xlabel=xlabel, ylabel=ylabel)
    axes.set_xticks(curves.index, ticks)
    axes.minorticks_off()
    axes.legend()
