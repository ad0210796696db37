"""Who lives in a world and what there is to watch: tastes, videos, and what nobody outside can see of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.datasets.world.config import WorldConfig
from mlsd_lab.datasets.world.topics import TOPICS

Floats = NDArray[np.float32]
Codes = NDArray[np.int32]
_SPACE = 12  # dimensions in which topics, creators, videos and tastes lie
APPS = ("android", "ios", "television")
REGIONS = ("east", "north", "south", "west")


@dataclass(frozen=True, repr=False)
class Population:
    """People and videos as they truly are; a row a user code or a video code.

    >>> made = Population.draw(WorldConfig(users=20, videos=150), np.random.default_rng(0))
    >>> made.taste.shape, made.place.shape, float(np.linalg.norm(made.place[0]).round(3))
    ((20, 12), (150, 12), 1.0)
    """

    taste: Floats
    """(users, space), of length 1: what the person cares for."""
    later_taste: Floats
    """The same after the taste shift; equal to `taste` for people whom it does not touch."""
    activity: Floats
    """(users,): relative number of sessions a day."""
    signed_up_day: Codes
    """(users,): day of the sign-up, below 0 before the log began."""
    app: Codes
    region: Codes
    topic_centre: Floats
    """(topics, space)"""
    topic: Codes
    """(videos,): place in `TOPICS`."""
    creator: Codes
    place: Floats
    """(videos, space), of length 1: what the video is about."""
    appeal: Floats
    """(videos,): how much title and picture promise."""
    substance: Floats
    """(videos,): how much the video keeps of it."""
    bait: NDArray[np.bool_]
    """(videos,): clickbait, high in appeal and low in substance."""
    duration: NDArray[np.float64]
    """(videos,): seconds."""
    uploaded_day: NDArray[np.float64]
    """(videos,): days since the log began, ascending; below 0 before it."""
    reach: Floats
    """(videos,): how often the feed shows it, relative to others."""

    @classmethod
    def draw(cls, config: WorldConfig, rng: np.random.Generator) -> "Population":
        """Draw a population of the configured size."""
        centre = _unit(rng.standard_normal((len(TOPICS), _SPACE), dtype=np.float32))
        return cls(**_people(config, centre, rng), topic_centre=centre, **_videos(config, centre, rng))


def _people(config: WorldConfig, centre: Floats, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    count, topics, drift = config.users, len(TOPICS), config.drift
    liking = 1 / np.arange(2, topics + 2) ** 0.5  # the first topics have more friends than the last
    signed_up = np.where(rng.random(count) < 0.1, rng.integers(0, config.days, count), -1 - rng.integers(0, 900, count))
    taste, later = _tastes(count, centre, liking, rng), _tastes(count, centre, liking, rng)
    touched = rng.random(count) < 1 / 3
    newcomer = rng.random(count) < 0.2
    if drift.new_cohort is not None:
        others = _tastes(count, centre, liking[::-1] ** 6, rng)
        taste = np.where(newcomer[:, None], others, taste)
        days = rng.integers(drift.new_cohort, config.days, count)
        signed_up = np.where(newcomer, days, np.minimum(signed_up, drift.new_cohort - 1))
    signed_up[0] = -1  # there is always somebody
    return {
        "taste": taste,
        "later_taste": np.where(touched[:, None], later, taste) if drift.taste_shift is not None else taste,
        "activity": rng.lognormal(0, 0.72, count).astype(np.float32),
        "signed_up_day": signed_up.astype(np.int32),
        "app": rng.choice(len(APPS), count, p=(0.5, 0.35, 0.15)).astype(np.int32),
        "region": rng.choice(len(REGIONS), count, p=(0.2, 0.3, 0.3, 0.2)).astype(np.int32),
    }


def _tastes(count: int, centre: Floats, liking: NDArray[np.float64], rng: np.random.Generator) -> Floats:
    """Mix three topics a person, in unequal parts, and something of their own."""
    chosen = rng.choice(len(centre), (count, 3), p=liking / liking.sum())
    mixed = np.einsum("ntd,t->nd", centre[chosen], np.array([1.0, 0.6, 0.35], np.float32))
    return _unit(mixed + 0.12 * rng.standard_normal(mixed.shape, dtype=np.float32))


def _videos(config: WorldConfig, centre: Floats, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    count = config.videos
    creators = max(len(TOPICS), count // 12)
    home = rng.permutation(creators) % len(TOPICS)  # a creator stays with one topic
    manner = 0.18 * rng.standard_normal((creators, _SPACE), dtype=np.float32)
    creator = rng.integers(0, creators, count)
    creator[: len(TOPICS)] = np.argsort(home)[
        np.searchsorted(np.sort(home), np.arange(len(TOPICS)))
    ]  # no topic is bare
    own = 0.12 * rng.standard_normal((count, _SPACE), dtype=np.float32)
    uploaded = np.where(rng.random(count) < 0.75, -rng.exponential(120, count), rng.uniform(0, config.days, count))
    uploaded[: max(len(TOPICS), count // 2)] = -rng.exponential(120, max(len(TOPICS), count // 2))
    bait = rng.random(count) < 0.08
    appeal, substance = rng.standard_normal((2, count), dtype=np.float32)
    appeal = np.where(bait, 1.3 + 0.4 * appeal, appeal)
    substance = np.where(bait, -1.6 + 0.4 * substance, 0.2 * appeal + substance)
    reach = np.exp(
        1.7 * np.minimum(rng.standard_normal(count, dtype=np.float32), 2.3) + 0.35 * appeal + 0.25 * substance
    )
    spread = rng.standard_normal(count)
    order = np.argsort(uploaded, kind="stable")
    made = {
        "topic": home[creator].astype(np.int32),
        "creator": creator.astype(np.int32),
        "place": _unit(centre[home[creator]] + manner[creator] + own),
        "appeal": appeal.astype(np.float32),
        "substance": substance.astype(np.float32),
        "bait": bait,
        "duration": np.clip(67 * np.exp(spread * np.where(spread < 0, 1.33, 1.01)), 5, 1200).round(3),
        "uploaded_day": uploaded,
        "reach": reach.astype(np.float32),
    }
    return {name: column[order] for name, column in made.items()}


def _unit(rows: Floats) -> Floats:
    return (rows / np.sqrt(np.einsum("nd,nd->n", rows, rows))[:, None]).astype(np.float32)
