"""What a query costs exactly, in Annoy and in a graph, each searched as hard as an equal recall takes."""

import json
import sys
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.environment import NotHereError
from benchmarks.process import finish
from benchmarks.row import Say
from benchmarks.rows.growth import slope
from benchmarks.target import Target
from benchmarks.world import simulated
from mlsd_lab.retrieval import ALS, AnnoyIndex, ByLengthIndex, HNSWIndex, Way, frontier

K, DIMENSION, QUERIES, RECALL = 100, 64, 100, 0.8
NODES = (2_000, 5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000)
EF = (100, 200, 400, 800, 1_600, 3_200)
MOST = {"annoy_augmented": 300_000, "hnsw": 1_000_000}
"""Larger catalogues are not built in this way: the graph takes minutes, and one form of Annoy is enough."""
_ROWS = 100_000  # drawn at a time
Part = dict[str, int | float | str]


@dataclass(frozen=True)
class SearchCost:
    """Every way at every size, a process a size; each at the least effort that keeps `RECALL`."""

    name: str
    what: str
    sizes: tuple[int, ...]
    source: str
    """`drawn` vectors, or those that ALS learned of a simulated `world`."""
    trees: int = 20
    target: Target | None = None

    def measure(self, small: bool, say: Say) -> dict[str, Any]:
        """Measure from the smallest size up; raise `NotHereError` without faiss."""
        if not find_spec("faiss"):
            raise NotHereError("faiss is not here: pip install 'mlsd_lab[hnsw]'")
        parts, memory = list[Part](), 0.0
        for size in (1_000, 3_000, 9_000)[: len(self.sizes)] if small else self.sizes:
            done = finish([sys.executable, Path(__file__), self.source, str(size), str(self.trees)])
            parts.append({"videos": size} | json.loads(done.said.splitlines()[-1]))
            memory = max(memory, done.peak_memory_gb)
            say(
                ", ".join(
                    f"{name} {value:.3g}" for name, value in parts[-1].items() if name.endswith(("_ms", "_recall"))
                )
            )
        last = parts[-1]
        seconds = {name: float(last[f"{name}_ms"]) / 1000 for name in ("annoy_dot", "exact")}
        ours, theirs = ({"median": s, "min": s, "max": s, "repetitions": QUERIES} for s in seconds.values())
        return {
            "size": {"videos": int(last["videos"]), "factors": DIMENSION},
            "ours": ours | {"peak_memory_gb": memory},
            "peer": {"name": "exact", "versions": {"faiss": version("faiss-cpu")}, "seconds": theirs},
            "ratio": round(seconds["exact"] / seconds["annoy_dot"], 3),
            "equal": f"the first {K} of {QUERIES} queries, {RECALL:.0%} of exact search's or the recall that is stated",
            "parts": complete([*parts, *slopes(parts)]),
        }


def slopes(parts: list[Part]) -> list[Part]:
    """Return a part with the slope of log milliseconds on log videos of each way, where there are three sizes."""
    found: Part = {"videos": "slope"}
    for name in (each for part in parts for each in part if each.endswith("_ms")):
        points = [(int(part["videos"]), float(part[name])) for part in parts if name in part]
        if len(points) >= 3:
            found[name] = round(slope(points), 3)
    return [found] if len(found) > 1 else []


def complete(parts: list[Part]) -> list[Part]:
    """Return the parts with the same columns, empty where nothing was measured."""
    names = dict.fromkeys(name for part in parts for name in part)
    return [{name: part.get(name, "") for name in names} for part in parts]


def vectors(source: str, size: int, queries: int = QUERIES) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the vectors of videos and of people: learned by ALS, or drawn to be as uneven as those are."""
    rng = np.random.default_rng(0)
    if source == "world":
        als = ALS().fit(simulated(100 * size))
        people = np.flatnonzero(als.known_)
        return als.video_factors_, als.user_factors_[rng.choice(people, queries, replace=False)]
    turn, drawn = rng.normal(size=(DIMENSION // 4, DIMENSION)), np.empty((size + queries, DIMENSION))
    for begin in range(0, len(drawn), _ROWS):
        part = drawn[begin : begin + _ROWS]
        part[:] = rng.normal(size=(len(part), len(turn))) @ turn + rng.normal(size=part.shape)
        part *= rng.lognormal(0, 0.3, size=(len(part), 1))
    return drawn[queries:], drawn[:queries]


def ways(size: int, trees: int) -> list[Way]:
    """Return the ways in which a catalogue of this size is searched."""
    every = [
        Way("by_length", ByLengthIndex),
        Way("annoy_dot", partial(AnnoyIndex.build, metric="dot", trees=trees), NODES),
        Way("annoy_augmented", partial(AnnoyIndex.build, metric="augmented", trees=trees), NODES),
        Way("hnsw", HNSWIndex.build, EF),
    ]
    return [way for way in every if size <= MOST.get(way.name, size)]


def main(source: str, size: int, trees: int) -> None:
    """Print for each way the milliseconds of the median query, its recall, megabytes and seconds to build."""
    videos, people = vectors(source, size)
    measured = frontier(videos, people, K, ways(size, trees))
    found: Part = {}
    for name in dict.fromkeys(point.name for point in measured.points):
        points = [point for point in measured.points if point.name == name]
        enough = [point for point in points if point.recall.value >= RECALL]
        best = (
            min(enough, key=lambda point: point.milliseconds) if enough else max(points, key=lambda p: p.recall.value)
        )
        found[f"{name}_ms"] = round(best.milliseconds, 4)
        if name != "exact":
            found |= {f"{name}_recall": round(best.recall.value, 3), f"{name}_effort": best.effort or 0}
            found |= {f"{name}_build_s": round(best.build_seconds, 2)}
        found[f"{name}_MB"] = round(best.megabytes, 1)
    print(json.dumps(found))


ROWS = (
    SearchCost(
        "search_equal_recall",
        f"The first {K} for {QUERIES} people over the ALS factors of a world of 100,000 videos and 10 M events, one "
        f"query at a time: exactly, all or by length, in Annoy (20 trees, its own inner product and the augmented "
        f"form) and in a graph (HNSW of faiss), each with the least effort of a fixed few that keeps {RECALL:.0%} of "
        "exact search's list.",
        (100_000,),
        "world",
    ),
    SearchCost(
        "search_growth",
        f"The same over drawn vectors from 10⁴ to 5 × 10⁶ videos, 10 trees; the graph up to 10⁶, the augmented form up "
        f"to 3 × 10⁵. Where no effort keeps {RECALL:.0%} the hardest is shown with its recall. The last line has the "
        "slopes of log milliseconds on log videos; the first columns of the table are the row's ratio at the largest "
        "size.",
        (10_000, 100_000, 1_000_000, 5_000_000),
        "drawn",
        trees=10,
    ),
)

if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
