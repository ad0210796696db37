"""A guess before the measurement: an 80 % range, kept so that it can be held against the truth."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

from mlsd_lab.course.learner import change_progress
from mlsd_lab.course.units import number
from mlsd_lab.errors import ConfigError


@dataclass(frozen=True)
class Guess:
    """A range that holds the truth in four cases of five, or nothing yet.

    >>> Guess("4.1", "ms", 5, 20)
    Guess 4.1, your 80 % range: 5 to 20 ms
    """

    key: str
    unit: str
    low: float | None = None
    high: float | None = None
    after_reveal: bool = False  # made or changed when the answer had been shown
    beliefs: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The range and its unit; empty without a guess.

        >>> Guess("4.1", "ms", 5, 20).text
        '5 to 20 ms'
        """
        if self.low is None or self.high is None:
            return ""
        return f"{number(self.low)} to {number(self.high)} {self.unit}".strip()

    def __repr__(self) -> str:
        if not self.text:
            return f"Guess {self.key}: none yet; put your 80 % range into low= and high="
        late = " (made or changed after the answer was shown, so it does not count)" if self.after_reveal else ""
        return f"Guess {self.key}, your 80 % range: {self.text}{late}"

    def _repr_html_(self) -> str:
        rows = "".join(f"<li>“{escape(guess)}”: {escape(why)}</li>" for guess, why in self.beliefs.items())
        summary = "<summary>Common guesses, and the belief behind each (look after your own)</summary>"
        folded = f"<details>{summary}<ul>{rows}</ul></details>" if rows else ""
        return f"<div>{escape(repr(self))}</div>{folded}"


def predict(
    key: str,
    unit: str,
    low: float | None = None,
    high: float | None = None,
    beliefs: Mapping[str, str] | None = None,
) -> Guess:
    """Keep an 80 % range for the measurement `key`; without `low` and `high` there is no guess yet.

    `beliefs` maps a common guess to the belief behind it. A guess made or changed after `compare` has shown the answer
    is labelled so. Raises `ConfigError` for half a range, one upside down, or one that is not finite.

    >>> predict("9.5", "ms")
    Guess 9.5: none yet; put your 80 % range into low= and high=
    >>> predict("9.5", "ms", low=20, high=5)
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: 9.5: expected low ≤ high, found 20 and 5: swap them
    """
    if not isinstance(unit, str):
        raise ConfigError(f'{key}: expected a unit as text, such as "ms", found {unit!r}')
    if low is None and high is None:
        return Guess(key, unit, beliefs=beliefs or {})
    if not _finite(low) or not _finite(high):
        raise ConfigError(f"{key}: expected two finite numbers, low= and high=, found {low!r} and {high!r}")
    assert low is not None and high is not None
    if low > high:
        raise ConfigError(f"{key}: expected low ≤ high, found {low} and {high}: swap them")
    with change_progress() as progress:
        kept = progress["predictions"].setdefault(key, {})
        guess = {"low": float(low), "high": float(high), "unit": unit}
        changed = any(kept.get(name) != value for name, value in guess.items())
        late = "measured" in kept if changed else bool(kept["after_reveal"])
        if changed and not (late and "low" in kept):  # a guess made in time is the one that counts
            kept |= guess | {"after_reveal": late}
    return Guess(key, unit, float(low), float(high), late, beliefs or {})


def _finite(value: object) -> bool:
    try:
        return math.isfinite(value)  # type: ignore[arg-type]
    except TypeError:
        return False
