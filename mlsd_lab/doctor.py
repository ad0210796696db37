"""Looks at the machine: is everything there that the course needs, and does Annoy's build give right answers?"""

import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

from mlsd_lab.machine import cores, memory_bytes

SAFE_ANNOY = "ANNOY_COMPILER_ARGS=-O3,-DANNOYLIB_MULTITHREADED_BUILD,-std=c++14"
REBUILD_ANNOY = f"{SAFE_ANNOY} pip install --no-cache-dir --force-reinstall --no-deps annoy"

_SELF_TEST = """
import numpy as np
from mlsd_lab.retrieval import AnnoyIndex
rng = np.random.default_rng(0)
vectors, queries = rng.standard_normal((500, 16)), rng.standard_normal((50, 16))
length = np.linalg.norm(vectors, axis=1)
truth = {
    "dot": queries @ vectors.T,
    "angular": queries @ vectors.T / length,
    "euclidean": -((queries[:, None] - vectors[None]) ** 2).sum(axis=2),
}
for metric, scores in truth.items():
    found = AnnoyIndex.build(vectors, metric, trees=10, search_k=100_000).search(queries, 10).videos
    best = np.argsort(-scores, axis=1)[:, :10]
    share = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, best)])
    assert share > 0.99, f"{metric}: only {share:.0%} of the true neighbours found"
"""


@dataclass(frozen=True)
class Check:
    """One thing looked at: what was found, whether that is fine, and if not the command that mends it.

    >>> Check("Python", "3.10.1", mend="pyenv install 3.13").fine
    False
    """

    name: str
    found: str
    mend: str = ""

    @property
    def fine(self) -> bool:
        """True when there is nothing to mend."""
        return not self.mend


def examine() -> Iterator[Check]:
    """Look at Python, the compiler, the packages, Annoy's build, the cores and the memory, one check at a time.

    >>> next(examine()).name
    'Python'
    """
    version = platform.python_version()
    yield Check("Python", version, "" if sys.version_info >= (3, 11) else "install Python 3.11 or newer")
    compiler = shutil.which("g++") or shutil.which("clang++") or shutil.which("c++")
    yield Check("C++ compiler", compiler or "none", "" if compiler else "apt-get install g++   (builds Annoy)")
    yield from packages()
    yield annoy_build()
    yield Check("Cores", str(cores()))
    memory = memory_bytes()
    enough = memory is None or memory >= 3.5e9
    yield Check(
        "Memory",
        f"{memory / 1e9:.1f} GB" if memory else "unknown",
        "" if enough else "close other programs: 4 GB is wanted",
    )


def packages() -> Iterator[Check]:
    """Compare each installed package with the range that this distribution states.

    >>> all(check.fine for check in packages() if "numpy" in check.name)
    True
    """
    from packaging.requirements import Requirement

    try:
        lines = metadata.requires("mlsd_lab") or []
    except metadata.PackageNotFoundError:
        yield Check("mlsd_lab", "not installed", "pip install -e '.[course]'   (in the checkout)")
        return
    for line in lines:
        wanted = Requirement(line)
        extra = next((e for e in ("", "course") if wanted.marker is None or wanted.marker.evaluate({"extra": e})), None)
        if extra is None:
            continue  # tools of this project's developers
        name = f"{wanted.name} {wanted.specifier}" + (f" (extra {extra!r})" if extra else "")
        try:
            found = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            found = "not installed"
        fits = found != "not installed" and wanted.specifier.contains(found, prereleases=True)
        yield Check(name, found, "" if fits else f"pip install '{wanted.name}{wanted.specifier}'")


def annoy_build() -> Check:
    """Compare Annoy with exact search in a process of its own, since a wrong build can end the process.

    >>> annoy_build().fine
    True
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", _SELF_TEST], capture_output=True, text=True, timeout=120, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check("Annoy self-test", f"did not finish ({error})", REBUILD_ANNOY)
    if done.returncode == 0:
        return Check("Annoy self-test", "finds the true neighbours")
    last = (done.stderr.strip().splitlines() or [f"ended with signal {-done.returncode}"])[-1]
    return Check("Annoy self-test", last, REBUILD_ANNOY)
