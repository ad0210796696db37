"""Which way a stated budget takes to search a million videos, and what that way does not find."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.process import finish
from benchmarks.row import Say
from benchmarks.rows import search_cost
from benchmarks.target import Target
from mlsd_lab.datasets.world import WorldConfig, simulate
from mlsd_lab.retrieval import ALS, Frontier, SearchBudget, choose, frontier, usual_ways

K, TREES, QUERIES, EVENTS, PEOPLE, ITERATIONS = 100, 20, 200, 20, 5, 5
"""Lists, trees, people who ask, events a video, videos a person; and as few iterations as a run of this size takes."""
NODES = (5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000)
EF = (100, 200, 400, 800, 1_600)
BUDGET, TARGET = SearchBudget(milliseconds=5, p99_milliseconds=10), Target(0.005, "seconds")


@dataclass(frozen=True)
class SearchChoice:
    """`choose` under `BUDGET`, of every way and of Annoy's alone."""

    name: str
    of: str
    source: str
    """`learned` by ALS from a simulated world, or `drawn` at length one."""
    videos: int = 1_000_000
    target: Target = TARGET

    @property
    def what(self) -> str:
        """The ways, the vectors and the budget."""
        return (
            f"The first {K} for {QUERIES} people, one query at a time, over {self.of}: exactly, all or by length, in "
            f"Annoy ({TREES} trees, its own inner product and the augmented form) and in a graph (HNSW of faiss). The "
            f"choice is the setting of highest recall within {BUDGET.milliseconds:g} ms of median and "
            f"{BUDGET.p99_milliseconds:g} ms of p99."
        )

    def measure(self, small: bool, say: Say) -> dict[str, Any]:
        """Measure every setting in a process of its own, then choose."""
        done = finish([sys.executable, Path(__file__), self.source, str(2_000 if small else self.videos)])
        found = json.loads(done.said.splitlines()[-1])
        parts, size, dimension = found["points"], found["size"], found["dimension"]
        measured = Frontier.from_frame(pd.DataFrame(parts), size, dimension, K)
        annoy = tuple(point for point in measured.points if point.name.startswith("annoy"))
        choices = {
            "of all": choose(measured, BUDGET),
            "of Annoy": choose(Frontier(annoy, size, dimension, K), BUDGET),
        }
        for whose, choice in choices.items():
            say(f"{whose}: {choice.reason}")
        best, exact = choices["of all"].point or measured.points[0], measured.points[0]
        ours, theirs = (
            {"median": round(s, 7), "min": round(s, 7), "max": round(s, 7), "repetitions": QUERIES}
            for s in (best.milliseconds / 1000, exact.milliseconds / 1000)
        )
        for part, point in zip(parts, measured.points, strict=True):
            part["chosen"] = " and ".join(whose for whose, choice in choices.items() if choice.point == point)
        return {
            "size": {"videos": size, "factors": dimension},
            "ours": ours | {"peak_memory_gb": done.peak_memory_gb},
            "peer": {"name": "exact", "versions": {}, "seconds": theirs},
            "ratio": round(exact.milliseconds / best.milliseconds, 3),
            "equal": "; ".join(f"{whose}, {choice.reason}" for whose, choice in choices.items()),
            "parts": parts,
        }


def vectors(source: str, videos: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return the vectors of videos, and of the people who ask."""
    if source == "learned":
        als = ALS(iterations=ITERATIONS).fit(simulate(WorldConfig(videos // PEOPLE, videos, EVENTS * videos)).log)
        people = np.random.default_rng(0).choice(np.flatnonzero(als.known_), QUERIES, replace=False)
        return als.video_factors_, als.user_factors_[people]
    catalogue, people = search_cost.vectors("drawn", videos, QUERIES)
    for each in (catalogue, people):
        each /= np.linalg.norm(each, axis=1, keepdims=True)
    return catalogue, people


def main(source: str, videos: int) -> None:
    """Print every point as a line of JSON."""
    measured = frontier(*vectors(source, videos), K, usual_ways([TREES], nodes=NODES, ef=EF))
    points = json.loads(measured.to_frame().round(4).to_json(orient="records"))
    print(json.dumps({"size": measured.size, "dimension": measured.dimension, "points": points}))


ROWS = (
    SearchChoice("search_choice_learned", "what ALS learned of a world of 1 M videos and 20 M events", "learned"),
    SearchChoice("search_choice_drawn", "1 M vectors of length one, of 16 directions and noise", "drawn"),
)

if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
