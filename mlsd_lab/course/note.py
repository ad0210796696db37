"""A live number that something else measured, kept under a name."""

from mlsd_lab.course.live import Live
from mlsd_lab.course.values import Value, register


def note(name: str, value: float, unit: str = "s") -> Live:
    """Keep a live number under its name, for `say_it` and `rehearse`, and return it.

    >>> note("whole request", 0.0125)
    ⟨12.5 ms⟩
    """
    register(name, Value(float(value), unit, live=True))
    return Live(float(value), unit)
