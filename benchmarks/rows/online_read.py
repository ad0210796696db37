"""What a lookup costs in each of our stores and beside others: at one length of slate, and as slates grow."""

import json
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.environment import HERE, NotHereError, python_of
from benchmarks.process import Finished, MeasureError, finish
from benchmarks.redis_here import redis_here
from benchmarks.row import Say, spread
from benchmarks.rows.growth import slope
from benchmarks.target import Target
from benchmarks.video_features import VIDEO, fill, table
from mlsd_lab.features import MemoryStore

SIDE, FEAST = HERE / "online_side.py", HERE / "peers" / "feast.py"
MAKE = ("sqlite", "redis", "raw_sqlite", "raw_redis", "feast")
"""Sides that must be filled first."""
Part = dict[str, int | float | str]


@dataclass(frozen=True)
class OnlineRead:
    """Each side in a process of its own, by turns, over the same slates; all values must be equal to the bit."""

    name: str
    what: str
    ours: str
    peer: str
    sides: tuple[str, ...]
    """Of `online_side.py`."""
    lengths: tuple[int, ...] = (500,)
    """Videos a slate; the longest is the row's."""
    videos: int = 10_000
    events: int = 500_000
    slates: int = 200
    rounds: int = 3
    target: Target | None = None

    def measure(self, small: bool, say: Say) -> dict[str, Any]:
        """Read; raise `MeasureError` where a value differs, `NotHereError` where a side is missing."""
        videos, events, slates, rounds = (1_500, 5_000, 20, 1) if small else self._size
        pythons = {side: python_of(FEAST) if side == "feast" else Path(sys.executable) for side in self.sides}
        if "snapshot" in self.sides and find_spec("mlsd_lab.features.stores.snapshot") is None:
            raise NotHereError("mlsd_lab.features.stores.snapshot is not here")
        told = Told(self.sides, self.lengths[::2] if small else self.lengths)
        with TemporaryDirectory() as place, redis_here(Path(place)):
            say("absorbing events")
            write_given(Path(place), videos, events, slates, told.lengths[-1])
            for side in self.sides:
                if side in MAKE:
                    say(f"filling {side}")
                    finish([pythons[side], SIDE, "make", side, place])
            for number in range(1, rounds + 1):
                for side, length in product(self.sides, told.lengths):
                    told.hear(side, length, finish([pythons[side], SIDE, "read", side, place, str(length)]))
                    p50 = 1000 * median(told.seconds[side, length])
                    say(f"{number} of {rounds}, {side}, {length} videos: p50 {p50:.3f} ms")
        ours, theirs = (told.seconds[side, told.lengths[-1]] for side in (self.ours, self.peer))
        return {
            "size": {"slates": slates, "videos": told.lengths[-1], "features": len(VIDEO.columns)},
            "ours": spread(ours) | {"peak_memory_gb": told.memory[self.ours]},
            "peer": {"name": self.peer, "versions": told.versions[self.peer], "seconds": spread(theirs)},
            "ratio": round(median(theirs) / median(ours), 3),
            "equal": f"all values of all slates on {len(self.sides)} sides, each equal to the bit",
            **told.summary(),
        }

    @property
    def _size(self) -> tuple[int, int, int, int]:
        return self.videos, self.events, self.slates, self.rounds


class Told:
    """What the sides' processes told, by side and length of slate."""

    def __init__(self, sides: tuple[str, ...], lengths: tuple[int, ...]) -> None:
        self.sides, self.lengths = sides, lengths
        self.seconds: dict[tuple[str, int], list[float]] = {each: [] for each in product(sides, lengths)}
        self.memory = dict.fromkeys(sides, 0.0)
        self.versions: dict[str, dict[str, str]] = {}

    def hear(self, side: str, length: int, done: Finished) -> None:
        """Take in what a process found; raise `MeasureError` where a value was wrong."""
        told = json.loads(done.said.splitlines()[-1])
        if told["wrong"]:
            raise MeasureError(f"{side}: expected the values that were stored, found {told['wrong']:,} others")
        self.seconds[side, length] += told["seconds"]
        self.memory[side] = max(self.memory[side], done.peak_memory_gb)
        self.versions[side] = told["versions"]

    def summary(self) -> dict[str, Any]:
        """Return a part a side in milliseconds: p50 and p99 of one length, or p50 and slopes of several."""
        parts, slopes = list[Part](), dict[str, float]()
        for side in self.sides:
            part: Part = {"side": side}
            points = [(length, median(self.seconds[side, length])) for length in self.lengths]
            part |= {f"{length}_videos_p50_ms": round(1000 * p50, 4) for length, p50 in points}
            if len(points) == 1:
                p99 = float(np.percentile(self.seconds[side, self.lengths[0]], 99))
                part |= {"p99_ms": round(1000 * p99, 4), "peak_GB": self.memory[side]}
            else:
                slopes[side] = round(slope([point for point in points if point[0] * 10 >= self.lengths[-1]]), 3)
                part |= {"slope": round(slope(points), 3), "slope_of_last_tenfold": slopes[side]}
            parts.append(part)
        return {"parts": parts} | ({"slopes": slopes} if slopes else {})


def write_given(folder: Path, videos: int, events: int, slates: int, length: int) -> None:
    """Save a store in memory, what it says of each video, and slates of distinct videos."""
    store, ids = MemoryStore(VIDEO, table(videos)), table(videos)["video_id"]
    fill(store, events, videos)
    store.save(folder / "memory")
    as_of = store.newest + 1_000_000
    rng = np.random.default_rng(0)
    np.savez(
        folder / "given.npz",
        ids=ids.to_numpy(str),
        columns=np.array(VIDEO.columns),
        values=store.lookup("ann", ids.tolist(), pd.Timestamp(as_of, unit="us", tz="UTC")).values,
        slates=np.stack([rng.choice(videos, length, replace=False) for _ in range(slates)]),
        as_of=np.array(as_of),
        events=np.array(events),
    )


LENGTHS = (1, 3, 10, 30, 100, 300, 1_000)
STORES = ("memory", "sqlite", "redis")
WHAT = (
    "16 features of each video of a slate: 15 sums over windows and a newest value, which our stores make at the "
    "moment of the request from rows of state"
)
ROWS = (
    OnlineRead(
        "online_read",
        f"{WHAT}, beside Feast's SDK over SQLite, a table of blobs in SQLite, HMGET from the same Redis, and a gather "
        "of numpy: these four read finished values, right for one moment, that somebody has to write anew when it has "
        "passed. Feast's come without a time to live, which it takes by the wall clock. All begin with a list of ids "
        "and end with an array; the row is SQLite beside Feast.",
        ours="sqlite",
        peer="feast",
        sides=(*STORES, "raw_sqlite", "raw_redis", "numpy_gather", "feast"),
        target=Target(0.002, "seconds"),
    ),
    OnlineRead(
        "online_read_snapshot",
        f"{WHAT}, and of which a snapshot in the process is as old as its moment, beside a gather of numpy.",
        ours="snapshot",
        peer="numpy_gather",
        sides=("snapshot", "numpy_gather"),
        target=Target(0.0002, "seconds"),
    ),
    OnlineRead(
        "online_read_growth",
        f"{WHAT}, for slates of {LENGTHS[0]} to {LENGTHS[-1]:,} videos; the slope of log seconds on log videos over "
        "all lengths, and, which is the target's, over the last tenfold: what a lookup costs in any case hides in the "
        "first. The row is SQLite beside memory.",
        ours="sqlite",
        peer="memory",
        sides=STORES,
        lengths=LENGTHS,
        slates=100,
        target=Target(1.1, "slope"),
    ),
)
