"""The framework card: seven steps through a 45-minute design interview, with the present ones lit."""

from dataclasses import dataclass

from mlsd_lab.errors import ConfigError

STEPS = {"clarify": 5, "frame": 5, "data": 7, "candidates": 8, "rank": 8, "serve": 7, "monitor": 5}
_PLAIN = "border:1px solid rgba(128,128,128,.6)"
_LIT = "background:#1b3a5c;color:#fff;font-weight:bold;border:1px solid #1b3a5c"


@dataclass(frozen=True)
class Card:
    """The map of the interview in minutes; `steps` are where we are.

    >>> Card(("frame",))
    clarify 5 · [frame 5] · data 7 · candidates 8 · rank 8 · serve 7 · monitor 5 (minutes of 45)
    """

    steps: tuple[str, ...] = ()

    def __repr__(self) -> str:
        steps = (f"[{name} {time}]" if name in self.steps else f"{name} {time}" for name, time in STEPS.items())
        return f"{' · '.join(steps)} (minutes of {sum(STEPS.values())})"

    def _repr_html_(self) -> str:
        boxes = "".join(
            f'<span style="flex:{minutes} 1 0;min-width:5.5em;padding:.35em .6em;border-radius:4px;text-align:center;'
            f'{_LIT if name in self.steps else _PLAIN}">{name} {minutes}</span>'
            for name, minutes in STEPS.items()
        )
        total = f'<span style="padding:.35em 0">of {sum(STEPS.values())} minutes</span>'
        return f'<div style="display:flex;flex-wrap:wrap;gap:.35em;font-size:90%">{boxes}{total}</div>'


def card(*steps: str) -> Card:
    """Return the card with these steps lit; with none, the whole map.

    >>> card("sleep")
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: expected steps of clarify, frame, ..., monitor; found 'sleep'
    """
    for step in steps:
        if step not in STEPS:
            raise ConfigError(f"expected steps of {', '.join(STEPS)}; found {step!r}")
    return Card(steps)
