"""A plot as a notebook shows it: the picture for people, one fixed line for strict comparison."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Picture:
    """A picture in PNG, and what it shows in words.

    >>> Picture("recall of four systems", b"")
    picture: recall of four systems
    """

    title: str
    png: bytes

    def __repr__(self) -> str:
        return f"picture: {self.title}"

    def _repr_png_(self) -> bytes:
        return self.png


def picture(title: str, draw: Callable[[Any], object], size: tuple[float, float] = (7.0, 3.0)) -> Picture:
    """Draw on fresh axes in the house style; `draw` takes the axes, as every `plot` of this package does.

    >>> picture("a line", lambda axes: axes.plot([1, 2])).png[1:4]
    b'PNG'
    """
    from matplotlib.figure import Figure

    from mlsd_lab.plotting import style

    buffer = io.BytesIO()
    with style():
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        axes.set_title(title)
        draw(axes)
        figure.savefig(buffer, format="png")
    return Picture(title, buffer.getvalue())
