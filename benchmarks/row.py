"""What every row can do, and how seconds are summed up."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, Protocol

from benchmarks.target import Target

Say = Callable[[str], None]


class Row(Protocol):
    """A measurement with a name; a small one takes seconds and is never stored."""

    @property
    def name(self) -> str:
        """What it is called on the command line and in measured.json."""

    @property
    def what(self) -> str:
        """What is measured, in a sentence or two."""

    @property
    def target(self) -> Target | None:
        """What must be reached, where DESIGN says so."""

    def measure(self, small: bool, say: Say) -> dict[str, Any]:
        """Measure now; return `size`, `ours` and what else there is. `say` hears of progress."""


def spread(seconds: Sequence[float]) -> dict[str, float | int]:
    """Return the median, lowest and highest of some seconds, and how many there are."""
    found = {"median": median(seconds), "min": min(seconds), "max": max(seconds)}
    return {name: round(value, 5) for name, value in found.items()} | {"repetitions": len(seconds)}
