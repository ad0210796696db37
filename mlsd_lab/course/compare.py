"""A guess held against the truth: one line, and a picture where there was a guess."""

import base64
import io
from dataclasses import dataclass
from html import escape

from mlsd_lab.course.learner import change_progress
from mlsd_lab.course.live import Live
from mlsd_lab.course.measure import Measurement
from mlsd_lab.course.pin import Pinned
from mlsd_lab.course.predict import Guess
from mlsd_lab.course.units import convert, family, number
from mlsd_lab.errors import ConfigError


@dataclass(frozen=True)
class Comparison:
    """How a guess did; `value` is in the guess's unit, `text` is how it is shown.

    >>> Comparison(Guess("4.1", "ms", 5, 20), 17.2, "⟨17.2 ms⟩")
    Guess 4.1: your 5 to 20 ms held it · measured ⟨17.2 ms⟩
    """

    guess: Guess
    value: float
    text: str

    @property
    def held(self) -> bool | None:
        """Whether the range holds the value; None without a guess.

        >>> Comparison(Guess("4.1", "ms", 5, 20), 60.0, "⟨60 ms⟩").held
        False
        """
        low, high = self.guess.low, self.guess.high
        return None if low is None or high is None else low <= self.value <= high

    def __repr__(self) -> str:
        low, high = self.guess.low, self.guess.high
        if low is None or high is None:
            verdict = "none"
        elif self.held:
            verdict = f"your {self.guess.text} held it"
        else:
            verdict = f"your {self.guess.text} missed it {_by(self.value, low, high)}"
        late = " · made or changed after the answer was shown" if self.guess.after_reveal else ""
        return f"Guess {self.guess.key}: {verdict} · measured {self.text}{late}"

    def _repr_html_(self) -> str:
        png = self.png()
        image = base64.b64encode(png).decode() if png else ""
        picture = f'<br><img alt="the guess and the measurement" src="data:image/png;base64,{image}">' if image else ""
        return f"<div>{escape(repr(self))}{picture}</div>"

    def png(self) -> bytes | None:
        """Return a picture of the guess and what was measured; None without a guess.

        >>> Comparison(Guess("4.1", "ms"), 17.2, "⟨17.2 ms⟩").png() is None
        True
        """
        low, high = self.guess.low, self.guess.high
        if low is None or high is None:
            return None
        from matplotlib.figure import Figure
        from matplotlib.ticker import LogFormatter

        from mlsd_lab.plotting import GREYS, style

        with style():
            figure = Figure(figsize=(7, 1.3), layout="constrained")
            axes = figure.subplots()
            axes.plot([low, high], [0, 0], color=GREYS[0], linewidth=9, alpha=0.45, solid_capstyle="butt")
            axes.plot([self.value], [0], marker="D", color=GREYS[1], linestyle="none")
            axes.annotate("your 80 % range", (low, 0), (0, 8), textcoords="offset points", fontsize=9)
            axes.annotate("measured", (self.value, 0), (-4, -16), textcoords="offset points", fontsize=9)
            if min(low, self.value) > 0:
                axes.set_xscale("log")
                for ticks in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
                    ticks(LogFormatter(minor_thresholds=(1.5, 0.5)))
            axes.set(yticks=[], ylim=(-1, 1), xlabel=self.guess.unit)
            axes.spines["left"].set_visible(False)
            axes.margins(x=0.15)
            buffer = io.BytesIO()
            figure.savefig(buffer, format="png")
        return buffer.getvalue()


def compare(guess: Guess, measured: Measurement | Pinned | Live) -> Comparison:
    """Hold a guess against a measured or pinned value; from now on a changed guess is labelled as late.

    A guess in bytes asks for the memory of a measurement made with `memory=True`. Raises `ConfigError` where the
    guess's unit does not fit what was measured.

    >>> compare(Guess("9.3", "ms"), Measurement("9.3", 0.0172, None))
    Guess 9.3: none · measured ⟨17.2 ms⟩
    """
    value, unit = _value_of(guess, measured)
    try:
        truth = convert(value, unit, guess.unit)
    except ConfigError as error:
        raise ConfigError(f"{guess.key}: the guess does not fit the measurement: {error}") from error
    if isinstance(measured, Pinned):
        scale = convert(1.0, unit, guess.unit)
        value, centre, half_width = (size * scale for size in (measured.value, measured.centre, measured.half_width))
        text = Pinned(measured.name, value, centre, half_width, guess.unit, measured.varies).told
    else:
        text = f"⟨{number(truth)} {guess.unit}".rstrip() + "⟩"
    comparison = Comparison(guess, truth, text)
    with change_progress() as progress:
        kept = progress["predictions"].setdefault(guess.key, {})
        kept |= {"measured": truth, "measured_unit": guess.unit}
        if (kept.get("low"), kept.get("high")) == (guess.low, guess.high):  # not a later one
            kept["held"] = comparison.held
    return comparison


def _value_of(guess: Guess, measured: Measurement | Pinned | Live) -> tuple[float, str]:
    if isinstance(measured, Measurement):
        if family(guess.unit) == "memory" and measured.peak_bytes is not None:
            return measured.peak_bytes, "B"
        return measured.seconds, "s"
    return float(measured), measured.unit


def _by(value: float, low: float, high: float) -> str:
    """Say how far a value lies outside a range: as a ratio where all are positive."""
    near = low if value < low else high
    if min(value, near) <= 0:
        return f"by {number(abs(value - near))}"
    return f"by {number(max(value / near, near / value))} ×"
