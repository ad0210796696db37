"""Ingestion as history, input or trouble grows: seconds beside parsing alone in the same run, and memory."""

import json
import os
import shutil
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

from benchmarks.event_lines import NOW, fill_lake, write_lines
from benchmarks.process import Finished, MeasureError, finish
from benchmarks.row import Say, spread
from benchmarks.target import Target
from benchmarks.world import simulated
from mlsd_lab.datasets.click_files import Defects, write_click_files
from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.contracts import EVENTS
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect, parse
from mlsd_lab.ingestion.through_lake import DEFECTS

_LATER = NOW + timedelta(days=2)  # a world's last events are known on 2 February


@dataclass(frozen=True)
class Case:
    """What is read, and into which lake."""

    events: int = 1_000_000
    stored: int = 0
    """So many events of 30 days the lake holds before; then 2 % of the lines repeat one of them."""
    copies_of_days: int = 30
    """Of so many last days these are: what is compared with its copy lies in so many partitions."""
    defects: Defects | None = None
    """The click files of a simulated world, with these; without, plain lines that are made faster."""

    batch_megabytes: int = 256

    def small(self) -> "Case":
        """Return a case of the same kind that takes a second."""
        return replace(self, events=self.events // 50, stored=self.stored // 400)

    def write(self, clicks: Path) -> dict[str, int]:
        """Write the lines; return what must become of them."""
        if self.defects is None:
            lines = write_lines(clicks, self.events, self.stored, self.copies_of_days)
            return {"kept": self.events, "duplicates": lines - self.events, "dead": 0}
        written = write_click_files(simulated(self.events), clicks, self.defects)
        return {"kept": written.events, "duplicates": written.repeated, "dead": written.broken}


@dataclass(frozen=True)
class IngestCases:
    """Ours and parsing alone by turns, case by case, each time in a process of its own; the last case is the row's."""

    name: str
    what: str
    cases: tuple[Case, ...]
    target: Target | None = None
    rounds: int = 3

    def measure(self, small: bool, say: Say) -> dict[str, Any]:
        """Measure each case; raise `MeasureError` where a line is lost or counted twice."""
        cases = [case.small() for case in self.cases] if small else self.cases
        parts: list[dict[str, Any]] = []
        for case in cases:
            with TemporaryDirectory() as folder:
                say(f"making {case.events:,} events and a history of {case.stored:,}")
                expected, done = self._run(case, Path(folder), 1 if small else self.rounds, say)
                size = sum(file.stat().st_size for file in Path(folder, "clicks").iterdir())
            ours, floor = (spread([told["seconds"] for _, told in found]) for found in done.values())
            work = {side: min(told["cpu_seconds"] for _, told in found) for side, found in done.items()}
            memory = {side: max(one.peak_memory_gb for one, _ in found) for side, found in done.items()}
            lines = sum(expected.values())
            first = parts[0]["seconds"] / parts[0]["lines"] if parts else ours["median"] / lines
            parts.append({
                "stored": case.stored, "copies_of_days": case.copies_of_days * bool(case.stored),
                "batch_megabytes": case.batch_megabytes,
                "lines": lines, **expected, "megabytes": round(size / 1e6),
                "seconds": ours["median"], "events_per_second": round(expected["kept"] / ours["median"]),
                "times_first_a_line": round(ours["median"] / lines / first, 3),
                "parse_alone_seconds": floor["median"],
                "times_parse_alone": round(ours["median"] / floor["median"], 3),
                "cpu_seconds": work["ours"], "parse_alone_cpu_seconds": work["parse_alone"],
                "peak_memory_gb": memory["ours"],
            })  # fmt: skip
        return {
            "size": {name: parts[-1][name] for name in ("lines", "stored")},
            "ours": ours | {"peak_memory_gb": memory["ours"]},
            "peer": {
                "name": "parse_alone",
                "versions": {"duckdb": version("duckdb")},
                "seconds": floor | {"peak_memory_gb": memory["parse_alone"]},
            },
            "ratio": round(floor["median"] / ours["median"], 3),
            "equal": f"every line kept, a copy or dead, as many as written; {parts[-1]['kept']:,} ids more, each once",
            "parts": parts,
        }

    def _run(
        self, case: Case, folder: Path, rounds: int, say: Say
    ) -> tuple[dict[str, int], dict[str, list[tuple[Finished, dict[str, Any]]]]]:
        """Return what became of the lines, and what each side's processes told."""
        clicks, history, lake = folder / "clicks", folder / "history", folder / "lake"
        expected = case.write(clicks)
        fill_lake(history, case.stored) if case.stored else history.mkdir()
        done: dict[str, list[tuple[Finished, dict[str, Any]]]] = {"ours": [], "parse_alone": []}
        for number in range(1, rounds + 1):
            for side, found in done.items():
                shutil.rmtree(lake, ignore_errors=True)
                shutil.copytree(history, lake, copy_function=os.link)  # data files are never written again
                one = finish([sys.executable, Path(__file__), side, clicks, lake, str(case.batch_megabytes)])
                found.append((one, json.loads(one.said)))
                say(f"{number} of {rounds}, {side}: {found[-1][1]['seconds']:.2f} s")
                self._check(case, side, expected, found[-1][1]["became"], lake)
        return expected, done

    def _check(self, case: Case, side: str, expected: dict[str, int], became: dict[str, int], lake: Path) -> None:
        """Raise `MeasureError` unless each line came to what it had to, and each id is stored once."""
        if side == "parse_alone":
            expected = {"kept": expected["kept"] + expected["duplicates"], "duplicates": 0, "dead": expected["dead"]}
        if became != expected:
            raise MeasureError(f"{self.name}, {side}: expected {expected}, found {became}")
        if side == "ours":
            connection, rows = connect(), case.stored + expected["kept"]
            Lake(lake).view(connection, "events", "events")
            found = connection.execute("SELECT count(*), count(DISTINCT event_id) FROM events").fetchall()[0]
            if found != (rows, rows):
                raise MeasureError(f"{self.name}: expected {rows:,} rows of as many ids, found {found}")


def ours(clicks: ClickLog, lake: Path) -> dict[str, int]:
    """Ingest, and return what became of the lines."""
    [intake] = ingest(Lake(lake), [clicks], _LATER)
    counts = intake.counts
    return {"kept": counts.kept, "duplicates": counts.duplicates, "dead": counts.dead}


def parse_alone(clicks: ClickLog, _lake: Path) -> dict[str, int]:
    """Read the lines and hold them against the contract, batch by batch, and no more."""
    connection, kept, dead = connect(), 0, 0
    for batch in clicks.since(None):
        dead += len(batch.dead) + len(parse(connection, batch.lines, EVENTS, batch.origin, _LATER))
        kept += connection.execute("SELECT count(*) FROM parsed").fetchall()[0][0]
    return {"kept": kept, "duplicates": 0, "dead": dead}


_FLOOR = "beside reading and checking the same lines alone"
ROWS = (
    IngestCases(
        "ingest_history",
        "1 M new events as JSON lines, and 2 % copies of stored ones (of 30 days, or of the last), into a lake of 0, 5 "
        f"and 20 M, {_FLOOR}; the goal is 500,000 new events a second at 20 M.",
        (
            Case(),
            Case(stored=20_000_000),
            Case(stored=5_000_000, copies_of_days=1),
            Case(stored=20_000_000, copies_of_days=1),
        ),
        target=Target(2, "seconds"),
        rounds=2,
    ),
    IngestCases(
        "ingest_input",
        f"1 and 4 M events into an empty lake in batches of 64 MB, {_FLOOR}: memory must not grow with the input.",
        tuple(Case(events, batch_megabytes=64) for events in (1_000_000, 4_000_000)),
        rounds=2,
    ),
    IngestCases(
        "ingest_defects",
        f"The click files of a simulated world into an empty lake, without defects, then with those of the main job "
        f"(late and repeated lines, shuffled, one in 1,000 broken, a quarter of the files packed), {_FLOOR}.",
        (Case(defects=Defects()), Case(defects=DEFECTS)),
        rounds=2,
    ),
)

if __name__ == "__main__":
    import deltalake  # noqa: F401  loading it is not timed
    import duckdb  # noqa: F401

    side = {"ours": ours, "parse_alone": parse_alone}[sys.argv[1]]
    clicks = ClickLog(Path(sys.argv[2]), batch_bytes=int(sys.argv[4]) * 2**20)
    began, worked = perf_counter(), process_time()
    became = side(clicks, Path(sys.argv[3]))
    took = {"seconds": perf_counter() - began, "cpu_seconds": round(process_time() - worked, 3)}
    print(json.dumps(took | {"became": became}))
