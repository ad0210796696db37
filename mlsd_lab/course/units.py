"""Units: what can be compared with what, and how a quantity is written for a person."""

import math

from mlsd_lab.errors import ConfigError

_UNITS = {
    **{name: ("time", size) for name, size in (("µs", 1e-6), ("us", 1e-6), ("ms", 1e-3), ("s", 1.0))},
    **{name: ("time", size) for name, size in (("min", 60.0), ("h", 3600.0))},
    **{name: ("memory", 1000.0**power) for power, name in enumerate(("B", "kB", "MB", "GB", "TB"))},
    "bytes": ("memory", 1.0),
    "share": ("share", 1.0),
    "": ("share", 1.0),
    "%": ("share", 0.01),
}
_LADDERS = {"time": ("µs", "ms", "s", "h"), "memory": ("B", "kB", "MB", "GB", "TB")}


def family(unit: str) -> str:
    """Return what a unit measures: time, memory, share, or the word itself, such as films.

    >>> family("ms"), family("%"), family("films")
    ('time', 'share', 'films')
    """
    return _UNITS.get(unit, (unit, 1.0))[0]


def convert(value: float, unit: str, to: str) -> float:
    """Return a value in another unit of its family; raises `ConfigError` where there is no way from one to the other.

    >>> convert(0.25, "s", "ms"), convert(0.4, "", "%")
    (250.0, 40.0)
    >>> convert(3, "films", "ms")
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: expected a unit that ms can be turned into, found films: give both in units of one kind
    """
    if family(unit) != family(to):
        raise ConfigError(
            f"expected a unit that {to or 'a plain number'} can be turned into, found {unit or 'a plain number'}: "
            "give both in units of one kind"
        )
    return value * (_UNITS.get(unit, ("", 1.0))[1] / _UNITS.get(to, ("", 1.0))[1])


def number(value: float) -> str:
    """Return a number with three significant digits, or whole with thousands separated.

    >>> number(17.234), number(1234567.8), number(0.01)
    ('17.2', '1,234,568', '0.01')
    """
    if not math.isfinite(value) or abs(value) < 999.5:
        return f"{value:.3g}"
    return f"{value:,.0f}"


def quantity(value: float, unit: str) -> str:
    """Return a value with its unit, a time or an amount of memory in the unit that suits its size.

    >>> quantity(0.01723, "s"), quantity(3, "h"), quantity(2.56e9, "B"), quantity(12, "films"), quantity(0.4, "")
    ('17.2 ms', '3 h', '2.56 GB', '12 films', '0.4')
    """
    for name in _LADDERS.get(family(unit), ()):
        if abs(convert(value, unit, name)) < 999.5 or name == _LADDERS[family(unit)][-1]:
            return f"{number(convert(value, unit, name))} {name}"
    return f"{number(value)} {unit}".strip()


def band(centre: float, half_width: float, unit: str = "") -> str:
    """Return a value known to a half width, rounded to that width's digits.

    >>> band(0.39214, 0.004), band(671, 0, "people"), band(1234.5, 20)
    ('0.392 ± 0.004', '671 people', '1,230 ± 20')
    """
    if half_width == 0:
        return f"{number(centre)} {unit}".strip()
    digits = -math.floor(math.log10(half_width))
    shown = max(digits, 0)
    return f"{round(centre, digits):,.{shown}f} ± {half_width:,.{shown}f} {unit}".strip()
