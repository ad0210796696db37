"""An exact amount with its unit: what a calculation on a whiteboard is made of."""

import math
import re
from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from functools import cache, total_ordering
from numbers import Rational, Real
from typing import TypeGuard

from mlsd_lab.errors import ConfigError

Number = int | float | Fraction
_DAY = Fraction(86_400)
_COUNTS = ("user", "request", "event", "video", "page", "view", "row", "number", "feature", "machine", "region")
_BYTES = ("byte", "kB", "MB", "GB", "TB", "PB")
_SIZES: dict[str, tuple[str, Fraction]] = {
    **{"s": ("s", Fraction(1)), "ms": ("s", Fraction(1, 1000)), "µs": ("s", Fraction(1, 10**6))},
    **{"min": ("s", Fraction(60)), "h": ("s", Fraction(3600)), "day": ("s", _DAY)},
    **{"month": ("s", 30 * _DAY), "year": ("s", 365 * _DAY)},
    **{word: ("byte", Fraction(1000**power)) for power, word in enumerate(_BYTES)},
    **{"bit": ("byte", Fraction(1, 8)), "%": ("", Fraction(1, 100)), "usd": ("usd", Fraction(1))},
    **{word: (word, Fraction(1)) for word in _COUNTS},
}
_PLURALS = {word: f"{word}s" for word in (*_COUNTS, "day", "month", "year", "byte", "bit")}
_NAMES = {word: word for word in _SIZES} | {plural: word for word, plural in _PLURALS.items()}
_NAMES |= {"share": "", "1": "", "B": "byte", "μs": "µs"}  # the last: mu as a Greek letter
_WHOLE = r"\d{1,3}(?:,\d{3}){1,13}|\d[\d_]{0,40}"  # a comma groups thousands, and is no decimal point
_READ = re.compile(rf"\s*([-+]?(?:{_WHOLE})(?:\.\d{{1,40}})?(?:[eE][-+]?\d{{1,3}})?)(?![\d,._])\s*(.*?)\s*", re.DOTALL)


@total_ordering
@dataclass(frozen=True, eq=False, repr=False)
class Quantity:
    """An exact value in base units (s, byte, and what is counted) and the unit it is shown in; make one by `of`.

    A unit is words joined by · (times) and / (by): "requests/user/day". A day is 86,400 s, a month 30 days, a year
    365 days; 1 GB is 10⁹ bytes. Raises `ConfigError` where units do not fit.

    >>> Quantity.of(10, "requests/user/day") * Quantity.of(300_000_000, "users")
    34,722 requests/s
    >>> Quantity.of(3, "days") < Quantity.of(1, "month"), Quantity.of(30, "%") == 0.3
    (True, True)
    >>> Quantity.of(3, "users") + Quantity.of(2, "videos")
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: expected an amount in users, found 2 videos: multiply it by an amount in users/video
    first, or mend its unit
    """

    value: Fraction
    unit: str = ""

    @classmethod
    def of(cls, value: Number, unit: str = "") -> "Quantity":
        """Return an amount; a float enters by its decimal text, so 0.1 is a tenth.

        >>> Quantity.of(0.1, "machines") * 30 == Quantity.of(3, "machines")
        True
        """
        return cls(_exact(value) * _dimension(unit)[1], unit)

    @classmethod
    def read(cls, text: str) -> "Quantity":
        """Return the amount that a person wrote: a number, then its unit.

        >>> Quantity.read("1,000 users"), Quantity.read("0.2 s")
        (1,000 users, 0.2 s)
        """
        found = _READ.fullmatch(text)
        if not found:
            raise ConfigError(f"expected a number and its unit, such as 0.2 s, found {text!r}")
        return cls(Fraction(re.sub("[,_]", "", found[1])) * _dimension(found[2])[1], found[2])

    @property
    def base_unit(self) -> str:
        """The unit with all times in s and all memory in bytes, cancelled.

        >>> Quantity.of(5, "ms·machines/request/s").base_unit
        'machine/request'
        """
        return _joined(dict(_dimension(self.unit)[0]))

    def to(self, unit: str) -> Fraction:
        """Return the exact number of `unit` in this amount.

        >>> Quantity.of(0.2, "s").to("ms"), Quantity.of(1, "request/day").to("requests/s")
        (Fraction(200, 1), Fraction(1, 86400))
        """
        return _like(self, unit).value / _dimension(unit)[1]

    def ceil(self, unit: str) -> int:
        """Return the whole number of `unit` that is enough.

        >>> Quantity.of(0.1, "machines/region").ceil("machines/region"), Quantity.of(36, "h").ceil("days")
        (1, 2)
        """
        return math.ceil(self.to(unit))

    def text(self, unit: str | None = None) -> str:
        """Return it for a person, in `unit` or its own: about 4 digits; bytes in the unit that suits their size.

        >>> Quantity.of(3_000_000_000, "requests/day").text("requests/s"), Quantity.of(2.56e12, "bytes").text()
        ('34,722 requests/s', '2.56 TB')
        """
        asked = self.unit if unit is None else unit
        amount, (over, under) = self.to(asked), _words(asked)
        if over and over[0] == "byte":
            step = next((step for step in range(5) if abs(amount) < Fraction(1999, 2) * 1000**step), 5)
            amount /= 1000**step
            over = ("B" if step == 0 else _BYTES[step], *over[1:])
        if over and amount != 1:
            over = (*over[:-1], _PLURALS.get(over[-1], over[-1]))
        return f"{_digits(amount)} {'/'.join(['·'.join(over), *under])}".strip()

    __repr__ = text

    def __mul__(self, other: "Quantity | Number") -> "Quantity":
        other = _quantity(other)
        return Quantity(self.value * other.value, _product(self.unit, other.unit, 1))

    def __truediv__(self, other: "Quantity | Number") -> "Quantity":
        other = _quantity(other)
        if other.value == 0:
            raise ConfigError(f"expected something other than 0 to divide by, found {self} / {other}")
        return Quantity(self.value / other.value, _product(self.unit, other.unit, -1))

    def __add__(self, other: "Quantity | Number") -> "Quantity":
        return Quantity(self.value + _like(other, self.unit).value, self.unit)

    def __sub__(self, other: "Quantity | Number") -> "Quantity":
        return Quantity(self.value - _like(other, self.unit).value, self.unit)

    __rmul__ = __mul__
    __radd__ = __add__

    def __rtruediv__(self, other: Number) -> "Quantity":
        return _quantity(other) / self

    def __lt__(self, other: "Quantity | Number") -> bool:
        return self.value < _like(other, self.unit).value

    def __eq__(self, other: object) -> bool:
        if _is_number(other):
            other = Quantity.of(other)
        if not isinstance(other, Quantity):
            return NotImplemented
        return self.value == other.value and _dimension(self.unit)[0] == _dimension(other.unit)[0]

    def __hash__(self) -> int:
        powers = _dimension(self.unit)[0]
        return hash((self.value, powers)) if powers else hash(self.value)


