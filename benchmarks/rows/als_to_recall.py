"""Seconds until ALS has learned enough: ours beside implicit with its defaults, which is what ours calls."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from benchmarks.als_curve import told
from benchmarks.environment import HERE, python_of
from benchmarks.process import finish
from benchmarks.row import Say
from benchmarks.rows.main_job import kuairand
from benchmarks.target import Target
from mlsd_lab.datasets import load
from mlsd_lab.evaluation import make_split

PEER, SHARE = HERE / "peers" / "implicit_defaults.py", 0.95
Curve = list[tuple[int, float, float]]


@dataclass(frozen=True)
class ALSToRecall:
    """Both fit anew for each number of iterations; the given recall is one that both reach."""

    data: str
    target: Target | None = None
    rounds: int = 2

    @property
    def name(self) -> str:
        """Return the row's name."""
        return f"als_to_recall_{self.data}"

    @property
    def what(self) -> str:
        """Say what is measured."""
        return (
            f"Fit ALS on {self.data} until recall@100 of the test is {SHARE:.0%} of what the weaker side reaches "
            "in up to 15 iterations: ours (float64, the settings of decision 0005) beside implicit with its defaults."
        )

    def measure(self, small: bool, say: Say) -> dict[str, Any]:
        """Run both by turns; the seconds are those of the fewest iterations that reach the recall."""
        sides = {"ours": (Path(sys.executable), Path(__file__)), "implicit": (python_of(PEER), PEER)}
        told_by: dict[str, list[dict[str, Any]]] = {name: [] for name in sides}
        memory = dict.fromkeys(sides, 0.0)
        with TemporaryDirectory() as folder:
            given = Path(folder, "given.npz")
            np.savez(given, **counts(self.data))  # type: ignore[arg-type]
            for number in range(1, (1 if small else self.rounds) + 1):
                for name, (python, script) in sides.items():
                    done = finish([python, script, given])
                    told_by[name].append(json.loads(done.said.splitlines()[-1]))
                    memory[name] = max(memory[name], done.peak_memory_gb)
                    _, seconds, recall = told_by[name][-1]["curve"][-1]
                    say(f"{number}, {name}: {seconds:.2f} s for 15 iterations, recall@100 {recall:.4f}")
        given_recall = SHARE * min(most(told["curve"]) for each in told_by.values() for told in each)
        spent = {name: [first(told["curve"], given_recall) for told in each] for name, each in told_by.items()}
        ours, theirs = (
            {"median": float(np.median(s)), "min": min(s), "max": max(s), "repetitions": len(s)} for s in spent.values()
        )
        return {
            "size": {"data": self.data, "recall": f"recall {given_recall:.4f}"},
            "ours": ours | {"peak_memory_gb": memory["ours"]},
            "peer": {
                "name": "implicit",
                "versions": told_by["implicit"][0]["versions"],
                "seconds": theirs | {"peak_memory_gb": memory["implicit"]},
            },
            "ratio": round(theirs["median"] / ours["median"], 3),
            "equal": f"recall@100 of at least {given_recall:.4f} on both sides",
            "parts": [
                {
                    "iterations": one[0],
                    "ours_s": one[1],
                    "ours_recall": one[2],
                    "implicit_s": two[1],
                    "implicit_recall": two[2],
                }
                for one, two in zip(*(told_by[name][0]["curve"] for name in sides), strict=True)
            ],
        }


def most(curve: Curve) -> float:
    """Return the highest recall of a curve."""
    return max(recall for _, _, recall in curve)


def first(curve: Curve, wanted: float) -> float:
    """Return the seconds of the fewest iterations that reach a recall."""
    return next(seconds for _, seconds, recall in curve if recall >= wanted)


def counts(data: str) -> dict[str, NDArray[Any]]:
    """Return who has seen what, and what was relevant in the test, as pairs; an event twice is two pairs."""
    log = load(data, kuairand() if data == "kuairand" else None)
    split = make_split(log, log.datasheet.split)
    seen, relevant = split.train.events, split.relevant().tocoo()
    pairs = {"seen_user": seen["user_id"].cat.codes.to_numpy(), "seen_video": seen["video_id"].cat.codes.to_numpy()}
    return pairs | {
        "relevant_user": relevant.row,
        "relevant_video": relevant.col,
        "shape": np.array([len(log.users), len(log.videos)]),
    }


def fit(seen: csr_matrix, iterations: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the factors that `ALS` learns of these counts."""
    from mlsd_lab.retrieval import ALS

    class Counted:
        def matrix(self) -> csr_matrix:
            return seen

    als = ALS(iterations=iterations).fit(Counted())  # type: ignore[arg-type]
    return als.user_factors_, als.video_factors_


ROWS = (ALSToRecall("movielens"), ALSToRecall("kuairand"))

if __name__ == "__main__":
    told(fit, "implicit", "numpy", "scipy")
