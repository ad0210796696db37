"""One log framed as three tasks, and which of them serves which goal: the area trains nothing, it is handed models."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import Estimate, compare, estimate, mean_of

if TYPE_CHECKING:
    import pandas as pd

    from mlsd_lab.datasets.world.truth import Truth

Scorer = Callable[["pd.DataFrame"], NDArray[np.float64]]
"""From offers, a row each, to a score a row, higher is better."""


@dataclass(frozen=True)
class Task:
    """What a model is asked to predict, and how its answer becomes a score to order videos by.

    >>> import pandas as pd
    >>> watches = pd.DataFrame({"watch_seconds": [2.0, 30.0, 60.0], "duration_seconds": 60.0})
    >>> [task.label(watches).tolist() for task in TASKS]
    [[0, 1, 1], [0, 1, 2], [2.0, 30.0, 60.0]]
    """

    name: str
    question: str
    label: Callable[["pd.DataFrame"], NDArray[Any]]
    """From events with `watch_seconds` and `duration_seconds` to what is to be predicted, a value a row."""
    score: Callable[[NDArray[Any]], NDArray[np.float64]]
    """From the model's answer, (n,) or one probability a class (n, classes), to a score a row."""


def _share(seconds: NDArray[np.float64], duration: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return which share was watched, 0 to 1; of a video without a length, none."""
    return np.clip(np.divide(seconds, duration, out=np.zeros(len(seconds)), where=duration > 0), 0, 1)


def _watched(watches: "pd.DataFrame") -> NDArray[np.float64]:
    return _share(*(watches[name].to_numpy(np.float64) for name in ("watch_seconds", "duration_seconds")))


TASKS = (
    Task(
        "will watch half",
        "Will at least half of it be watched? (binary)",
        lambda watches: (_watched(watches) >= 0.5).astype(np.int64),
        lambda chances: chances[:, 1],
    ),
    Task(
        "skip, part, all",
        "Will it be skipped, watched in part, or to the end? (three classes, worth 0, 1 and 2)",
        lambda watches: np.digitize(_watched(watches), (0.1, 0.9)),
        lambda chances: chances @ np.arange(3.0),
    ),
    Task(
        "seconds watched",
        "For how many seconds will it be watched? (regression)",
        lambda watches: watches["watch_seconds"].to_numpy(np.float64),
        lambda seconds: np.asarray(seconds, np.float64),
    ),
)
"""The same watches, asked about in three ways."""


def outcomes(events: "pd.DataFrame", videos: "pd.DataFrame", truth: "Truth | None" = None) -> "pd.DataFrame":
    """Return what showing each event's video brought: `watch_minutes`, `completion` (0 to 1), `satisfied_minutes`.

    The last needs the truth of a simulated world. `events` have categories of the log for ids, as `Log` gives them.

    >>> import pandas as pd
    >>> from mlsd_lab.datasets import Log
    >>> time = pd.to_datetime(["2026-01-01"], utc=True)
    >>> events = pd.DataFrame({"user_id": "ann", "video_id": "v", "occurred_at": time, "watch_seconds": 30.0})
    >>> log = Log.from_frames(events, videos=pd.DataFrame({"video_id": ["v"], "duration_seconds": [60.0]}))
    >>> outcomes(log.events, log.videos).to_dict("list")
    {'watch_minutes': [0.5], 'completion': [0.5]}
    """
    import pandas as pd

    duration = videos["duration_seconds"].to_numpy(np.float64)[events["video_id"].cat.codes]
    seconds = events["watch_seconds"].to_numpy(np.float64)
    measured = {"watch_minutes": seconds / 60, "completion": _share(seconds, duration)}
    if truth is not None:
        measured["satisfied_minutes"] = truth.satisfied_minutes(events)
    return pd.DataFrame(measured)


@dataclass(frozen=True)
class Contest:
    """What each framing's slates brought each person, summed over the slate, by measure: `brought[framing]`.

    >>> import pandas as pd
    >>> long, short = pd.DataFrame({"minutes": [4.0, 5.0] * 20}), pd.DataFrame({"minutes": [1.0, 1.5] * 20})
    >>> Contest({"seconds": long, "share": short}).verdicts()
    ['minutes: seconds brings 3.25 more than share (95 % interval +3.17 to +3.33)']
    """

    brought: Mapping[str, "pd.DataFrame"]

    @property
    def measures(self) -> list[str]:
        """The business measures, in the order of their columns."""
        return list(next(iter(self.brought.values())).columns)

    def value(self, framing: str, measure: str) -> Estimate:
        """Estimate what one framing's slate brings a person."""
        found = self.brought[framing][measure].to_numpy()
        return estimate(mean_of(found), users=len(found))

    def lift(self, framing: str, other: str, measure: str) -> Estimate:
        """Estimate by how much one framing's slates bring more than the other's, to the same people."""
        one, two = (self.brought[name][measure].to_numpy() for name in (framing, other))
        return compare(mean_of(one), mean_of(two), users=len(one))

    def ranking(self, measure: str) -> list[str]:
        """Return the framings, the one that brings most of a measure first."""
        return list(self.means()[measure].sort_values(ascending=False, kind="stable").index)

    def verdicts(self) -> list[str]:
        """Say for each measure who wins it, by how much a person, and whether the second is clearly behind."""
        said = []
        for measure in self.measures:
            first, second = self.ranking(measure)[:2]
            lift = self.lift(first, second, measure)
            interval = f"95 % interval {lift.low:+.2f} to {lift.high:+.2f}"
            told = f"{first} brings {lift.value:.2f} more than {second}"
            tied = f"{first} and {second} cannot be told apart"
            said.append(f"{measure.replace('_', ' ')}: {told if lift.excludes_zero else tied} ({interval})")
        return said

    def means(self) -> "pd.DataFrame":
        """Return what each framing brings a person on average, framings × measures."""
        import pandas as pd

        return pd.DataFrame({name: found.mean() for name, found in self.brought.items()}).T

    def to_frame(self) -> "pd.DataFrame":
        """Return value and 95 % interval a person, a row for each framing and measure."""
        import pandas as pd

        rows = []
        for framing in self.brought:
            for measure in self.measures:
                found = self.value(framing, measure)
                rows.append({"framing": framing, "measure": measure, "value": found.value} | _ends(found))
        return pd.DataFrame(rows)

    def plot(self, ax: Any = None) -> Any:
        """Draw what each framing brings as a share of the best one's, with paired 95 % intervals; returns the axes."""
        from matplotlib.figure import Figure

        ax = ax or Figure(layout="constrained").subplots()
        for at, framing in enumerate(self.brought):
            shares = [self._share_of_best(framing, measure) for measure in self.measures]
            places = np.arange(len(shares)) + 0.12 * (at - (len(self.brought) - 1) / 2)
            middle = np.array([share.value for share in shares])
            reach = np.array([[share.value - share.low, share.high - share.value] for share in shares]).T
            ax.errorbar(places, middle, yerr=reach, marker="os^Dv"[at % 5], linestyle="none", capsize=3, label=framing)
        ax.set_xticks(range(len(self.measures)), [name.replace("_", " ") for name in self.measures])
        ax.set(ylabel="share of the best", ylim=(0, 1.12))
        ax.margins(x=0.2)
        ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
        return ax

    def _share_of_best(self, framing: str, measure: str) -> Estimate:
        best = self.brought[self.ranking(measure)[0]][measure].to_numpy()
        one, two = mean_of(self.brought[framing][measure].to_numpy()), mean_of(best)
        return estimate(lambda weights: one(weights) / two(weights), users=len(best))


def contest(
    framings: Mapping[str, Scorer], offers: "pd.DataFrame", brings: "pd.DataFrame", users: NDArray[Any], slots: int = 6
) -> Contest:
    """Let each framing fill a slate for each person from the same offers, and sum up what its slates bring.

    `offers` is what the framings score, `brings` has a column for each business measure (see `outcomes`), and `users`
    says whom the row is offered to; all have as many rows. Raises `ConfigError` where they differ, or where a framing
    gives anything but one finite score a row.

    >>> import pandas as pd
    >>> offers, users = pd.DataFrame({"length": [9.0, 1.0, 5.0]}), np.array(["ann", "ann", "ann"])
    >>> brings = pd.DataFrame({"minutes": [3.0, 1.0, 2.0]})
    >>> held = contest({"longest": lambda rows: rows.length, "shortest": lambda rows: -rows.length},
    ...                offers, brings, users, slots=2)
    >>> held.brought["longest"].minutes.tolist(), held.brought["shortest"].minutes.tolist()
    ([5.0], [3.0])
    """
    if not len(offers) == len(brings) == len(users) or slots < 1 or not framings:
        raise ConfigError(
            "expected as many offers, outcomes and users, a framing and a slot or more, "
            f"found {len(offers)}, {len(brings)}, {len(users)}, {len(framings)} and {slots}"
        )
    brought = {}
    for name, scorer in framings.items():
        scores = np.asarray(scorer(offers), dtype=np.float64)
        if scores.shape != (len(offers),) or not np.isfinite(scores).all():
            raise ConfigError(f"{name}: expected a finite score for each of {len(offers)} offers, found {scores.shape}")
        people, person = np.unique(users, return_inverse=True)
        order = np.lexsort((-scores, person))
        first = np.searchsorted(person[order], np.arange(len(people)))
        shown = order[np.arange(len(order)) - first[person[order]] < slots]
        brought[name] = brings.iloc[shown].groupby(people[person[shown]]).sum()
    return Contest(brought)


def _ends(found: Estimate) -> dict[str, float]:
    return {"low": found.low, "high": found.high}
