"""One plot style for notebooks and reports: readable in grey, units on the axes, no decoration."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axis import XAxis, YAxis
    from matplotlib.figure import Figure

GREYS = ("#1b3a5c", "#9c3d1a", "#5f8f3a", "#b48ac8", "#e0bf5a")  # distinct in colour and in lightness
_STYLE: dict[str, Any] = {
    "figure.figsize": (7.0, 3.6),
    "figure.dpi": 100,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "axes.titlesize": "medium",
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "svg.hashsalt": "mlsd_lab",
    "svg.fonttype": "path",
}


@contextmanager
def style() -> Iterator[None]:
    """Apply the house style to every plot made inside the block.

    >>> with style():
    ...     import matplotlib
    ...     matplotlib.rcParams["axes.grid"]
    True
    """
    import matplotlib
    from cycler import cycler

    with matplotlib.rc_context(_STYLE | {"axes.prop_cycle": cycler(color=GREYS)}):
        yield


def plain_log(axis: "XAxis | YAxis") -> None:
    """Make an axis logarithmic with plain numbers at 1, 2 and 5 of each power of ten.

    >>> from matplotlib.figure import Figure
    >>> axes = Figure().add_subplot()
    >>> plain_log(axes.xaxis)
    >>> axes.xaxis.get_major_formatter()(20_000)
    '20,000'
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _at: f"{value:,g}"))
    axis.set_minor_formatter(NullFormatter())


def svg(figure: "Figure") -> str:
    """Return a figure as inline SVG text: no date, no outside reference, the same text for the same figure.

    >>> from matplotlib.figure import Figure
    >>> svg(Figure()).startswith("<svg")
    True
    """
    with style():
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
