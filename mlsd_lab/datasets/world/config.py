"""What a world is made from: its size, its seed, and what changes in it on which day."""

from dataclasses import dataclass, fields

from mlsd_lab.errors import ConfigError

SLOTS = 6
"""Videos in a full slate."""
_LEAST = {"users": 10, "videos": 100, "events": 100, "days": 2, "seed": 0}
_MOST = {"users": 10**7, "videos": 10**7, "events": 10**9, "days": 3650, "seed": 2**31 - 2}


@dataclass(frozen=True)
class Drift:
    """What changes in a world, and on which day (0 is the first); None: it does not happen.

    >>> Drift(taste_shift=14).taste_shift
    14
    """

    new_cohort: int | None = None
    """From this day on, one user in five signs up, and cares for the topics that the others care least about."""
    taste_shift: int | None = None
    """From this day on, one user in three has another taste."""
    viral_topic: int | None = None
    """From this day on, for three days, the feed favours one topic fivefold, and everybody likes it more."""
    unit_bug: int | None = None
    """From this day on, the television app reports milliseconds in `watch_seconds`."""
    seasonality: float = 1.0
    """How much busier weekends are: 0 not at all, 1 as in the real log's holidays."""


@dataclass(frozen=True)
class WorldConfig:
    """Size, length and seed of a world, and what drifts in it; equal settings make equal worlds.

    Raises `ConfigError` for a size outside what can be simulated.

    >>> WorldConfig(users=3)
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: users: expected a whole number from 10 to 10000000, found 3
    """

    users: int = 5_000
    """People, each with a taste."""
    videos: int = 2_000
    """Videos, three in four of them uploaded before the log begins."""
    events: int = 300_000
    """Exposures in the log, exactly."""
    days: int = 28
    """Length of the log, from Monday 5 January 2026, in UTC."""
    seed: int = 0
    """Of everything random."""
    drift: Drift = Drift()
    """What changes, and when."""

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if not isinstance(value, int) or not least <= value <= _MOST[name]:
                raise ConfigError(f"{name}: expected a whole number from {least} to {_MOST[name]}, found {value!r}")
        if not 0 <= self.drift.seasonality <= 3:
            raise ConfigError(f"seasonality: expected 0 to 3, found {self.drift.seasonality}")
        for field in fields(self.drift):
            day = getattr(self.drift, field.name)
            if field.name == "seasonality" or day is None:
                continue
            if not isinstance(day, int) or not 0 <= day < self.days:
                raise ConfigError(f"{field.name}: expected a day from 0 to {self.days - 1}, found {day!r}")
