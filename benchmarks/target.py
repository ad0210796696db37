"""What a row must reach (DESIGN §6), and whether it did."""

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Target:
    """The most a measured value may be: our median seconds, our seconds by the peer's, or the slope of each stage."""

    most: float
    of: Literal["seconds", "times the peer", "slope"]

    def __str__(self) -> str:
        return f"≤ {self.most:g} s" if self.of == "seconds" else f"≤ {self.most:g} {self.of}"

    def judge(self, found: dict[str, Any]) -> dict[str, Any]:
        """Return the target in words and whether a measured row meets it."""
        if self.of == "slope":
            if "slopes" in found:
                return {"target": str(self), "met": max(found["slopes"].values()) <= self.most}
            each = [stage["met"] for stage in found["stages"].values() if stage["met"] is not None]
            return {"target": str(self), "met": all(each) if each else None}
        value = found["ours"]["median"] if self.of == "seconds" else 1 / found["ratio"]
        return {"target": str(self), "met": bool(value <= self.most)}
