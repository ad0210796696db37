"""A list that fades: which of the best are found, step by step, as a search may look at more."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mlsd_lab.course.picture import Picture, picture
from mlsd_lab.errors import ConfigError

_FOUND, _MISSING, _LETTERS = "#1a1a1a", "#b4b4b4", 24


def fading(title: str, names: Sequence[str], found: ArrayLike, steps: Sequence[str]) -> Picture:
    """Return a picture with the names written once a step: dark where found, pale where missing.

    `found` is true or false, of shape (names, steps); names stand best first, from the top.

    >>> fading("two of three", ["Alien", "Brazil", "Clerks"], [[1], [1], [0]], ["100 nodes"])
    picture: two of three
    """
    marks = np.asarray(found, dtype=bool)
    if marks.shape != (len(names), len(steps)) or not marks.size:
        raise ConfigError(f"found: expected shape {(len(names), len(steps))}, names by steps, found {marks.shape}")
    size = (1.9 * len(steps), 0.6 + 0.2 * len(names))
    return picture(title, lambda axes: _write(axes, [_short(name) for name in names], marks, steps), size)


def _write(axes: Any, names: Sequence[str], marks: np.ndarray[Any, np.dtype[np.bool_]], steps: Sequence[str]) -> None:
    axes.set(xlim=(0, len(steps)), ylim=(len(names) - 0.3, -1.2))
    axes.axis("off")
    for step, heading in enumerate(steps):
        axes.text(step, -0.9, heading, fontsize=8, weight="bold", va="center")
        for row, name in enumerate(names):
            axes.text(step, row, name, fontsize=8, va="center", color=_FOUND if marks[row, step] else _MISSING)


def _short(name: str) -> str:
    return name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1].rstrip()}…"
