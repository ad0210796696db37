"""The main job end to end, as a person starts it: a process, with its start-up."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.environment import HERE, NotHereError
from benchmarks.process import finish
from benchmarks.row import Say, spread
from benchmarks.target import Target

OFTEN, TARGET = 2, Target(60, "seconds")


@dataclass(frozen=True)
class MainJob:
    """`mlsd-lab run` on one data set: wall seconds and peak memory."""

    data: str
    target: Target = TARGET

    @property
    def name(self) -> str:
        """Return the row's name."""
        return f"main_job_{self.data}"

    @property
    def what(self) -> str:
        """Say what is measured."""
        return f"`mlsd-lab run --data {self.data}` as a process, start-up and report included."

    def measure(self, small: bool, say: Say) -> dict[str, Any]:
        """Run it; raise `NotHereError` where the data set is not on this machine."""
        path = ["--path", str(kuairand())] if self.data == "kuairand" else []
        done = []
        for number in range(1, (1 if small else OFTEN) + 1):
            say(f"run {number} of {1 if small else OFTEN}, up to a minute")
            with TemporaryDirectory() as folder:
                out = ["--out", str(Path(folder, "run"))]
                done.append(finish([sys.executable, "-m", "mlsd_lab", "run", "--data", self.data, *path, *out]))
            say(f"{done[-1].seconds:.1f} s, {done[-1].peak_memory_gb:.2f} GB")
        memory = {"peak_memory_gb": max(each.peak_memory_gb for each in done)}
        return {"size": {"data": self.data}, "ours": spread([each.seconds for each in done]) | memory}


def kuairand() -> Path:
    """Return the folder of the real feed log."""
    named = os.environ.get("MLSD_LAB_KUAIRAND")
    for folder in (
        [Path(named)] if named else [HERE.parent / "data/kuairand", HERE.parents[1] / "shared/data/kuairand_pure"]
    ):
        if any(folder.glob("**/log_*_pure.csv")):
            return folder.resolve()
    raise NotHereError(
        "KuaiRand-Pure is not here: mlsd-lab data fetch kuairand, or set MLSD_LAB_KUAIRAND to its folder"
    )


ROWS = (MainJob("movielens"), MainJob("kuairand"))
