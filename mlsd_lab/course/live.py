"""Numbers that differ from run to run, and verdicts that know it."""

from dataclasses import dataclass

from mlsd_lab.course.values import Value


@dataclass(frozen=True)
class Verdict:
    """Whether a live number passed a threshold, and how many times it was above or below it.

    >>> verdict = Live(12.0) > 3
    >>> bool(verdict), verdict.margin
    (True, 4.0)
    """

    holds: bool
    margin: float

    def __bool__(self) -> bool:
        return self.holds

    def __repr__(self) -> str:
        return f"⟨{self.holds}, {self.margin:.1f} × from the threshold⟩"


@dataclass(frozen=True)
class Live:
    """A number measured just now: shown between ⟨ ⟩; comparing it gives a `Verdict`.

    >>> Live(4.2, "×")
    ⟨4.2 ×⟩
    """

    value: float
    unit: str = ""

    def __float__(self) -> float:
        return float(self.value)

    def __truediv__(self, other: "Live | float") -> "Live":
        return Live(float(self) / float(other), "×" if isinstance(other, Live) else self.unit)

    def __mul__(self, factor: float) -> "Live":
        return Live(float(self) * factor, self.unit)

    __rmul__ = __mul__

    def __gt__(self, threshold: "Live | float") -> Verdict:
        return Verdict(float(self) > float(threshold), _margin(float(self), float(threshold)))

    def __ge__(self, threshold: "Live | float") -> Verdict:
        return Verdict(float(self) >= float(threshold), _margin(float(self), float(threshold)))

    def __lt__(self, threshold: "Live | float") -> Verdict:
        return Verdict(float(self) < float(threshold), _margin(float(self), float(threshold)))

    def __le__(self, threshold: "Live | float") -> Verdict:
        return Verdict(float(self) <= float(threshold), _margin(float(self), float(threshold)))

    def __repr__(self) -> str:
        return repr(Value(self.value, self.unit, live=True))


def _margin(value: float, threshold: float) -> float:
    """Return how many times the two lie apart; 1, no margin at all, where a ratio means nothing."""
    return max(value / threshold, threshold / value) if value > 0 and threshold > 0 else 1.0
