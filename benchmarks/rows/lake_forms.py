"""The same events in four forms, and what three questions cost in each: seconds and bytes."""

import json
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.environment import NotHereError
from benchmarks.event_lines import events as events_of
from benchmarks.process import MeasureError, finish
from benchmarks.row import Say, spread
from benchmarks.target import Target
from mlsd_lab.ingestion.contracts import EVENTS
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.shape import Shape
from mlsd_lab.ingestion.upkeep import compact

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

QUERIES = {
    "clicks_by_day": "SELECT CAST(event_date AS VARCHAR), count(*) FILTER (clicked) FROM events GROUP BY 1 ORDER BY 1",
    "one_user": "SELECT event_id, video_id, watch_seconds FROM events WHERE user_id = 'u' || (hash(0) % 200000)"
    " ORDER BY event_id",
    "one_day": "SELECT video_id, round(sum(watch_seconds), 3) FROM events WHERE event_date = DATE '2026-01-17'"
    " GROUP BY 1 ORDER BY 2 DESC, 1",
}
"""Clicks of each day, the history of one user, watch seconds of each video on one day."""
COMPACTED, SMALL = "compacted", "small_files"
FORMS = (COMPACTED, SMALL, "json", "csv")
_IO = Path("/proc/self/io")


@dataclass(frozen=True)
class LakeForms:
    """Each form asked in a process of its own, by turns; the answers must be equal over all."""

    name: str = "lake_forms"
    what: str = (
        "Clicks by day, one user's history and one day's watch seconds by video, of 1 M events over 30 days: a lake of "
        "100 appends that each reach over all days, compacted and as it was, JSON lines, CSV. A fresh DuckDB each "
        "time, opening the table included, files in the system's cache; bytes are what the process read (rchar)."
    )
    events: int = 1_000_000
    appends: int = 100
    """Each makes a small file a day."""
    rounds: int = 3
    target: Target | None = None

    def measure(self, small: bool, say: Say) -> dict[str, Any]:
        """Ask all forms; raise `MeasureError` where an answer differs, `NotHereError` where nobody counts bytes."""
        if not _IO.is_file():
            raise NotHereError(f"{_IO}, where Linux counts what a process reads, is not here")
        count, appends, rounds = (20_000, 4, 1) if small else (self.events, self.appends, self.rounds)
        told: dict[str, list[dict[str, Any]]] = {form: [] for form in FORMS}
        memory = dict.fromkeys(FORMS, 0.0)
        with TemporaryDirectory() as folder:
            say("writing the events")
            stored = write_forms(Path(folder), count, appends)
            for number in range(1, rounds + 1):
                for form, found in told.items():
                    done = finish([sys.executable, Path(__file__), form, folder])
                    found.append(json.loads(done.said))
                    memory[form] = max(memory[form], done.peak_memory_gb)
                    say(f"{number} of {rounds}, {form}: {sum(map(median, found[-1]['seconds'].values())):.3f} s")
        for form, found in told.items():
            if any(one["answers"] != told[COMPACTED][0]["answers"] for one in found):
                raise MeasureError(f"{self.name}: the answers of {form} differ from those of {COMPACTED}")
        ours, theirs = (_all_queries(told[form]) | {"peak_memory_gb": memory[form]} for form in (COMPACTED, SMALL))
        return {
            "size": {"events": count, "files": stored[SMALL]["files"]},
            "ours": ours,
            "peer": {"name": SMALL, "versions": {"duckdb": version("duckdb")}, "seconds": theirs},
            "ratio": round(theirs["median"] / ours["median"], 3),
            "equal": "the same answers to the three queries in all four forms",
            "parts": [{"form": form, **stored[form], **_each_query(told[form])} for form in FORMS],
        }


def _all_queries(told: list[dict[str, Any]]) -> dict[str, float | int]:
    """Sum up the seconds of the three queries together."""
    together = [sum(each) for one in told for each in zip(*one["seconds"].values(), strict=True)]
    return spread(together)


def _each_query(told: list[dict[str, Any]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for query in QUERIES:
        found[f"{query}_s"] = round(median(each for one in told for each in one["seconds"][query]), 5)
        found[f"{query}_MB"] = round(max(one["bytes"][query] for one in told) / 1e6, 3)
    return found


def write_forms(folder: Path, count: int, appends: int) -> dict[str, dict[str, int]]:
    """Write the events in every form; return the number and size of each one's files."""
    connection, table = connect(), Lake(folder / SMALL).table("events")
    for number in range(appends):
        table.append(connection, events_of(count, number, count, stride=appends), {})
    shutil.copytree(folder / SMALL, folder / COMPACTED)
    compact(Lake(folder / COMPACTED), keep_hours=0)
    for form in ("json", "csv"):
        connection.execute(f"COPY ({events_of(count, 0, count)}) TO '{folder}/events.{form}' (FORMAT {form})")
    files = {form: [*map(Path, Lake(folder / form).table("events").files)] for form in (COMPACTED, SMALL)}
    files |= {form: [folder / f"events.{form}"] for form in ("json", "csv")}
    return {
        form: {"files": len(paths), "stored_megabytes": round(sum(path.stat().st_size for path in paths) / 1e6)}
        for form, paths in files.items()
    }


def view(connection: "DuckDBPyConnection", form: str, folder: Path) -> None:
    """Make a form's events readable under the name `events`; JSON and CSV are told their types."""
    if form in (COMPACTED, SMALL):
        Lake(folder / form).view(connection, "events", "events")
    else:
        types = json.dumps(Shape.of(EVENTS).all_columns).replace('"', "'")
        how = "format = 'newline_delimited'" if form == "json" else "header = true, auto_detect = false"
        connection.execute(
            f"CREATE VIEW events AS FROM read_{form}('{folder}/events.{form}', {how}, columns = {types})"
        )


def bytes_read() -> int:
    """Return how many bytes this process has read so far."""
    return int(_IO.read_text(encoding="ascii").split()[1])


def main(form: str, folder: Path) -> None:
    """Ask the queries four times, the first for what is loaded on the way; print seconds, bytes and answers."""
    seconds: dict[str, list[float]] = {name: [] for name in QUERIES}
    read, answers = {}, {}
    for repetition in range(4):
        for name, query in QUERIES.items():
            before, began = bytes_read(), perf_counter()
            connection = connect()
            view(connection, form, folder)
            answers[name] = connection.execute(query).fetchall()
            took, read[name] = perf_counter() - began, bytes_read() - before
            if repetition:
                seconds[name].append(took)
    print(json.dumps({"seconds": seconds, "bytes": read, "answers": answers}))


ROWS = (LakeForms(),)

if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
