"""How the cost of each stage grows with the log."""

import json
import sys
from dataclasses import dataclass
from math import log10
from typing import Any

from benchmarks.environment import HERE
from benchmarks.process import finish
from benchmarks.row import Say
from benchmarks.stages import STAGES
from benchmarks.target import Target

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)
LEAST = 0.02
"""Seconds; where a stage takes less, fixed costs hide how it grows."""
TARGET = Target(1.1, "slope")
MOST = 120.0
"""Seconds; a stage that would take more is not measured at that size."""
Points = list[tuple[int, float]]


@dataclass(frozen=True)
class Growth:
    """Each stage at growing sizes, a process a size, and the slope of log seconds on log events."""

    name: str = "growth"
    what: str = (
        f"Each stage from 10⁴ to 10⁷ events over 28 days, a user for 50 events and a video for 100; the slope of log "
        f"seconds on log events, by least squares over the sizes at which the stage takes {LEAST:g} s or more."
    )
    target: Target = TARGET

    def measure(self, small: bool, say: Say) -> dict[str, Any]:
        """Measure the stages from the smallest size up, leaving out those that would take too long."""
        points: dict[str, Points] = {name: [] for name in STAGES}
        stopped: dict[str, str] = {}
        made_of, memory = "", 0.0
        for events in SIZES[:3] if small else SIZES:
            for name in STAGES:
                if name not in stopped and too_slow(points[name], events):
                    stopped[name] = (
                        f"stopped at {points[name][-1][0]:,} events: the next size would take over {MOST:g} s"
                    )
            if "log" in stopped:
                break
            say(f"{events:,} events, {len(STAGES) - len(stopped)} stages")
            done = finish([sys.executable, HERE / "stages.py", str(events), *(n for n in STAGES if n not in stopped)])
            for line in map(json.loads, done.said.splitlines()):
                points[line["stage"]].append((line["events"], round(line["seconds"], 5)))
                made_of = line["log"]
            memory = max(memory, done.peak_memory_gb)
            say(", ".join(f"{name} {found[-1][1]:.3g} s" for name, found in points.items() if found))
        stages = {name: summary(found) | {"note": stopped.get(name)} for name, found in points.items()}
        about = {"events": max(each[-1][0] for each in points.values()), "log": made_of}
        return {"size": about, "ours": {"peak_memory_gb": memory}, "stages": stages}


def too_slow(points: Points, events: int) -> bool:
    """Tell whether a stage, growing in proportion, would take more than `MOST` seconds at that many events."""
    return bool(points) and points[-1][1] * events / points[-1][0] > MOST


def summary(points: Points) -> dict[str, Any]:
    """Return the points, the slope, between which sizes it was fitted, and that of the last tenfold alone.

    None with fewer than three sizes. Fixed costs flatten the small sizes, so the last tenfold is the stricter number.
    """
    events, seconds = [each[0] for each in points], [each[1] for each in points]
    fitted = [point for point in points if point[1] >= LEAST]
    found = round(slope(fitted), 3) if len(fitted) >= 3 else None
    tenfold = [point for point in fitted if point[0] * 10 >= fitted[-1][0]]
    return {
        "events": events,
        "seconds": seconds,
        "slope": found,
        "slope_of_last_tenfold": None if found is None else round(slope(tenfold), 3),
        "fitted": [fitted[0][0], fitted[-1][0]] if found is not None else None,
        "met": None if found is None else found <= TARGET.most,
    }


def slope(points: Points) -> float:
    """Return the least-squares slope of log seconds on log events.

    With n times the events a stage of slope 1 takes n times as long.
    """
    x, y = [log10(events) for events, _ in points], [log10(seconds) for _, seconds in points]
    middle = sum(x) / len(x), sum(y) / len(y)
    across = sum((a - middle[0]) * (b - middle[1]) for a, b in zip(x, y, strict=True))
    return across / sum((a - middle[0]) ** 2 for a in x)


ROWS = (Growth(),)
