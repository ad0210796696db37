"""The system as boxes and arrows, with where we are and the times just measured."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mlsd_lab.course.measure import Measurement
from mlsd_lab.course.units import quantity
from mlsd_lab.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OFFLINE = ("log", "split", "fit ALS", "Annoy index", "ranker", "bundle")
ONLINE = ("request", "retrieve", "filter seen", "features", "rank", "arrange", "slate")
BOXES = (*OFFLINE, *ONLINE, "audit", "monitor")
_HERE = {
    "01": ("log", "split"),
    "02": ("log",),
    "03": ("split", "features"),
    "04": ("fit ALS", "Annoy index", "retrieve", "filter seen"),
    "05": ("ranker", "rank", "arrange"),
    "06": ("bundle",),
    "07": ONLINE,
    "08": ("audit", "monitor"),
    "data": ("log", "split", "features"),
    "candidates": ("fit ALS", "Annoy index", "retrieve", "filter seen"),
    "rank": ("ranker", "rank", "arrange"),
    "serve": ("bundle", *ONLINE),
    "monitor": ("audit", "monitor"),
}
_NOWHERE = (None, "00", "clarify", "frame")  # the whole map
_LINE = "#444444"
_LABELS = {"split": "split,\nfeatures", "Annoy index": "Annoy\nindex", "filter seen": "filter\nseen"}
_WIDTH, _HEIGHT, _TOP, _BOTTOM = 1.12, 0.86, 2.75, 1.3


@dataclass(frozen=True)
class Diagram:
    """The picture of the system, drawn when it is displayed.

    >>> Diagram(here="04")
    the system: offline it learns, online it answers, and its answers are audited
    >>> Diagram(times={"retrieve": 0.0172})
    the system, with the times measured just now
    """

    here: str | None = None
    times: Mapping[str, Measurement | float] = field(default_factory=dict)

    def __repr__(self) -> str:
        plain = "the system: offline it learns, online it answers, and its answers are audited"
        return "the system, with the times measured just now" if self.times else plain

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.figure().savefig(buffer, format="png")
        return buffer.getvalue()

    def figure(self) -> "Figure":
        """Draw it, 9 × 4 inches."""
        from matplotlib.figure import Figure

        from mlsd_lab.plotting import style

        with style():
            figure = Figure(figsize=(9, 4), layout="constrained")
            axes = figure.subplots()
            axes.set(xlim=(-0.25, 9.05), ylim=(-0.1, 4.05))
            axes.axis("off")
            places = _places()
            for title, height in (("offline: learn", 3.78), ("online: answer", 2.3)):
                axes.text(0.02, height, title, fontsize=9, style="italic", color=_LINE)
            _draw_arrows(axes, places)
            for name, (x, y) in places.items():
                self._draw_box(axes, name, x, y)
        return figure

    def _draw_box(self, axes: Any, name: str, x: float, y: float) -> None:
        from matplotlib.patches import FancyBboxPatch

        from mlsd_lab.plotting import GREYS

        lit = name in _HERE.get(self.here or "", ())
        ink, paper = ("white", GREYS[0]) if lit else ("#1a1a1a", "#f3f3f0")
        shape = FancyBboxPatch(
            (x, y), _WIDTH, _HEIGHT, boxstyle="round,pad=0,rounding_size=0.08", facecolor=paper, edgecolor=GREYS[0]
        )
        axes.add_patch(shape)
        took = quantity(float(self.times[name]), "s") if name in self.times else ""
        middle = y + _HEIGHT * (0.64 if took else 0.5)
        at = x + _WIDTH / 2
        axes.text(
            at, middle, _LABELS.get(name, name), ha="center", va="center", fontsize=9.5, color=ink, linespacing=0.95
        )
        axes.text(at, y + _HEIGHT * 0.17, took, ha="center", va="center", fontsize=9, weight="bold", color=ink)


def diagram(here: str | None = None, times: Mapping[str, Measurement | float] | None = None) -> Diagram:
    """Return the picture of the system; `here` (a notebook such as "04", or a step of the card) is lit.

    `times` has a measurement, or seconds, for boxes by name. Raises `ConfigError` for another name.

    >>> diagram(times={"recall": 1.0})
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: expected boxes of log, split, ..., monitor; found recall
    """
    if here not in _NOWHERE and here not in _HERE:
        raise ConfigError(f'expected here to be a notebook from "00" to "08" or a step of the card, found {here!r}')
    unknown = [name for name in times or {} if name not in BOXES]
    if unknown:
        raise ConfigError(f"expected boxes of {', '.join(BOXES)}; found {', '.join(unknown)}")
    return Diagram(here, dict(times or {}))


def times_of(report: Mapping[str, Any]) -> dict[str, float]:
    """Return the seconds that each box took in a run of the main job, from its report, for `diagram(times=…)`.

    >>> report = {"timings": {"load_seconds": 0.4}, "serving": {"stages": {"rank": 2.5}}}
    >>> times_of(report)
    {'log': 0.4, 'rank': 0.0025}
    """
    offline = {"log": "load", "split": "features", "fit ALS": "fit_als", "Annoy index": "build_annoy"}
    offline |= {"ranker": "rank", "bundle": "artifacts"}
    took = {box: report["timings"].get(f"{stage}_seconds") for box, stage in offline.items()}
    online = {"filter": "filter seen"}
    took |= {online.get(stage, stage): ms / 1000 for stage, ms in (report["serving"] or {}).get("stages", {}).items()}
    return {box: seconds for box, seconds in took.items() if seconds is not None}


def _places() -> dict[str, tuple[float, float]]:
    """Return the lower left corner of each box."""
    wide, narrow = (9 - _WIDTH) / (len(OFFLINE) - 1), (9 - _WIDTH) / (len(ONLINE) - 1)
    places = {name: (at * wide, _TOP) for at, name in enumerate(OFFLINE)}
    places |= {name: (at * narrow, _BOTTOM) for at, name in enumerate(ONLINE)}
    return places | {"monitor": (5 * narrow, -0.05), "audit": (6 * narrow, -0.05)}


def _draw_arrows(axes: Any, places: dict[str, tuple[float, float]]) -> None:
    for row in (OFFLINE, ONLINE):
        for one, other in pairwise(row):
            (x, y), (to, _) = places[one], places[other]
            _arrow(axes, (x + _WIDTH, y + _HEIGHT / 2), (to, y + _HEIGHT / 2))
    middle = {name: x + _WIDTH / 2 for name, (x, _) in places.items()}
    bus = (_TOP + _BOTTOM + _HEIGHT) / 2 + 0.08
    axes.plot([middle["retrieve"], middle["bundle"], middle["bundle"]], [bus, bus, _TOP], color=_LINE, linewidth=1)
    for name in ("retrieve", "rank"):
        _arrow(axes, (middle[name], bus), (middle[name], _BOTTOM + _HEIGHT))
    low = places["audit"][1]
    _arrow(axes, (middle["slate"], _BOTTOM), (middle["audit"], low + _HEIGHT))
    _arrow(axes, (places["audit"][0], low + _HEIGHT / 2), (places["monitor"][0] + _WIDTH, low + _HEIGHT / 2))
    around = [places["monitor"][0], -0.2, -0.2], [low + _HEIGHT / 2, low + _HEIGHT / 2, _TOP + _HEIGHT / 2]
    axes.plot(*around, color=_LINE, linewidth=1, linestyle="--")
    _arrow(axes, (-0.2, _TOP + _HEIGHT / 2), (0, _TOP + _HEIGHT / 2))
    note = "what was shown, and what came of it, is tomorrow's log"
    axes.text(0.02, low + _HEIGHT / 2 + 0.08, note, fontsize=9, style="italic", color=_LINE)


def _arrow(axes: Any, begin: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate("", end, begin, arrowprops={"arrowstyle": "-|>", "color": _LINE, "shrinkA": 0, "shrinkB": 1})
