"""Who opens the app on which day, and how many videos pass by."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.datasets.world.config import SLOTS, WorldConfig
from mlsd_lab.datasets.world.population import Population

_MEAN, _LONGEST = 6, 60  # exposures a session
_WEEK = np.array([-0.13, -0.15, -0.14, -0.13, 0.0, 0.13, 0.10])  # Monday to Sunday
_HOURS = np.array([3, 1, 1, 1, 1, 2, 4, 7, 8, 7, 7, 8, 10, 9, 8, 8, 9, 11, 13, 15, 16, 15, 11, 6], float)
_SURFACES = (0.78, 0.18, 0.04)
SURFACES = ("home", "following", "explore")
"""Where a slate is shown. On `explore` each available video is as likely as any other."""


@dataclass(frozen=True)
class Sessions:
    """A row a session, by the moment it begins; arrays of shape (sessions,).

    >>> config = WorldConfig(users=20, events=500, days=7)
    >>> sessions = Sessions.draw(config, Population.draw(config, np.random.default_rng(0)), np.random.default_rng(1))
    >>> int(sessions.length.sum()), int(sessions.day.max()), bool((np.diff(sessions.second) >= 0).all())
    (500, 6, True)
    """

    user: NDArray[np.int32]
    day: NDArray[np.int32]
    second: NDArray[np.float64]
    """Seconds since the log began."""
    length: NDArray[np.int32]
    """Exposures."""
    surface: NDArray[np.int8]

    @classmethod
    def draw(cls, config: WorldConfig, people: Population, rng: np.random.Generator) -> "Sessions":
        """Draw sessions with exactly the configured number of exposures between them."""
        busy = 1 + config.drift.seasonality * np.resize(_WEEK, config.days)
        passed = np.concatenate([[0], np.cumsum(np.maximum(busy, 0.1))])  # work of the days before
        here = people.activity * (passed[-1] - passed[np.clip(people.signed_up_day, 0, None)])
        share = (here / here.sum()).astype(np.float64)
        exposures = rng.multinomial(config.events, share / share.sum())
        length = _cut(exposures, rng)
        user = np.repeat(np.arange(config.users), exposures)[np.cumsum(length) - length].astype(np.int32)
        first = passed[np.clip(people.signed_up_day[user], 0, None)]
        point = first + rng.random(len(user)) * (passed[-1] - first)
        day = np.clip(np.searchsorted(passed, point, side="right") - 1, 0, config.days - 1).astype(np.int32)
        hour = np.searchsorted(np.cumsum(_HOURS) / _HOURS.sum(), rng.random(len(user)), side="right")
        second = (np.minimum(hour, 23) + rng.random(len(user))) * 3600
        order = np.lexsort((second, day))
        surface = np.searchsorted(np.cumsum(_SURFACES)[:-1], rng.random(len(user)), side="right").astype(np.int8)
        return cls(user[order], day[order], (day * 86_400.0 + second)[order], length[order], surface)

    def of_day(self, day: int) -> "Sessions":
        """Return the sessions of one day."""
        low, high = np.searchsorted(self.day, [day, day + 1])
        return Sessions(*(column[low:high] for column in vars(self).values()))

    def slates(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return for each slate its session (a row here) and its length; a session's last slate may be cut short."""
        count = -(-self.length // SLOTS)
        session = np.repeat(np.arange(len(self.length)), count)
        within = np.arange(len(session)) - np.repeat(np.cumsum(count) - count, count)
        return session, np.minimum(self.length[session] - within * SLOTS, SLOTS).astype(np.int64)


def _cut(exposures: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int32]:
    """Cut each user's exposures into sessions of geometric length; none spans two users."""
    total = int(exposures.sum())
    begins = rng.random(total) < 1 / _MEAN
    ends = np.cumsum(exposures)
    first = ends[exposures > 0] - exposures[exposures > 0]
    begins[first] = True
    starts = np.flatnonzero(begins)
    length = np.diff(starts, append=total)
    extra = (length - 1) // _LONGEST  # a day has room for any session
    pieces = np.repeat(length, extra + 1)
    order = np.arange(len(pieces)) - np.repeat(np.cumsum(extra + 1) - extra - 1, extra + 1)
    return np.minimum(pieces - order * _LONGEST, _LONGEST).astype(np.int32)
