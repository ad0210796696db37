"""Values that are the same everywhere: checked against a band measured over seeds, and shown as that band."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from mlsd_lab.course.units import band, number
from mlsd_lab.course.values import Value, register
from mlsd_lab.errors import ConfigError, MlsdLabError

_FLOOR = 1e-3  # of the mean: no band is narrower, whatever the seeds say


class PinError(MlsdLabError):
    """A value lies outside the band that was measured for it, or has none.

    >>> raise PinError("als.recall_at_100: expected 0.392 ± 0.004, found 0.2")
    Traceback (most recent call last):
    mlsd_lab.course.pin.PinError: als.recall_at_100: expected 0.392 ± 0.004, found 0.2
    """


class Pinned(float):
    """A number inside its band: calculates by its value, prints it as a live number, and the band beside it.

    >>> recall = Pinned("als.recall_at_100", 0.39123, 0.392, 0.004)
    >>> recall
    als.recall_at_100 = ⟨0.391⟩ (over random starts 0.392 ± 0.004)
    >>> recall > 0.3, f"{recall:.1%}"
    (True, '39.2%')
    """

    def __new__(
        cls, name: str, value: float, centre: float, half_width: float, unit: str = "", varies: bool = True
    ) -> "Pinned":
        """Make the number; `pin` is what checks it. `varies` says whether seeds change it at all."""
        pinned = super().__new__(cls, value)
        pinned.name, pinned.centre, pinned.half_width, pinned.unit = name, centre, half_width, unit
        pinned.varies = varies
        return pinned

    name: str
    centre: float
    half_width: float
    unit: str
    varies: bool

    @property
    def value(self) -> float:
        """The number itself, with all its digits."""
        return float(self)

    @property
    def band(self) -> str:
        """The band alone, as text; of what no seed changes, the value in its digits."""
        text = band(self.centre, self.half_width)
        return f"{text if self.varies else text.partition(' ±')[0]} {self.unit}".strip()

    @property
    def told(self) -> str:
        """What this run gave, live, and the band that holds it."""
        here = f"⟨{number(self.value)} {self.unit}".rstrip() + "⟩"
        return f"{here} (over random starts {self.band})" if self.varies else f"{here} (whatever the seed: {self.band})"

    def __repr__(self) -> str:
        return f"{self.name} = {self.told}"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(self.centre, spec) if spec else repr(self)


def pin(name: str, value: float, unit: str = "") -> Pinned:
    """Return the value as a `Pinned` when it lies in the band of `bands.json`; raises `PinError` otherwise.

    >>> pin("no.such_value", 0.4)
    Traceback (most recent call last):
    mlsd_lab.course.pin.PinError: no.such_value: expected a name that bands.json has, found none of it; measure it ...
    """
    stated = _bands().get(name)
    if stated is None:
        raise PinError(
            f"{name}: expected a name that bands.json has, found none of it; measure it over seeds first "
            "(mlsd_lab.course.pin.bands_of)"
        )
    centre, half_width = float(stated["centre"]), float(stated["half_width"])
    if not abs(float(value) - centre) <= half_width * (1 + 1e-9):
        raise PinError(
            f"{name}: expected {band(centre, half_width, unit)}, as {stated['seeds']} seeds gave, "
            f"found {float(value):.6g}; a setting, the data or a package changed. "
            f"If that was on purpose: {stated['command']}"
        )
    pinned = Pinned(name, float(value), centre, half_width, unit, stated.get("spread", 1.0) > 0)
    register(name, Value(float(value), unit, live=False, text=pinned.band))
    return pinned


def bands_of(values: Mapping[str, Sequence[float]], command: str) -> dict[str, dict[str, Any]]:
    """Return the content of `bands.json` for values measured over seeds, and the command that measures them again.

    The half width is three sample standard deviations, at least a thousandth of the mean, rounded up to one digit.

    >>> bands_of({"als.recall": [0.391, 0.392, 0.393]}, "python benchmarks/bands.py")["als.recall"]["half_width"]
    0.003
    """
    bands = {}
    for name, found in values.items():
        numbers = [float(value) for value in found]
        if len(numbers) < 2 or not all(map(math.isfinite, numbers)):
            raise ConfigError(f"{name}: expected finite values of two seeds or more, found {numbers}")
        mean = statistics.fmean(numbers)
        spread = statistics.stdev(numbers)
        half_width = _rounded_up(max(3 * spread, _FLOOR * abs(mean)))
        about = {"seeds": len(numbers), "command": command}
        bands[name] = {"centre": mean, "half_width": half_width, "spread": spread, **about}
    return bands


def _rounded_up(width: float) -> float:
    if width == 0:
        return 0.0
    digits = -math.floor(math.log10(width))
    return round(math.ceil(round(width * 10.0**digits, 9)) / 10.0**digits, max(digits, 0))


def _bands() -> dict[str, dict[str, Any]]:
    bands: dict[str, dict[str, Any]] = json.loads(files("mlsd_lab.course").joinpath("bands.json").read_text("utf-8"))
    return bands
