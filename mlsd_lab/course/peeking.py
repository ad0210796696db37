"""What a join that looks too far sees of one person's future, and what that does to two measures of a model."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlsd_lab.course.picture import Picture, picture
from mlsd_lab.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd


def peeking(
    title: str,
    known_at: "pd.Series[Any]",
    label: "pd.Timestamp",
    sees: Mapping[str, "pd.Timestamp"],
    measured: Mapping[str, Sequence[float]],
) -> Picture:
    """Return a picture of one person's events, a line a join: what it sees that was not known when it had to decide.

    `label` is the moment of the training row, `sees` says up to when each join looks; beside the lines stands each of
    `measured`, a value a join.

    >>> import pandas as pd
    >>> day = pd.Series(pd.date_range("2026-01-01", periods=5, tz="UTC"))
    >>> peeking("two joins", day, day[2], {"before": day[2], "today": day[4]}, {"AUC": [0.6, 0.9]})
    picture: two joins
    """
    wrong = [name for name, values in measured.items() if len(values) != len(sees)]
    if wrong or not sees:
        raise ConfigError(f"expected a value a join ({len(sees)}, 1 or more) of each measure, found others of {wrong}")
    size = 9.0, 1.5 + 0.5 * len(sees)
    return picture(title, lambda axes: _draw(axes, known_at, label, sees, measured), size)


def _draw(
    axes: Any,
    known_at: "pd.Series[Any]",
    label: "pd.Timestamp",
    sees: Mapping[str, "pd.Timestamp"],
    measured: Mapping[str, Sequence[float]],
) -> None:
    from matplotlib.dates import AutoDateLocator, DateFormatter

    from mlsd_lab.plotting import GREYS

    times, moment = known_at.dt.tz_convert(None).to_numpy(), label.tz_convert(None).to_datetime64()
    looks = ("o", GREYS[0], 4), ("X", GREYS[1], 9), ("o", "#d0d0d0", 4)
    for row, until in enumerate(sees.values()):
        past, seen = times < moment, times < until.tz_convert(None).to_datetime64()
        kinds = {"known before": past, "leaked": ~past & seen, "not seen": ~past & ~seen}
        for (name, kind), (marker, colour, size) in zip(kinds.items(), looks, strict=True):
            shown = {"marker": marker, "color": colour, "markersize": size, "label": "" if row else name}
            axes.plot(times[kind], np.full(kind.sum(), row), linestyle="none", **shown)
    axes.axvline(moment, color="black", linewidth=1.2)
    axes.annotate("the moment of the row", (moment, -0.55), (4, 0), textcoords="offset points", fontsize=8)
    axes.set(yticks=range(len(sees)), yticklabels=list(sees), ylim=(len(sees) - 0.5, -0.8))
    axes.xaxis.set_major_locator(AutoDateLocator(minticks=4, maxticks=7))
    axes.xaxis.set_major_formatter(DateFormatter("%d %b"))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3, fontsize=9)
    axes.figure.set_layout_engine("none")
    axes.set_position((0.14, 0.27, 0.56, 0.62))
    beside = axes.figure.add_axes((0.74, 0.27, 0.24, 0.62))
    for (name, values), look in zip(measured.items(), ("o-", "s--", "^:"), strict=False):
        beside.plot(values, range(len(sees)), look, label=name)
    beside.set(yticks=range(len(sees)), yticklabels=[], ylim=axes.get_ylim())
    beside.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), fontsize=9)