def _is_number(value: object) -> TypeGuard[Number]:
    exact = isinstance(value, Rational) and not isinstance(value, bool)
    return exact or (isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value))


def _exact(value: Number) -> Fraction:
    if not _is_number(value):
        raise ConfigError(f"expected a finite number, found {value!r}")
    return Fraction(value) if isinstance(value, Rational) else Fraction(str(value))


def _quantity(value: "Quantity | Number") -> Quantity:
    return value if isinstance(value, Quantity) else Quantity.of(value)


def _like(found: "Quantity | Number", unit: str) -> Quantity:
    """Return an amount that is of a unit's kind."""
    found = _quantity(found)
    missing = Counter(dict(_dimension(unit)[0]))
    missing.subtract(dict(_dimension(found.unit)[0]))
    if any(missing.values()):
        raise ConfigError(
            f"expected {f'an amount in {unit}' if unit.strip() else 'a plain number'}, found {found}: "
            f"multiply it by an amount in {_joined(missing, plural=True)} first, or mend its unit"
        )
    return found


def _words(unit: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words of a unit, singular: those over and those under the line."""
    parts = re.split("([·/])", unit) if unit.strip() else ["1"]
    signs = ["·", *parts[1::2]]
    for word in parts[::2]:
        if word.strip() not in _NAMES:
            near = get_close_matches(word.strip(), _NAMES, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"the words are {', '.join(_SIZES)}"
            raise ConfigError(f"expected a unit of words joined by · and /, found {word.strip()!r} in {unit!r}: {hint}")
    named = [(sign, _NAMES[word.strip()]) for sign, word in zip(signs, parts[::2], strict=True)]
    over = tuple(word for sign, word in named if word and sign == "·")
    return over, tuple(word for sign, word in named if word and sign == "/")


@cache
def _dimension(unit: str) -> tuple[tuple[tuple[str, int], ...], Fraction]:
    """Return the powers of a unit's base words, and its size in them."""
    powers, size = Counter[str](), Fraction(1)
    for sign, words in zip((1, -1), _words(unit), strict=True):
        for base, step in (_SIZES[word] for word in words):
            powers[base] += sign
            size *= step**sign
    return tuple(sorted((word, power) for word, power in powers.items() if word and power)), size


def _product(left: str, right: str, sign: int) -> str:
    if not right.strip():
        return left
    powers = Counter(dict(_dimension(left)[0]))
    for word, power in _dimension(right)[0]:
        powers[word] += sign * power
    return _joined(powers)


def _joined(powers: dict[str, int], plural: bool = False) -> str:
    over = [word for word, power in powers.items() for _ in range(power)]
    if plural and over:
        over[-1] = _PLURALS.get(over[-1], over[-1])
    under = [word for word, power in powers.items() for _ in range(-power)]
    return "/".join(["·".join(over) or "1", *under])


def _digits(value: Fraction) -> str:
    if value.denominator == 1 or abs(value) >= 1000:
        return f"{round(value):,}"
    return f"{float(value):.4g}"
