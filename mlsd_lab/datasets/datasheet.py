"""Where a log comes from and how it is to be read."""

from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from mlsd_lab.errors import ConfigError

Relevance = Literal["long_view", "rating", "clicked", "any"]

RULES: dict[Relevance, str] = {
    "long_view": "long_view is true",
    "rating": "rating is 4 or more",
    "clicked": "clicked is true",
    "any": "every event counts, since the log has no long_view, rating or clicked",
}


@dataclass(frozen=True)
class Datasheet:
    """Name, licence, citation, origin, time zone, and the rule that says which events were relevant to the user.

    >>> Datasheet(name="mine", relevance="clicked").rule
    'clicked is true'
    """

    name: str
    """Short name, as given to `--data`."""
    title: str = ""
    """One line a person reads."""
    licence: str = "unknown"
    """What the data may be used for."""
    citation: str = ""
    """The paper or page to name when a result is published."""
    origin: str = ""
    """Where the files come from."""
    timezone: str = "UTC"
    """IANA name of the zone in which the data set's days begin and end."""
    relevance: Relevance = "any"
    """Which column makes an event relevant."""
    split: Literal["by_day", "leave_last_out"] = "by_day"
    """How it is divided into training and test: the last local day, or each user's last relevant event."""

    @property
    def rule(self) -> str:
        """The rule of `relevant`, in words."""
        return RULES[self.relevance]


def iana_zone(name: str) -> ZoneInfo:
    """Return the time zone of this IANA name, or raise `ConfigError`.

    >>> iana_zone("Mars/Olympus")
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: timezone: expected an IANA name such as Europe/Berlin or UTC, found 'Mars/Olympus'
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        expected = "an IANA name such as Europe/Berlin or UTC"
        raise ConfigError(f"timezone: expected {expected}, found {name[:80]!r}") from None
