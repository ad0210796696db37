"""A rehearsal of the 90-second answer: a few things that a machine can check in a text, and no more."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from mlsd_lab.course.units import convert, family
from mlsd_lab.course.values import named_values

_WORDS = 225
_QUANTITY = re.compile(
    r"(?<![\w.,@])(?<!± )(\d[\d,]*(?:\.\d+)?)\s*"
    r"(µs|us|ms|seconds?|s|minutes?|min|hours?|h|bytes|kB|MB|GB|TB|B|%|percent|people|points|×|times)(?!\w)"
    r"|(?<![\w.,@])(?<!± )(0?\.\d+)(?!\w)"
)
_SHORT = {
    "second": "s",
    "seconds": "s",
    "minute": "min",
    "minutes": "min",
    "hour": "h",
    "hours": "h",
    "percent": "%",
    "times": "×",
}
_GIVEN = re.compile(r"\b(budgets?|limits?|targets?|assum\w+|deadlines?|within|at most|slo|allowed)\b", re.IGNORECASE)
_TRADE = re.compile(
    r"\b(but|although|though|whereas|at the (cost|price|expense) of|in exchange|instead of|trade\w*|gives? up|costs?|"
    r"on the other hand|in return|rather than|loses?)\b",
    re.IGNORECASE,
)
_FLIP = re.compile(r"\b(if|when|unless|until|once|as soon as|above|below|beyond|more than|fewer than)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Rehearsal:
    """What a text has and what it lacks, point by point; no points where there is no text yet.

    >>> Rehearsal("04", ())
    04 not rehearsed yet: write your answer into the text, as you would say it
    """

    notebook: str
    points: tuple[tuple[bool, str], ...]

    @property
    def fine(self) -> bool:
        """Whether every point is met.

        >>> Rehearsal("04", ((True, "90 words of 225"),)).fine
        True
        """
        return bool(self.points) and all(met for met, _ in self.points)

    def __repr__(self) -> str:
        if not self.points:
            return f"{self.notebook} not rehearsed yet: write your answer into the text, as you would say it"
        state = "rehearsed" if self.fine else "not yet"
        lines = [f"{'✓' if met else '✗'} {sentence}" for met, sentence in self.points]
        return "\n".join(
            [
                f"{self.notebook} {state}",
                *lines,
                "It looks for numbers and signal words; whether it is right, you judge.",
            ]
        )

    def _repr_html_(self) -> str:
        return f"<div>{escape(repr(self)).replace(chr(10), '<br>')}</div>"


def rehearse(notebook: str, text: str = "") -> Rehearsal:
    """Check a spoken answer: its length, its numbers against those measured here, a trade-off, and when it flips.

    A number with a unit must be within 2 × of a measured one of its kind, unless its sentence calls it a budget, a
    limit, a target or an assumption.

    >>> rehearse("04", "It is fast.").fine
    False
    """
    if not text.strip():
        return Rehearsal(notebook, ())
    words = len(text.split())
    points = [(words <= _WORDS, f"{words} words of at most {_WORDS}"), *_numbers(text)]
    points.append(
        _found(_TRADE, text, "both sides of a trade-off", "What do you give up, and for what? (but, at the cost of)")
    )
    points.append(
        _found(_FLIP, text, "a condition under which it flips", "When would you decide otherwise? (if, above)")
    )
    return Rehearsal(notebook, tuple(points))


def _found(pattern: re.Pattern[str], text: str, what: str, ask: str) -> tuple[bool, str]:
    found = pattern.search(text)
    return (True, f"{what}: “{found[0]}”") if found else (False, f"{what}: not found. {ask}")


def _numbers(text: str) -> Iterator[tuple[bool, str]]:
    near, far = [], []
    for sentence in re.split(r"(?<=[.!?;])\s+", text):
        for found in _QUANTITY.finditer(sentence):
            value = float((found[1] or found[3]).replace(",", ""))
            unit = _SHORT.get(found[2] or "", found[2] or "")
            if _measured(value, unit):
                near.append(found[0])
            elif not _GIVEN.search(sentence):
                far.append(found[0])
    if near:
        yield True, f"measured numbers: {', '.join(near)}"
    else:
        yield False, "no number with its unit that was measured here"
    if far:
        yield False, f"not within 2 × of anything measured here: {', '.join(far)} (a budget or an assumption? Say so)"


def _measured(value: float, unit: str) -> bool:
    """Tell whether some value measured here is of the same kind and within a factor of two: "5 % less" is −5 %."""
    for known in named_values().values():
        if family(known.unit) == family(unit) and known.value:
            ratio = convert(value, unit, known.unit) / abs(known.value)
            if 0.5 <= ratio <= 2:
                return True
    return False
