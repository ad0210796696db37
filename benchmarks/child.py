"""What a timed child process does: read arrays, work, write arrays, print its seconds. Needs numpy and nothing else."""

import json
import platform
import sys
from collections.abc import Callable
from importlib import metadata
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


def timed(work: Callable[[Any], Arrays], *packages: str, prepare: Callable[[Arrays], Any] = dict) -> None:
    """Do the work of `python FILE input.npz output.npz REPETITIONS` and print a line of JSON.

    Only `work` is timed, not the reading and writing, nor what `prepare` makes of the arrays for it. `packages` are
    those whose versions matter.
    """
    source, target, repetitions = sys.argv[1:]
    with np.load(source, allow_pickle=False) as stored:
        given = prepare(dict(stored))
    seconds, found = [], Arrays()
    for _ in range(int(repetitions)):
        began = perf_counter()
        found = work(given)
        seconds.append(perf_counter() - began)
    np.savez(target, **found)  # type: ignore[arg-type]
    versions = {"python": platform.python_version()} | {name: metadata.version(name) for name in packages}
    print(json.dumps({"seconds": seconds, "versions": versions}))
