"""How people answer a slate: what they click, how long they stay, what they like."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.datasets.world.truth import LONG_SECONDS, Chances

_LATE = 0.02  # phones that were offline and report hours later


@dataclass(frozen=True)
class Answers:
    """What happened at each of n exposures; arrays of shape (n,).

    >>> one = np.ones(4)
    >>> sure = Chances(one, one, one, 3 * one, 0 * one, one, one)
    >>> answers = Answers.draw(sure, np.full(4, 30.0), np.random.default_rng(0))
    >>> answers.clicked.tolist(), answers.long_view.tolist(), answers.liked.tolist()
    ([True, True, True, True], [True, True, True, True], [False, False, False, False])
    """

    clicked: NDArray[np.bool_]
    long_view: NDArray[np.bool_]
    liked: NDArray[np.bool_]
    watch_seconds: NDArray[np.float64]
    delay_seconds: NDArray[np.float64]
    """From the end of the watch until the collector has the record."""

    @classmethod
    def draw(cls, chances: Chances, duration: NDArray[np.float64], rng: np.random.Generator) -> "Answers":
        """Draw what people do, given their chances and the videos' durations in seconds."""
        count = len(duration)
        click, finish, like, late = rng.random((4, count), dtype=np.float32)
        spread = rng.standard_normal(count, dtype=np.float32)
        clicked = click < chances.click
        finished = finish < chances.finish
        left = np.minimum(np.exp(chances.log_seconds + spread), 0.98 * duration)
        stayed = np.where(finished, duration * np.exp(0.13 * np.abs(spread) ** 1.5), left)
        passing = np.where(finish < 0.17, 0.0, np.minimum(2.3 * np.exp(0.75 * spread), np.minimum(7, 0.8 * duration)))
        watched = np.where(clicked, stayed, passing).round(3)
        delay = 1.5 * np.exp(0.6 * rng.standard_normal(count, dtype=np.float32))
        return cls(
            clicked=clicked,
            long_view=clicked & (finished | (left >= LONG_SECONDS)),
            liked=clicked & (like < chances.like),
            watch_seconds=watched,
            delay_seconds=np.where(late < _LATE, 10_800 * late / _LATE + delay, delay),
        )
