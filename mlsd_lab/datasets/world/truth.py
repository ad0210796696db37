"""What is true in a world and in no log: what a person would do, and whether it did them good."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

from mlsd_lab.datasets.world.config import SLOTS, Drift
from mlsd_lab.datasets.world.population import APPS, Floats, Population
from mlsd_lab.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

EXAMINATION = 1 / (1 + 0.12 * np.arange(SLOTS))
"""P(the person looks at it | position)."""
LONG_SECONDS = 18.0
"""A long view is this much of a video, or all of a shorter one: the rule of the real log."""
_WATCH_SPREAD = 1.0  # of the logarithm of seconds, where a video is left before its end
VIRAL_TOPIC = 0
"""The topic that goes viral, where one does."""


@dataclass(frozen=True)
class Chances:
    """What would happen at each of n exposures, as probabilities; arrays of shape (n,).

    >>> one = np.ones(1)
    >>> Chances(one, 0.5 * one, 0.4 * one, 3 * one, 0.1 * one, one, 0.3 * one).click.tolist()
    [0.5]
    """

    examined: NDArray[np.float64]
    """P(the person looks at this position)."""
    attraction: NDArray[np.float64]
    """P(click | examined)."""
    finish: NDArray[np.float64]
    """P(watched to the end | click)."""
    log_seconds: NDArray[np.float64]
    """Median of the logarithm of the seconds watched | click, left before the end."""
    like: NDArray[np.float64]
    """P(like | click)."""
    long_after_click: NDArray[np.float64]
    """P(long view | click)."""
    satisfied: NDArray[np.float64]
    """P(the person is glad to have watched it | click)."""

    @property
    def click(self) -> NDArray[np.float64]:
        """P(click)."""
        return self.examined * self.attraction

    @property
    def long_view(self) -> NDArray[np.float64]:
        """P(long view)."""
        return self.click * self.long_after_click


@dataclass(frozen=True, repr=False)
class Truth:
    """The people, the videos and the drift of a world, and the one function by which people answer.

    >>> from mlsd_lab.datasets.world import WorldConfig, simulate
    >>> world = simulate(WorldConfig(users=50, videos=100, events=500, days=3))
    >>> chances = world.truth.of(world.log.events)
    >>> bool(np.isclose(chances.click.mean(), world.log.events.clicked.mean(), atol=0.1))
    True
    """

    people: Population
    drift: Drift
    start: "pd.Timestamp"
    """Midnight at which the log begins."""

    def chances(
        self,
        user: NDArray[np.integer],
        video: NDArray[np.integer],
        position: NDArray[np.integer],
        day: NDArray[np.integer],
    ) -> Chances:
        """Return what would happen if these users saw these videos at these positions on these days, all of (n,).

        Positions beyond the last slot are looked at as little as the last.
        """
        people = self.people
        fit = _fit(people.taste, people.place, user, video)
        if self.drift.taste_shift is not None:
            later = np.flatnonzero(day >= self.drift.taste_shift)
            fit[later] = _fit(people.later_taste, people.place, user[later], video[later])
        pull = 2.0 * fit + 0.75 * people.appeal[video]
        if self.drift.viral_topic is not None:
            pull += 1.5 * ((people.topic[video] == VIRAL_TOPIC) & viral(self.drift, day))
        length = np.log(people.duration[video] / 71)
        worth = 1.1 * fit + 0.8 * people.substance[video]
        finish = expit(-1.65 + worth - 0.75 * length)
        log_seconds = 2.95 + 0.3 * worth + 0.15 * length
        # Left before its end, a video of 18 s or less has not been viewed long; a longer one has after 18 s.
        late = ndtr((log_seconds - np.log(LONG_SECONDS)) / _WATCH_SPREAD) * (
            0.98 * people.duration[video] >= LONG_SECONDS
        )
        return Chances(
            examined=EXAMINATION[np.clip(position, 0, SLOTS - 1)],
            attraction=expit(-0.97 + pull),
            finish=finish,
            log_seconds=log_seconds,
            like=expit(-4.3 + worth),
            long_after_click=finish + (1 - finish) * late,
            satisfied=expit(-0.3 + 1.6 * worth - 0.5 * length),  # what asks for more time must be worth more
        )

    def long_views(self, users: NDArray[np.integer], videos: NDArray[np.integer], day: int = 0) -> NDArray[np.float64]:
        """Return the chance that each user views each video of their row long, shown first, of shape (users, k)."""
        who = np.repeat(users, videos.shape[1])
        first = np.zeros_like(who)
        return self.chances(who, videos.ravel(), first, first + day).long_view.reshape(videos.shape)

    def of(self, events: "pd.DataFrame") -> Chances:
        """Return the chances of a log's events, a row an event; raises `DataError` for ids that are no longer codes."""
        if not all(hasattr(events[name], "cat") for name in ("user_id", "video_id")):
            raise DataError("events: expected user_id and video_id as the log has them, categories, found text")
        user, video = (events[name].cat.codes.to_numpy() for name in ("user_id", "video_id"))
        return self.chances(user, video, events["position"].to_numpy(np.int64), self.days(events["occurred_at"]))

    def __repr__(self) -> str:
        return f"Truth of {len(self.people.taste):,} people and {len(self.people.place):,} videos, {self.drift}"

    def days(self, times: "pd.Series") -> NDArray[np.int64]:
        """Return the day of each time, counted from the log's first."""
        return ((times - self.start) // np.timedelta64(1, "D")).to_numpy(np.int64)

    def satisfied_minutes(self, events: "pd.DataFrame") -> NDArray[np.float64]:
        """Return for each event the minutes watched, times the chance that the person was glad of them.

        This is what the feed is for, and no log holds it. A wrong unit in the log is undone first.
        """
        seconds = events["watch_seconds"].to_numpy() / np.where(self.in_milliseconds(events), 1000, 1)
        return np.where(events["clicked"].to_numpy(bool), self.of(events).satisfied * seconds / 60, 0.0)

    def in_milliseconds(self, events: "pd.DataFrame") -> NDArray[np.bool_]:
        """Return for each event whether the unit bug struck it."""
        if self.drift.unit_bug is None:
            return np.zeros(len(events), bool)
        television = self.people.app[events["user_id"].cat.codes.to_numpy()] == APPS.index("television")
        return television & (self.days(events["occurred_at"]) >= self.drift.unit_bug)


def viral(drift: Drift, day: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return on which of these days the viral topic is about.

    >>> viral(Drift(viral_topic=5), np.array([4, 5, 7, 8])).tolist()
    [False, True, True, False]
    """
    first = np.iinfo(np.int64).max - 3 if drift.viral_topic is None else drift.viral_topic
    return (day >= first) & (day < first + 3)


def _fit(taste: Floats, place: Floats, user: NDArray[np.integer], video: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return how well each video fits its person: the cosine of taste and place."""
    return np.einsum("nd,nd->n", taste[user], place[video]).astype(np.float64)
