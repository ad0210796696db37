"""Where a log comes from and how it is to be read."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from mlsd_lab.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

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

    def relevant(self, events: "pd.DataFrame") -> "pd.Series":
        """Return per event: did it matter to the user, by the rule (bool; a missing value counts as no).

        >>> import pandas as pd
        >>> Datasheet("mine", relevance="rating").relevant(pd.DataFrame({"rating": [4.5, 3.0, None]})).tolist()
        [True, False, False]
        """
        import pandas as pd

        if self.relevance == "any":
            return pd.Series(True, index=events.index)
        if self.relevance == "rating":
            return events["rating"] >= 4
        return events[self.relevance].astype("boolean").fillna(False).astype(bool)


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
