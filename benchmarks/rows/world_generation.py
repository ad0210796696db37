"""Making a simulated world, by its number of events."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.process import finish
from benchmarks.row import Say, spread
from benchmarks.target import Target
from benchmarks.world import simulated


@dataclass(frozen=True)
class WorldGeneration:
    """The simulator at one size, each time in a process of its own."""

    events: int
    target: Target | None = None

    @property
    def name(self) -> str:
        """Return the row's name."""
        return f"world_generation_1e{len(str(self.events)) - 1}"

    @property
    def what(self) -> str:
        """Say what is measured."""
        return "Simulate a world over 28 days, with a user for 50 events and a video for 100, up to its `Log`."

    def measure(self, small: bool, say: Say) -> dict[str, Any]:
        """Generate it a few times; raise `NotHereError` while there is no simulator."""
        events = min(self.events, 10_000) if small else self.events
        simulated(1_000)
        told, memory = [], 0.0
        for _ in range(3):
            done = finish([sys.executable, Path(__file__), str(events)])
            told.append(json.loads(done.said.splitlines()[-1]))
            memory = max(memory, done.peak_memory_gb)
            say(f"{told[-1]['events']:,} events in {told[-1]['seconds']:.2f} s")
        ours = spread([each["seconds"] for each in told]) | {"peak_memory_gb": memory}
        return {"size": {"events": told[-1]["events"]}, "ours": ours}


ROWS = (WorldGeneration(100_000), WorldGeneration(1_000_000, Target(2, "seconds")), WorldGeneration(10_000_000))

if __name__ == "__main__":
    simulated(1_000)  # what is imported and made once is not the simulator's growth
    began = perf_counter()
    log = simulated(int(sys.argv[1]))
    print(json.dumps({"seconds": perf_counter() - began, "events": len(log.events)}))
