"""Which way a stated budget takes to search a million videos, and what that way does not find."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.process import finish
from benchmarks.row import Say
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
    """`choose` under `BUDGET`, of every way and of Annoy's alone, over vectors that ALS learned."""

    name: str = "search_choice"
    what: str = (
        f"The first {K} for {QUERIES} people, one query at a time, over what ALS learned of a world of 1 M videos and "
        f"20 M events: exactly, all or by length, in Annoy ({TREES} trees, its own inner product and the augmented "
        "form) and in a graph (HNSW of faiss). The choice is the setting of highest recall within "
        f"{BUDGET.milliseconds:g} ms of median and {BUDGET.p99_milliseconds:g} ms of p99."
    )
    target: Target = TARGET
    videos: int = 1_000_000

    def measure(self, small: bool, say: Say) -> dict[str, Any]:
        """Measure every setting in a process of its own, then choose."""
        done = finish([sys.executable, Path(__file__), str(2_000 if small else self.videos)])
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


def main(videos: int) -> None:
    """Print every point as a line of JSON."""
    log = simulate(WorldConfig(videos // PEOPLE, videos, EVENTS * videos)).log
    als = ALS(iterations=ITERATIONS).fit(log)
    del log
    people = np.random.default_rng(0).choice(np.flatnonzero(als.known_), QUERIES, replace=False)
    ways = usual_ways([TREES], nodes=NODES, ef=EF)
    measured = frontier(als.video_factors_, als.user_factors_[people], K, ways)
    points = json.loads(measured.to_frame().round(4).to_json(orient="records"))
    print(json.dumps({"size": measured.size, "dimension": measured.dimension, "points": points}))


ROWS = (SearchChoice(),)

if __name__ == "__main__":
    main(int(sys.argv[1]))
