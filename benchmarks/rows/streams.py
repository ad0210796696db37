"""The event stream: its appends, its way into the lake, and how fresh a feature value is."""

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.event_lines import write_lines
from benchmarks.process import Finished, MeasureError, finish
from benchmarks.redis_here import redis_here
from benchmarks.row import Say, spread
from benchmarks.target import Target
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect

SIDE = Path(__file__).parents[1] / "stream_side.py"


def work(name: str, **order: Any) -> tuple[Finished, dict[str, Any]]:
    """Do a work of `stream_side.py` in a process of its own."""
    done = finish([sys.executable, SIDE, name, json.dumps(order)])
    return done, json.loads(done.said.splitlines()[-1])


@contextmanager
def place_of(kind: str, folder: Path) -> Iterator[str]:
    """Yield where a stream may lie: a file in the folder, or a server that runs meanwhile."""
    folder.mkdir()
    if kind == "redis":
        with redis_here(folder) as url:
            yield url
    else:
        yield str(folder / "stream.db")


@dataclass(frozen=True)
class Appends:
    """Ours beside the barest synced append of the same bytes to the same kind of place, by turns."""

    kind: str
    peer: str
    records: int = 1_000_000
    batches: tuple[int, ...] = (100, 1_000, 10_000)
    rounds: int = 3
    target: Target | None = None

    @property
    def name(self) -> str:
        """Return the row's name."""
        return f"stream_append_{self.kind}"

    @property
    def what(self) -> str:
        """Say what is measured."""
        bare = {"file": "a write and an fsync a batch", "xadd": "a pipeline of XADD a batch, on the same server"}[
            self.peer
        ]
        return f"Records of 290 bytes into a stream ({self.kind}), synced batch by batch, copies found, beside {bare}."

    def measure(self, small: bool, say: Say) -> dict[str, Any]:
        """Append; the largest batch is the row's."""
        parts, memory = [], 0.0
        with TemporaryDirectory() as folder:
            lines = Path(folder, "lines")
            count = write_lines(lines, self.records // 100 if small else self.records)
            for batch in self.batches:
                seconds: dict[str, list[float]] = {"ours": [], self.peer: []}
                for number in range(1 if small else self.rounds):
                    for how, found in seconds.items():
                        with place_of(self.kind, Path(folder, f"{how}-{batch}-{number}")) as place:
                            done, told = work("append", how=how, place=place, lines=str(lines), batch=batch)
                        if told["records"] != count:
                            raise MeasureError(f"{self.name}: expected {count} records, found {told['records']}")
                        memory = max(memory, done.peak_memory_gb)
                        found.append(told["seconds"])
                        say(f"batches of {batch}, {how}: {count / told['seconds']:,.0f} a second")
                ours, theirs = (spread(each) for each in seconds.values())
                parts.append({
                    "batch": batch, "records": count, "records_per_second": round(count / ours["median"]),
                    f"{self.peer}_records_per_second": round(count / theirs["median"]),
                    "times_the_peer": round(ours["median"] / theirs["median"], 2),
                })  # fmt: skip
        return {
            "size": {"records": count, "batch": self.batches[-1]},
            "ours": ours | {"peak_memory_gb": memory},
            "peer": {"name": self.peer, "versions": {}, "seconds": theirs},
            "equal": f"{count:,} records acknowledged on both sides, in batches of {', '.join(map(str, self.batches))}",
            "ratio": round(theirs["median"] / ours["median"], 3),
            "parts": parts,
        }


@dataclass(frozen=True)
class ToLake:
    """From `append` through `consume` into the lake's table: one process appends while another consumes."""

    name: str
    what: str
    kind: str
    records: int
    target: Target | None = None
    keep: int = 0
    rounds: int = 3

    def measure(self, small: bool, say: Say) -> dict[str, Any]:
        """Do it some times; raise `MeasureError` unless each event is in the lake once."""
        records = self.records // 100 if small else self.records
        seconds, memory = [], 0.0
        with TemporaryDirectory() as folder:
            say(f"making {records:,} records")
            write_lines(Path(folder, "lines"), records, files=max(8, records // 250_000))
            for number in range(1 if small else self.rounds):
                done, told = self._once(Path(folder, "lines"), Path(folder, f"{number}"), records)
                seconds.append(told["seconds"])
                memory = max(memory, done.peak_memory_gb)
                say(f"{records / seconds[-1]:,.0f} a second")
        return {
            "size": {"records": records},
            "ours": spread(seconds) | {"peak_memory_gb": memory, "per_second": round(records / median(seconds))},
            "parts": told["parts"],
        }

    def _once(self, lines: Path, folder: Path, records: int) -> tuple[Finished, dict[str, Any]]:
        with place_of(self.kind, folder) as place:
            order = {"place": place, "lake": f"{folder}/lake", "lines": str(lines), "records": records}
            done, told = work("to_lake", **order, batch=10_000, every=1.0, keep=self.keep)
        connection, found = connect(), []
        for table in ("events", "late_events"):
            Lake(folder / "lake").view(connection, table, table)
            found += connection.execute(f"SELECT count(*), count(DISTINCT event_id) FROM {table}").fetchall()
        if [sum(counts) for counts in zip(*found, strict=True)] != [records, records]:
            raise MeasureError(f"{self.name}: expected {records:,} events once each, found {found}")
        shutil.rmtree(folder)
        return done, told


@dataclass(frozen=True)
class Freshness:
    """From an event to a feature value that can be read: seconds, while events come at a rate."""

    kind: str
    target: Target | None
    rate: int = 10_000
    seconds: float = 20
    rounds: int = 3

    @property
    def name(self) -> str:
        """Return the row's name."""
        return f"stream_freshness_{self.kind}"

    @property
    def what(self) -> str:
        """Say what is measured."""
        return (
            f"{self.rate:,} events a second through a stream ({self.kind}) into an online store of the feed's features;"
            " the row's seconds are the 99th percentile of how old an event is when its value can be read."
        )

    def measure(self, small: bool, say: Say) -> dict[str, Any]:
        """Do it some times; raise `MeasureError` where an event was not absorbed."""
        parts: list[dict[str, Any]] = []
        memory = 0.0
        for _ in range(1 if small else self.rounds):
            with TemporaryDirectory() as folder, place_of(self.kind, Path(folder, "place")) as place:
                done, told = work("freshness", place=place, rate=self.rate, seconds=3 if small else self.seconds)
            if told["absorbed"] != told["sent"] or told["missed"]:
                raise MeasureError(f"{self.name}: expected every event absorbed, found {told}")
            parts.append(told)
            memory = max(memory, done.peak_memory_gb)
            say(f"p50 {told['p50']:.3f} s, p99 {told['p99']:.3f} s, at worst {told['max']:.3f} s")
        return {
            "size": {"events": parts[0]["sent"]},
            "ours": spread([part["p99"] for part in parts]) | {"peak_memory_gb": memory},
            "parts": parts,
        }


_WAY = (
    "From append through consume into the lake, on two cores: one process appends batches of 10,000, another consumes"
)
_LONG = f"{_WAY}; the stream trimmed to 1 to 2 M records: memory must stay flat."
ROWS = (
    Appends("sqlite", "file"),
    Appends("redis", "xadd", records=200_000),
    ToLake("stream_to_lake_sqlite", f"{_WAY}; ≥ 50,000 events a second.", "sqlite", 3_000_000, Target(60, "seconds")),
    ToLake("stream_to_lake_redis", f"{_WAY}; with Redis between them.", "redis", 1_000_000, rounds=1),
    ToLake("stream_long", _LONG, "sqlite", 10_000_000, Target(200, "seconds"), keep=1_000_000, rounds=1),
    Freshness("sqlite", Target(1, "seconds")),
    Freshness("redis", Target(1, "seconds")),
)
