"""Runs a child process to its end, with how long it took and how much memory it had."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mlsd_lab.errors import MlsdLabError

ROOT = Path(__file__).resolve().parent.parent
LAUNCHER = Path(__file__).with_name("launcher.py")


class MeasureError(MlsdLabError):
    """A measurement that cannot be trusted or did not come to its end."""


@dataclass(frozen=True)
class Finished:
    """A child that ended well: what it printed, its wall seconds with start-up, and its peak memory."""

    said: str
    seconds: float
    peak_memory_gb: float


def finish(command: Sequence[str | Path]) -> Finished:
    """Run a command from the checkout's root, where it may import `benchmarks`; raise `MeasureError` when it fails."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}  # peers/duckdb.py is not duckdb
    with TemporaryDirectory() as folder:
        facts = Path(folder, "facts.json")
        launched = [sys.executable, LAUNCHER, facts, *command]
        done = subprocess.run(launched, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        found = json.loads(facts.read_text(encoding="utf-8")) if facts.is_file() else {"code": done.returncode}
    if found["code"] != 0 or "seconds" not in found:
        last = "\n".join(done.stderr.strip().splitlines()[-3:])
        raise MeasureError(f"{' '.join(map(str, command))} ended with {found['code']}: {last}")
    return Finished(done.stdout, found["seconds"], found["peak_memory_gb"])
