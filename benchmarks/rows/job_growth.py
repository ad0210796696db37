"""How the main job grows with the catalogue, stage by stage."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.process import finish
from benchmarks.row import Say, spread
from benchmarks.rows.growth import LEAST, slope
from benchmarks.target import Target

EVENTS, PEOPLE = 20, 5
"""Events a video, and videos a person."""
TARGET = Target(900, "seconds")
SIZES, SMALL = (10_000, 30_000, 100_000, 300_000, 1_000_000), (500, 1_000, 2_000)


@dataclass(frozen=True)
class JobGrowth:
    """`mlsd-lab run` on worlds of growing catalogues, a process a size: seconds of each stage, and slopes."""

    name: str = "job_growth"
    what: str = (
        f"`mlsd-lab run --data world` with 10⁴ to 10⁶ videos, {EVENTS} events a video and a person for {PEOPLE} "
        "videos: seconds of each stage as the report has them, and the slope of log seconds on log videos over the "
        f"sizes at which a stage takes {LEAST:g} s or more. Of a large log the job takes samples (decision 0034), so "
        "that some stages stop growing."
    )
    target: Target = TARGET

    def measure(self, small: bool, say: Say) -> dict[str, Any]:
        """Run the job from the smallest size up."""
        seconds: dict[str, dict[int, float]] = {}
        memory: dict[int, float] = {}
        for videos in SMALL if small else SIZES:
            say(f"{videos:,} videos")
            size = ["--videos", str(videos), "--users", str(videos // PEOPLE), "--events", str(videos * EVENTS)]
            with TemporaryDirectory() as folder:
                out = Path(folder, "run")
                done = finish([sys.executable, "-m", "mlsd_lab", "run", "--data", "world", *size, "--out", out])
                report = json.loads((out / "report.json").read_text(encoding="utf-8"))
            for name, value in report["timings"].items():
                seconds.setdefault(name.removesuffix("_seconds"), {})[videos] = value
            memory[videos] = done.peak_memory_gb
            say(f"{done.seconds:.0f} s, {done.peak_memory_gb:.2f} GB")
        parts = [as_part(f"{name} s", found) for name, found in seconds.items()] + [as_part("peak GB", memory)]
        last = max(memory)
        return {
            "size": {"videos": last, "events": last * EVENTS},
            "ours": spread([seconds["total"][last]]) | {"peak_memory_gb": memory[last]},
            "parts": parts,
        }


def as_part(name: str, found: dict[int, float]) -> dict[str, float | str]:
    """Return a stage's line: its value at each size, and the slope where three sizes or more are above `LEAST`.

    >>> as_part("serve s", {10: 1.0, 100: 10.0, 1000: 100.0})
    {'stage': 'serve s', '10': 1.0, '100': 10.0, '1,000': 100.0, 'slope': 1.0}
    """
    points = [(size, value) for size, value in found.items() if value >= LEAST]
    steep: float | str = round(slope(points), 3) if len(points) >= 3 else ""
    return {"stage": name} | {f"{size:,}": value for size, value in found.items()} | {"slope": steep}


ROWS = (JobGrowth(),)
