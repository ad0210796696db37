"""Videos on screens: who saw what, where and from when on; and what came of it, as columns of a log."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.datasets.world.answers import Answers
from mlsd_lab.datasets.world.truth import Truth

_GAP = 2.0  # seconds between two videos
DAY = 86_400.0


@dataclass(frozen=True)
class Exposures:
    """A row an exposure, in the order in which a person sees them; arrays of shape (n,).

    >>> rows = np.zeros(2, np.int32)
    >>> Exposures(rows, rows, np.arange(2), rows, np.array([10.0, 10.0]), 0.5 * np.ones(2)).day.tolist()
    [0, 0]
    """

    user: NDArray[np.int32]
    video: NDArray[np.int32]
    position: NDArray[np.integer]
    sitting: NDArray[np.integer]
    """Equal and next to each other for videos watched one after the other."""
    began: NDArray[np.float64]
    """When the sitting begins, in seconds since the log began."""
    propensity: NDArray[np.float64]

    @property
    def day(self) -> NDArray[np.int64]:
        """The day on which the sitting begins, counted from the log's first."""
        return (self.began // DAY).astype(np.int64)

    def answered(self, truth: Truth, rng: np.random.Generator, *, same_day: bool) -> dict[str, NDArray[Any]]:
        """Return the columns of events: each person watches, and goes on to the next video when done.

        With `same_day` a sitting that would pass midnight begins as much earlier as it takes to end before. Times
        are int64 microseconds since the log began.
        """
        chances = truth.chances(self.user, self.video, self.position, self.day)
        answers = Answers.draw(chances, truth.people.duration[self.video], rng)
        spent = answers.watch_seconds + _GAP
        first = np.flatnonzero(np.diff(self.sitting, prepend=-1))
        length = np.diff(first, append=len(spent))
        passed = np.cumsum(spent) - spent
        occurred = self.began + passed - np.repeat(passed[first], length)
        if same_day:
            midnight = (self.day[first] + 1) * DAY
            over = np.maximum(occurred[first + length - 1] + spent[first + length - 1] + 1 - midnight, 0)
            occurred -= np.repeat(over, length)
        starts = np.rint(occurred * 1e6).astype(np.int64)
        known = starts + np.rint((answers.watch_seconds + answers.delay_seconds) * 1e6).astype(np.int64)
        return {
            "user_id": self.user,
            "video_id": self.video,
            "occurred_at": starts,
            "known_at": known,
            "position": self.position.astype(np.int32),
            "clicked": answers.clicked,
            "long_view": answers.long_view,
            "liked": answers.liked,
            "watch_seconds": answers.watch_seconds,
            "propensity": self.propensity,
        }
