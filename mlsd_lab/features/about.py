"""What a read of a feature does when there is no value, or only an old one."""

import math
import re
from dataclasses import dataclass

from mlsd_lab.errors import ConfigError

HOUR, DAY = 3_600_000_000, 86_400_000_000  # microseconds


@dataclass(frozen=True)
class About:
    """The facts beside a definition; its docstring says what the feature means.

    >>> About(default=0.5, time_to_live="30d").time_to_live_us
    2592000000000
    """

    default: float | None = None
    """Stands in for a value that there is none of, or that is too old; without one that is NaN."""
    time_to_live: str | None = None
    """How long after its entity's newest event a value holds, such as "36h" or "30d", judged at `as_of`."""
    owner: str = ""
    """Who answers for it: a team, or a person."""
    unit: str = ""
    """Of its values, such as "seconds" or "share of 1"."""
    tags: tuple[str, ...] = ()
    """Words to find it by."""
    personal: bool | None = None
    """Whether it is personal data; None for the careful rule: what is kept by user, and what is made of that, is."""

    def __post_init__(self) -> None:
        if self.default is not None and not math.isfinite(self.default):
            raise ConfigError(f"default: expected a finite number, or None for NaN, found {self.default}")
        if self.time_to_live is not None and not re.fullmatch(r"[1-9]\d*[hd]", self.time_to_live):
            raise ConfigError(f"time_to_live: expected hours or days such as '36h', found {self.time_to_live!r}")

    @property
    def time_to_live_us(self) -> int | None:
        """The time to live in microseconds."""
        if self.time_to_live is None:
            return None
        return int(self.time_to_live[:-1]) * (HOUR if self.time_to_live.endswith("h") else DAY)
