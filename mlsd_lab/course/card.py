"""The framework card: seven steps through a 45-minute design interview, with the present one lit."""

from dataclasses import dataclass

from mlsd_lab.errors import ConfigError

STEPS = {"clarify": 5, "frame": 5, "data": 7, "candidates": 8, "rank": 8, "serve": 7, "monitor": 5}
_PLAIN = "border:1px solid rgba(128,128,128,.6)"
_LIT = "background:#1b3a5c;color:#fff;font-weight:bold;border:1px solid #1b3a5c"


@dataclass(frozen=True)
class Card:
    """The map of the interview in minutes; `step` is where we are.

    >>> Card("frame")
    clarify 5 · [frame 5] · data 7 · candidates 8 · rank 8 · serve 7 · monitor 5 (minutes of 45)
    """

    step: str | None = None

    def __repr__(self) -> str:
        steps = (f"[{name} {time}]" if name == self.step else f"{name} {time}" for name, time in STEPS.items())
        return f"{' · '.join(steps)} (minutes of {sum(STEPS.values())})"

    def _repr_html_(self) -> str:
        boxes = "".join(
            f'<span style="flex:{minutes} 1 0;min-width:5.5em;padding:.35em .6em;border-radius:4px;text-align:center;'
            f'{_LIT if name == self.step else _PLAIN}">{name} {minutes}</span>'
            for name, minutes in STEPS.items()
        )
        total = f'<span style="padding:.35em 0">of {sum(STEPS.values())} minutes</span>'
        return f'<div style="display:flex;flex-wrap:wrap;gap:.35em;font-size:90%">{boxes}{total}</div>'


def card(step: str | None = None) -> Card:
    """Return the card with one step lit, or the whole map.

    >>> card("sleep")
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: expected a step of clarify, frame, ..., monitor, or None; found 'sleep'
    """
    if step is not None and step not in STEPS:
        raise ConfigError(f"expected a step of {', '.join(STEPS)}, or None; found {step!r}")
    return Card(step)
