"""Ingestion end to end, beside what it could be compared with, at histories and inputs of several sizes."""

import json
import os
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.event_lines import fill_lake, write_lines
from benchmarks.process import Finished, MeasureError, finish
from benchmarks.row import Say, spread
from benchmarks.target import Target

_SCRIPT = Path(__file__).parents[1] / "ingest_side.py"
_PACKAGES = {"parse_alone": "duckdb", "deltalake_append": "deltalake", "pandas_parquet": "pandas"}


@dataclass(frozen=True)
class Ingestion:
    """JSON lines on disk into the lake, by turns with a peer where there is one, each in a process of its own."""

    name: str
    what: str
    events: int = 1_000_000
    stored: int = 0
    """So many events the lake holds before; then 2 % of the lines repeat one of them."""
    peer: str | None = None
    target: Target | None = None
    rounds: int = 3

    def measure(self, small: bool, say: Say) -> dict[str, Any]:
        """Ingest a few times; raise `MeasureError` where a row is lost or there twice."""
        events, stored = (20_000, self.stored and 50_000) if small else (self.events, self.stored)
        sides = ["ours", self.peer] if self.peer else ["ours"]
        done: dict[str, list[tuple[Finished, dict[str, Any]]]] = {side: [] for side in sides}
        with TemporaryDirectory() as folder:
            say("making the input")
            clicks, history = Path(folder, "clicks"), Path(folder, "history")
            lines = write_lines(clicks, events, stored)
            fill_lake(history / "lake", stored) if stored else history.mkdir()
            size = sum(file.stat().st_size for file in clicks.iterdir())
            for number in range(1, self.rounds + 1):
                for side, found in done.items():
                    work = Path(folder, f"{side}-{number}")
                    shutil.copytree(history, work, copy_function=os.link)  # data files are never written again
                    found.append(_run(side, clicks, work))
                    shutil.rmtree(work)
                    say(f"{number} of {self.rounds}, {side}: {found[-1][1]['seconds']:.2f} s")
            expected = dict.fromkeys(sides, lines) | {"ours": events + stored}
            for side, found in done.items():
                if wrong := [told for _, told in found if (told["rows"], told["ids"]) != (expected[side],) * 2]:
                    raise MeasureError(f"{side}: expected {expected[side]:,} rows of as many ids, found {wrong[0]}")
        ours = _summed(done["ours"])
        result: dict[str, Any] = {
            "size": {"lines": lines, "MB": round(size / 1e6), "stored": stored},
            "ours": ours | {"events_per_second": round(events / ours["median"])},
        }
        if self.peer:
            package, theirs = _PACKAGES[self.peer], _summed(done[self.peer])
            result["peer"] = {"name": self.peer, "versions": {package: version(package)}, "seconds": theirs}
            result["equal"] = f"each row once on both sides; ours takes {events / ours['median']:,.0f} events a second"
            result["ratio"] = round(theirs["median"] / ours["median"], 3)
        return result


def _run(side: str, clicks: Path, work: Path) -> tuple[Finished, dict[str, Any]]:
    done = finish([sys.executable, _SCRIPT, side, clicks, work])
    told = json.loads(done.said.splitlines()[-1])
    counted = finish([sys.executable, _SCRIPT, "count", told.pop("made")])
    return done, told | json.loads(counted.said.splitlines()[-1])


def _summed(done: list[tuple[Finished, dict[str, Any]]]) -> dict[str, Any]:
    return spread([told["seconds"] for _, told in done]) | {
        "peak_memory_gb": max(one.peak_memory_gb for one, _ in done)
    }


_HOW = "JSON lines on disk through contract, copies and commit into Delta by day, batches of 256 MB"
ROWS = (
    Ingestion("ingest_beside_parse", f"{_HOW}, beside the floor: reading and checking alone.", peer="parse_alone"),
    Ingestion(
        "ingest_beside_deltalake",
        f"{_HOW}, beside DuckDB's JSON reader and a plain append to Delta: no contract, no dead letters, copies stay.",
        peer="deltalake_append",
    ),
    Ingestion(
        "ingest_beside_pandas",
        f"{_HOW}, beside `pandas.read_json` a file at a time and Parquet (written by DuckDB).",
        peer="pandas_parquet",
    ),
    Ingestion("ingest_at_5m", f"{_HOW}, copies looked for among 5 M stored events.", stored=5_000_000),
    Ingestion(
        "ingest_at_20m",
        f"{_HOW}, copies looked for among 20 M stored events; the goal is 500,000 events a second.",
        stored=20_000_000,
        target=Target(2, "seconds"),
    ),
    Ingestion("ingest_4m", f"{_HOW}: four times the input, for its memory.", events=4_000_000, rounds=2),
)
