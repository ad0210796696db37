"""Ingestion end to end, beside what it could be compared with."""

import json
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.event_lines import write_lines
from benchmarks.process import Finished, MeasureError, finish
from benchmarks.row import Say, spread
from benchmarks.target import Target

_SCRIPT = Path(__file__).parents[1] / "ingest_side.py"
_PACKAGES = {"parse_alone": "duckdb", "deltalake_append": "deltalake", "pandas_parquet": "pandas"}


@dataclass(frozen=True)
class Ingestion:
    """JSON lines on disk into the lake, by turns with a peer each in a process of its own."""

    name: str
    what: str
    peer: str
    events: int = 1_000_000
    target: Target | None = None
    rounds: int = 3

    def measure(self, small: bool, say: Say) -> dict[str, Any]:
        """Ingest a few times; raise `MeasureError` where a row is lost or there twice."""
        events = 20_000 if small else self.events
        done: dict[str, list[tuple[Finished, dict[str, Any]]]] = {"ours": [], self.peer: []}
        with TemporaryDirectory() as folder:
            say("making the input")
            clicks = Path(folder, "clicks")
            lines = write_lines(clicks, events)
            size = sum(file.stat().st_size for file in clicks.iterdir())
            for number in range(1, self.rounds + 1):
                for side, found in done.items():
                    work = Path(folder, f"{side}-{number}")
                    work.mkdir()
                    found.append(_run(side, clicks, work))
                    shutil.rmtree(work)
                    say(f"{number} of {self.rounds}, {side}: {found[-1][1]['seconds']:.2f} s")
            for side, found in done.items():
                if wrong := [told for _, told in found if (told["rows"], told["ids"]) != (lines, lines)]:
                    raise MeasureError(f"{side}: expected {lines:,} rows of as many ids, found {wrong[0]}")
        ours, theirs, package = _summed(done["ours"]), _summed(done[self.peer]), _PACKAGES[self.peer]
        return {
            "size": {"lines": lines, "MB": round(size / 1e6)},
            "ours": ours | {"events_per_second": round(events / ours["median"])},
            "peer": {"name": self.peer, "versions": {package: version(package)}, "seconds": theirs},
            "equal": f"each row once on both sides; ours takes {events / ours['median']:,.0f} events a second",
            "ratio": round(theirs["median"] / ours["median"], 3),
        }


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
)
