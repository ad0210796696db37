"""How a feed looks from afar: rates and quantiles, of any log, beside those of a real one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlsd_lab.datasets.log import Log
from mlsd_lab.plotting import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

REAL = {
    "click rate": 0.442,
    "long-view rate": 0.311,
    "like rate": 0.017,
    **{f"duration, s, {q} %": v for q, v in ((10, 13.0), (50, 71.0), (90, 259.0))},
    **{f"watch ÷ duration, {q} %": v for q, v in ((10, 0.0015), (25, 0.018), (50, 0.095), (75, 0.59), (90, 1.04))},
    **{f"impressions a user, {q} %": v for q, v in ((50, 7.0), (90, 20.0), (99, 42.0))},
    **{f"impressions a video, {q} %": v for q, v in ((50, 10.0), (90, 88.0), (99, 399.0))},
    "impressions on the quietest day": 14_000.0,
    "impressions on the busiest day": 21_000.0,
}
"""KuaiRand-Pure, 25 April to 8 May 2022: 14 days of a real short-video feed."""


@dataclass(frozen=True)
class Marginals:
    """Rates and quantiles of a log with clicks, long views, likes, watch time and durations.

    >>> from mlsd_lab.datasets.world import WorldConfig, simulate
    >>> seen = Marginals.of(simulate(WorldConfig(users=2500, videos=750, events=25_000, days=14)).log)
    >>> abs(seen.values["click rate"] / REAL["click rate"] - 1) < 0.1
    True
    """

    values: dict[str, float]
    """By the names of `REAL`."""

    @classmethod
    def of(cls, log: Log) -> "Marginals":
        """Measure a log; users and videos count where they occur, the first and last day where they are whole."""
        events = log.events
        lasting = log.videos["duration_seconds"].to_numpy()[events["video_id"].cat.codes]
        share = (events["watch_seconds"] / lasting)[lasting > 0]
        days = log.days().value_counts()
        names = (("click rate", "clicked"), ("long-view rate", "long_view"), ("like rate", "liked"))
        values = {name: float(events[column].mean()) for name, column in names}
        counts = [events[name].value_counts() for name in ("user_id", "video_id")]
        spread = {
            "duration, s": lasting[lasting > 0],
            "watch ÷ duration": share,
            "impressions a user": counts[0][counts[0] > 0],
            "impressions a video": counts[1][counts[1] > 0],
        }
        for name in REAL:
            what, _, percent = name.removesuffix(" %").rpartition(", ")
            if what in spread:
                values[name] = float(np.quantile(spread[what], float(percent) / 100))
        values["impressions on the quietest day"] = float(days.min())
        values["impressions on the busiest day"] = float(days.max())
        return cls({name: values[name] for name in REAL})

    def to_frame(self) -> "pd.DataFrame":
        """Return a row a marginal: this log, the real log, and how many times the one is the other."""
        import pandas as pd

        table = pd.DataFrame({"this log": self.values, "real log": REAL})
        return table.assign(ratio=table["this log"] / table["real log"])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw each marginal of this log as a multiple of the real one, on a log axis."""
        from matplotlib.figure import Figure

        with style():
            ax = ax or Figure(figsize=(7, 5), layout="constrained").subplots()
            table = self.to_frame()[::-1]
            places = np.arange(len(table))
            ax.axvline(1, color="black", linewidth=1)
            ax.axvspan(1 / 1.25, 1.25, color="black", alpha=0.08, linewidth=0)
            ax.hlines(places, 1, table["ratio"], linewidth=1.5)
            ax.plot(table["ratio"], places, "o")
            ax.set_yticks(places, table.index)
            ax.set_xscale("log")
            ax.set_xticks([0.5, 0.8, 1, 1.25, 2], ["½ ×", "0.8 ×", "equal", "1.25 ×", "2 ×"], minor=False)
            ax.set_xticks([], minor=True)
            ax.set_xlim(0.45, 2.2)
            ax.set_title("This log as a multiple of the real one (shaded: within a quarter)")
        return ax
