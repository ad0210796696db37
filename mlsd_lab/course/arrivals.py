"""Events as they came: the watermark that each met, and which of them were late."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Arrivals:
    """Events in the order in which they came; `watermark` is the one that each met, none for the first.

    >>> import pandas as pd
    >>> at = pd.to_datetime(["2026-01-01 10:00", "2026-01-01 10:30", "2026-01-01 10:05"], utc=True)
    >>> found = arrivals(pd.Series(at), pd.Timedelta("10min"))
    >>> found.late.tolist(), round(found.share, 3)
    ([False, False, True], 0.333)
    """

    occurred_at: "pd.Series[Any]"
    watermark: "pd.Series[Any]"

    @property
    def late(self) -> "pd.Series[bool]":
        """Whether each occurred before the watermark that it met."""
        return self.occurred_at < self.watermark

    @property
    def share(self) -> float:
        """The share of late events."""
        return float(self.late.mean())

    def plot(self, ax: Any) -> None:
        """Draw each event by when it came and when it occurred, and the watermark as steps."""
        from matplotlib.dates import DateFormatter

        from mlsd_lab.plotting import GREYS

        order, late = range(len(self.occurred_at)), self.late.to_numpy()
        at, watermark = (times.dt.tz_convert(None).to_numpy() for times in (self.occurred_at, self.watermark))
        places = {True: [n for n in order if late[n]], False: [n for n in order if not late[n]]}
        ax.plot(places[False], at[~late], ".", color=GREYS[0], alpha=0.45, markersize=4, label="on time")
        ax.plot(places[True], at[late], "x", color=GREYS[1], markersize=7, markeredgewidth=1.6, label="late")
        ax.step(order, watermark, where="post", color="black", linewidth=1.4, label="watermark")
        ax.yaxis.set_major_formatter(DateFormatter("%H:%M"))
        ax.set(xlabel="events, in the order in which they came", ylabel="occurred at (UTC)")
        ax.legend(loc="lower right", ncols=3, fontsize=9)


def arrivals(occurred_at: "pd.Series[Any]", lateness: "pd.Timedelta") -> Arrivals:
    """Let events pass a watermark that stays `lateness` behind the newest of them, in the order in which they came.

    >>> import pandas as pd
    >>> arrivals(pd.Series(pd.to_datetime(["2026-01-01"], utc=True)), pd.Timedelta("1h")).share
    0.0
    """
    return Arrivals(occurred_at, occurred_at.cummax().shift() - lateness)
