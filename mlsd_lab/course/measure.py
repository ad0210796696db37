"""A measurement on this machine: the median time of a few calls, and what the last one returned."""

import statistics
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from mlsd_lab.course.live import Live, Verdict
from mlsd_lab.course.units import quantity
from mlsd_lab.course.values import Value, register
from mlsd_lab.errors import ConfigError


@dataclass(frozen=True)
class Measurement:
    """What a piece of work took here and now; `a / b` is a live ratio, `a < 0.05` a live verdict on its seconds.

    >>> fast, slow = Measurement("4.1", 0.004, None), Measurement("4.2", 0.018, None)
    >>> slow
    4.2 ⟨18 ms⟩
    >>> slow / fast, bool(slow / fast > 3)
    (⟨4.5 ×⟩, True)
    """

    key: str
    seconds: float
    result: Any
    peak_bytes: int | None = None
    live: bool = True

    def __float__(self) -> float:
        return self.seconds

    def __truediv__(self, other: "Measurement | Live | float") -> Live:
        timed = isinstance(other, Measurement | Live)
        return Live(self.seconds / float(other), "×" if timed else "s")

    def __gt__(self, other: "Measurement | float") -> Verdict:
        return Live(self.seconds, "s") > float(other)

    def __lt__(self, other: "Measurement | float") -> Verdict:
        return Live(self.seconds, "s") < float(other)

    @property
    def time(self) -> Live:
        """The seconds alone, as a live number.

        >>> Measurement("4.2", 0.018, None).time
        ⟨18 ms⟩
        """
        return Live(self.seconds, "s")

    def __repr__(self) -> str:
        memory = "" if self.peak_bytes is None else f" · {quantity(self.peak_bytes, 'B')} at the most"
        return f"{self.key} ⟨{quantity(self.seconds, 's')}{memory}⟩"


def measure(key: str, work: Callable[[], Any], repeat: int = 3, memory: bool = False) -> Measurement:
    """Call `work` a few times and return the median time; with `memory`, once more to see the most it held.

    The value is named `key`, for `say_it` and `rehearse`.

    >>> measure("9.4", lambda: sum(range(10))).result
    45
    """
    if not callable(work) or repeat < 1:
        raise ConfigError(
            f"{key}: expected something to call and repeat of 1 or more, found {type(work).__name__} and {repeat}; "
            "write lambda: before the work"
        )
    taken = []
    for _ in range(repeat):
        begin = perf_counter()
        result = work()
        taken.append(perf_counter() - begin)
    peak = _peak(work) if memory else None
    seconds = statistics.median(taken)
    register(key, Value(seconds, "s", live=True))
    return Measurement(key, seconds, result, peak)


def _peak(work: Callable[[], Any]) -> int:
    """Return the most bytes that were held during a call: apart from the timing, which it would slow down."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
