"""Ours and a peer in one run: the same input, by turns, and equal outputs or no result."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.child import Arrays
from benchmarks.environment import PEERS, python_of
from benchmarks.process import MeasureError, finish
from benchmarks.row import Say, spread
from benchmarks.target import Target


@dataclass(frozen=True)
class SideBySide:
    """Both sides are child processes that read one `.npz`, work and write another; only the work is timed."""

    name: str
    what: str
    inputs: Callable[[dict[str, int]], Arrays]
    """Makes the seeded input of a size."""
    ours: Path
    """A file that calls `child.timed`, as a peer's does; it runs with this interpreter."""
    peer: Path
    """The peer's file; it runs in its own environment."""
    size: dict[str, int]
    small: dict[str, int]
    """A size that takes a second, to try things out."""
    target: Target | None = None
    tolerance: float = 0.0
    """Relative difference allowed between two numbers of the outputs; 0 asks for the same bits."""
    rounds: int = 3
    """How often each side's process is started, by turns."""
    repetitions: int = 2
    """How often a process does the work."""
    peers: Path = PEERS
    """Where the peers' environments are."""

    def measure(self, small: bool, say: Say) -> dict[str, Any]:
        """Run both by turns; raise `MeasureError` when an output differs, `NotHereError` when the peer is missing."""
        sides = {
            "ours": (Path(sys.executable), self.ours),
            self.peer.stem: (python_of(self.peer, self.peers), self.peer),
        }
        size = self.small if small else self.size
        seconds: dict[str, list[float]] = {name: [] for name in sides}
        versions: dict[str, dict[str, str]] = {}
        memory = dict.fromkeys(sides, 0.0)
        with TemporaryDirectory() as folder:
            say("making the input")
            given = Path(folder, "given.npz")
            np.savez(given, **self.inputs(size))  # type: ignore[arg-type]
            for number in range(1, self.rounds + 1):
                for name, (python, script) in sides.items():
                    done = finish([python, script, given, Path(folder, f"{name}.npz"), str(self.repetitions)])
                    told = json.loads(done.said.splitlines()[-1])
                    seconds[name] += told["seconds"]
                    versions[name], memory[name] = told["versions"], max(memory[name], done.peak_memory_gb)
                    times = ", ".join(f"{each:.3g}" for each in told["seconds"])
                    say(f"{number} of {self.rounds}, {name}: {times} s")
                equal = self._equal(*(Path(folder, f"{name}.npz") for name in sides))
        ours, theirs = (spread(each) for each in seconds.values())
        return {
            "size": size,
            "ours": ours | {"peak_memory_gb": memory["ours"]},
            "peer": {
                "name": self.peer.stem,
                "versions": versions[self.peer.stem],
                "seconds": theirs | {"peak_memory_gb": memory[self.peer.stem]},
            },
            "ratio": round(theirs["median"] / ours["median"], 3),
            "equal": equal,
        }

    def _equal(self, ours: Path, theirs: Path) -> str:
        """Say how equality was checked, or raise `MeasureError` with the first difference."""
        with np.load(ours, allow_pickle=False) as a, np.load(theirs, allow_pickle=False) as b:
            if sorted(a) != sorted(b) or any(a[name].shape != b[name].shape for name in a):
                shapes = [{name: side[name].shape for name in side} for side in (a, b)]
                raise MeasureError(f"{self.name}: expected outputs of one shape, found ours {shapes[0]}, {shapes[1]}")
            for name in a:
                same = np.isclose(a[name], b[name], rtol=self.tolerance, atol=0, equal_nan=a[name].dtype.kind == "f")
                if not same.all():
                    at = int(np.flatnonzero(~same)[0])
                    raise MeasureError(
                        f"{self.name}: expected equal {name}, found {np.sum(~same):,} of {same.size:,} that differ; "
                        f"the first at {at}: ours {a[name].flat[at]}, {self.peer.stem} {b[name].flat[at]}"
                    )
            rows = " and ".join(f"{a[name].size:,} values of {name}" for name in a)
        within = f"to {self.tolerance:g} of their size" if self.tolerance else "to the bit"
        return f"{rows}, each equal {within}, after every round"
