"""The same three questions, asked of events in one place and in another."""

import json
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.event_lines import events as events_of
from benchmarks.process import MeasureError, finish
from benchmarks.row import Say, spread
from benchmarks.target import Target
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.upkeep import compact

_SCRIPT = Path(__file__).parents[1] / "query_side.py"
_OCCURRED = "CAST(occurred_at AS DATE)"


@dataclass(frozen=True)
class LakeQueries:
    """Compacted files of the lake, beside another form of the same events."""

    form: str
    events: int = 1_000_000
    appends: int = 600
    """So many batches make the small files."""
    target: Target | None = None

    @property
    def name(self) -> str:
        """Return the row's name."""
        return f"lake_queries_beside_{self.form}"

    @property
    def what(self) -> str:
        """Say what is measured."""
        forms = {"json": "JSON lines", "csv": "CSV", "small_files": "many small files of the same Delta table"}
        asked = "clicks by day, one user's history, the videos of one day; a process each, files in the system's cache"
        return f"Three queries ({asked}) on compacted Parquet by day, beside {forms[self.form]}."

    def measure(self, small: bool, say: Say) -> dict[str, Any]:
        """Ask both by turns; raise `MeasureError` where the answers differ."""
        count, appends = (20_000, 10) if small else (self.events, self.appends)
        with TemporaryDirectory() as folder:
            say("writing the events")
            sources, files = self._written(Path(folder), count, appends)
            told: dict[str, list[dict[str, Any]]] = {place: [] for place in sources}
            memory = dict.fromkeys(sources, 0.0)
            for number in range(1, 4):
                for place, source in sources.items():
                    done = finish([sys.executable, _SCRIPT, *source])
                    told[place].append(json.loads(done.said))
                    memory[place] = max(memory[place], done.peak_memory_gb)
                    say(f"{number} of 3, {place}: {min(told[place][-1]['seconds']):.3f} s")
        ours, theirs = told.values()
        if ours[0]["answers"] != theirs[0]["answers"]:
            raise MeasureError(f"{self.name}: the answers differ")
        mine, other = (spread([each for one in found for each in one["seconds"]]) for found in (ours, theirs))
        megabytes = (f"{found[0]['bytes'] / 1e6:,.1f} MB" for found in (ours, theirs))
        read = [f"{size} of {number:,} files" for size, number in zip(megabytes, files, strict=True)]
        return {
            "size": {"events": count},
            "ours": mine | {"peak_memory_gb": memory["compacted"]},
            "peer": {
                "name": self.form,
                "versions": {"duckdb": version("duckdb")},
                "seconds": other | {"peak_memory_gb": memory[self.form]},
            },
            "ratio": round(other["median"] / mine["median"], 3),
            "equal": f"the same answers; read {read[0]} against {read[1]}",
        }

    def _written(self, folder: Path, count: int, appends: int) -> tuple[dict[str, tuple[str, str]], list[int]]:
        """Write the events in both forms, and return how each is asked, and its number of files."""
        lake, connection = Lake(folder / "lake"), connect()
        part = count // appends if self.form == "small_files" else count // 2
        for begin in range(0, count, part):
            lake.table("events").append(connection, events_of(count, begin, min(begin + part, count)), {})
        scattered = lake.table("events").files
        compact(lake)
        joined = lake.table("events").files
        if self.form == "small_files":
            other, number = (f"read_parquet({scattered}, hive_partitioning = true)", "event_date"), len(scattered)
        else:
            path = folder / f"events.{self.form}"
            connection.execute(f"COPY ({events_of(count, 0, count)}) TO '{path}' (FORMAT {self.form})")
            other, number = (f"read_{self.form}('{path}')", _OCCURRED), 1
        ours = (f"read_parquet({joined}, hive_partitioning = true)", "event_date")
        return {"compacted": ours, self.form: other}, [len(joined), number]


ROWS = (LakeQueries("json"), LakeQueries("csv"), LakeQueries("small_files"))
