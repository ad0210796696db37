"""Ingestion in processes of their own, killed at a chosen moment or run side by side.

Run as a script it is a zygote: it has loaded all libraries, starts no thread, and forks a child for each job.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import deltalake  # noqa: F401  loaded before the fork
import duckdb  # noqa: F401
import numpy as np
import pandas as pd

from mlsd_lab.datasets import Log
from mlsd_lab.datasets.click_files import Defects, write_click_files
from mlsd_lab.errors import MlsdLabError
from mlsd_lab.features import RedisStore, SqliteStore, open_store
from mlsd_lab.features.feed import FEED
from mlsd_lab.features.stores.backfill import backfill
from mlsd_lab.features.stores.store_sink import StoreSink
from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.content import content_hash
from mlsd_lab.ingestion.contracts import EVENTS
from mlsd_lab.ingestion.erase import erase
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.lake import SHAPES, Lake
from mlsd_lab.ingestion.metadata_api import MetadataApi
from mlsd_lab.ingestion.parsing import connect, parse
from mlsd_lab.ingestion.profiles import Profiles
from mlsd_lab.ingestion.source import Source
from mlsd_lab.ingestion.stream.consume import consume
from mlsd_lab.ingestion.stream.correct import correct
from mlsd_lab.ingestion.stream.event_stream import EventStream
from mlsd_lab.ingestion.stream.lake_sink import LakeSink
from mlsd_lab.ingestion.stream.redis_stream import RedisStream
from mlsd_lab.ingestion.stream.sqlite_stream import SqliteStream
from mlsd_lab.ingestion.upkeep import compact
from mlsd_lab.ingestion.warehouse import Warehouse

NOW = datetime(2026, 2, 1, tzinfo=UTC)
DEADLINE = 60.0
"""Seconds after which a child hangs."""
Job = Mapping[str, Any]


@dataclass(frozen=True)
class Kill:
    """When: so many seconds after the start, or as soon as the lake has so many new data files."""

    seconds: float = 0.0
    files: int = 0


@dataclass(frozen=True)
class End:
    """How a child ended: it was killed, or told an error, or was done."""

    seconds: float
    hit: bool = False
    error: str | None = None
    said: str = ""
    ours: bool = True
    """Whether the error is one of this package's."""
    found: list[dict[str, int]] = field(default_factory=list)
    """The counts of each source."""


class Zygote:
    """The process that forks."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(self, *jobs: Job, kill: Kill | None = None) -> list[End]:
        """Let jobs begin at the same moment, each in its process, and wait for the end of all."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"jobs": jobs, "kill": vars(kill) if kill else None}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the zygote has died"
        return [End(**end) for end in json.loads(answer)]

    def done(self, *jobs: Job) -> list[End]:
        """Run jobs and see to it that each ended well."""
        ends = self.run(*jobs)
        assert not any(end.hit or end.error for end in ends), "\n".join(end.said for end in ends)
        return ends


@contextmanager
def zygote(folder: Path) -> Iterator[Zygote]:
    """Start a zygote whose children put temporary files in `folder`; whatever happens, all of them end with it."""
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "TMPDIR": str(folder), "OPENBLAS_NUM_THREADS": "1"}
    environment |= {"_RJEM_MALLOC_CONF": "background_thread:false", "PYTHONWARNINGS": "error"}
    process = subprocess.Popen(
        [sys.executable, __file__], env=os.environ | environment, text=True, start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with process:
        try:
            yield Zygote(process)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def click_folder(folder: Path, events: int, files: int = 6, seed: int = 0, defects: Defects | None = None) -> Path:
    """Write a click log of some days: with all defects unless told otherwise, and some copies that came earlier."""
    random = np.random.default_rng(seed)
    at = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.sort(random.integers(0, 2 * 86400, events)), "s")
    frame = {"user_id": "u", "video_id": "v", "occurred_at": at, "clicked": random.random(events) < 0.3}
    frame["user_id"] = [f"u{number}" for number in random.integers(0, 40, events)]
    frame["video_id"] = [f"v{number}" for number in random.integers(0, 60, events)]
    frame["event_id"] = [f"{seed}-{number}" for number in range(events)]
    whole = Defects(late=0.05, repeated=0.1, shuffled=50, broken=0.03, blank=0.02, gzipped=0.3, cut_short=1)
    write_click_files(Log.from_frames(pd.DataFrame(frame)), folder, defects or whole, files, seed)
    if defects is None:  # a merge takes them in, not an append
        plain = next(path for path in sorted(folder.iterdir()) if path.suffix == ".jsonl")
        good = [line for line in plain.read_bytes().splitlines() if _good(line)][:40]
        early = [{**json.loads(line), "known_at": "2025-12-31T12:00:00Z"} for line in good]
        early = [{**record, "occurred_at": "2025-12-31T12:00:00Z"} for record in early]
        (folder / "late.jsonl").write_text("".join(json.dumps(record) + "\n" for record in early), encoding="utf-8")
    return folder


def _good(line: bytes) -> bool:
    try:
        return bool(EVENTS.read(line))
    except MlsdLabError:
        return False


def content(root: Path) -> dict[str, Any]:
    """Return what a lake holds: hashes of its tables, hashes of its dead letters, positions and counts."""
    lake, connection = Lake(root), connect()
    held: dict[str, Any] = {}
    for name in SHAPES:
        if lake.has(name):
            table = lake.table(name)
            table.view(connection, "rows_held")
            key = ", ".join(table.shape.key)
            keys = connection.sql(f"SELECT {key}, count(*) FROM rows_held GROUP BY ALL ORDER BY ALL")
            assert len(keys) == table.rows, f"{name} holds a row twice"
            letters = name == "dead_letters"  # of which not all is equal: where a letter came from names the batch
            held[name] = keys.fetchall() if letters else (len(keys), content_hash(connection, table))
            held |= {f"{name}, {source}": state for source, state in table.states.items()}
    return held


def on_disk(root: Path) -> tuple[set[Path], set[Path]]:
    """Return the files that the newest versions of a lake's tables need, and all files but those of the Delta logs."""
    lake = Lake(root)
    needed = {Path(file) for name in SHAPES if lake.has(name) for file in lake.table(name).files}
    return needed, {path for path in root.rglob("*") if path.is_file() and "_delta_log" not in path.parts}


def _serve() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        kill = Kill(**order["kill"]) if order["kill"] else None
        sys.stdout.write(json.dumps([vars(end) for end in _side_by_side(order["jobs"], kill)]) + "\n")
        sys.stdout.flush()


def _side_by_side(jobs: list[Job], kill: Kill | None) -> list[End]:
    gate, opener = os.pipe()
    children = []
    for job in jobs:
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(opener)
            _child(job, gate, writer)
        os.close(writer)
        children.append((pid, reader))
    began = time.perf_counter()
    os.close(opener)
    if kill:
        _kill(children[0][0], children[0][1], Path(jobs[0]["lake"]), kill)
    ends = [_end(pid, reader, began) for pid, reader in children]
    os.close(gate)
    return ends


def _kill(pid: int, reader: int, lake: Path, kill: Kill) -> None:
    """Kill a child, unless it has ended: its end of the pipe closes with it."""
    before, until = _data_files(lake), time.perf_counter() + (DEADLINE if kill.files else kill.seconds)
    while not select.select([reader], [], [], 0.0002 if kill.files else max(0.0, until - time.perf_counter()))[0]:
        if time.perf_counter() >= until:
            os.kill(pid, signal.SIGKILL)
            return
        if kill.files and _data_files(lake) >= before + kill.files:
            os.kill(pid, signal.SIGKILL)  # not yet waited for, so the number is still its own
            return


def _data_files(lake: Path) -> int:
    return sum(file.endswith(".parquet") for _, _, files in os.walk(lake) for file in files)


def _end(pid: int, reader: int, began: float) -> End:
    report, until = b"", began + DEADLINE
    while select.select([reader], [], [], max(0.0, until - time.perf_counter()))[0]:
        if not (piece := os.read(reader, 65536)):
            break
        report += piece
    else:
        os.kill(pid, signal.SIGKILL)
        report = json.dumps({"error": "Hangs", "said": f"no end within {DEADLINE:.0f} s", "ours": False}).encode()
    os.close(reader)
    os.waitpid(pid, 0)
    return End(seconds=time.perf_counter() - began, **(json.loads(report) if report else {"hit": True}))


def _child(job: Job, gate: int, writer: int) -> NoReturn:
    os.read(gate, 1)  # ends when the gate opens
    try:
        report: dict[str, Any] = {"found": _work(job)}
    except MlsdLabError as error:
        report = {"error": type(error).__name__, "said": str(error)}
    except BaseException as error:
        report = {"error": type(error).__name__, "said": traceback.format_exc(), "ours": False}
    os.write(writer, json.dumps(report).encode())
    os._exit(0)


def _work(job: Job) -> list[dict[str, int]]:
    lake = Lake(job["lake"])
    if job["do"] == "compact":
        compact(lake, keep_hours=job["keep_hours"])
    elif job["do"] == "erase":
        erase(lake, job["user"], NOW)
    elif job["do"] == "naive":
        _naive(lake, job)
    elif job["do"] == "produce":
        _produce(job)
    elif job["do"] == "consume":
        stream = _stream(job)
        list(consume(stream, LakeSink(lake), lambda: NOW, timedelta(minutes=30), job["batch"]))
        if job.get("correct"):
            correct(lake)
        stream.close()
    elif job["do"] == "absorb":
        _absorb(job)
    elif job["do"] == "backfill":
        _backfill(lake, job)
    elif job["do"] == "create":
        for shape in SHAPES:
            lake.table(shape)
    else:
        if job.get("compact"):
            compact(lake, keep_hours=0)
        return [vars(intake.counts) for intake in ingest(lake, [_source(job)], NOW, bad_share=0.5)]
    return []


def _stream(job: Job) -> EventStream:
    place = job["stream"]
    return RedisStream(place) if place.startswith("redis://") else SqliteStream(Path(place))


def _produce(job: Job) -> None:
    """Append each line of a file, some at a time, and note after each receipt how many were acknowledged."""
    stream, lines = _stream(job), Path(job["from"]).read_bytes().splitlines()
    with Path(job["noted"]).open("wb", buffering=0) as noted:
        for at in range(0, len(lines), job["batch"]):
            stream.append(lines[at : at + job["batch"]])
            noted.write(b".")
    stream.close()


def _absorb(job: Job) -> None:
    """Let a feature store absorb what a stream holds; `log` is a folder with a log's events and videos."""
    events, videos = (pd.read_pickle(Path(job["log"], name)) for name in ("events", "videos"))  # noqa: S301  our own
    log = Log.from_frames(events, videos)
    stream, place = _stream(job), job["store"]
    on_redis = place.startswith("redis://")
    store = RedisStore(place, FEED, log.videos, job["name"]) if on_redis else SqliteStore(Path(place), FEED, log.videos)
    list(consume(stream, StoreSink(store, log), log.events["known_at"].max, timedelta(minutes=30), job["batch"]))
    store.close()
    stream.close()


def _backfill(lake: Lake, job: Job) -> None:
    """Fill a feature store from the lake; killed `before` or `after` its write number `die`, where that is given."""
    log = Warehouse(lake).outline()
    store = open_store(job["store"], FEED, log.videos)
    put, numbers = store._put, count(1)

    def dying(*given: Any) -> bool:
        dies = next(numbers) == job.get("die")
        written = put(*given) if not dies or job["when"] == "after" else False
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)
        return written

    store._put = dying  # type: ignore[assignment, method-assign]
    backfill(store, lake, log, rows=job["batch"])
    store.close()


def _source(job: Job) -> Source:
    if job["do"] == "clicks":
        return ClickLog(Path(job["from"]), batch_bytes=job["batch"])
    if job["do"] == "profiles":
        return Profiles(job["from"], job["table"], page=job["batch"])
    return MetadataApi(job["from"], page=job["batch"], deadline=DEADLINE, sleep=lambda _: None, seed=0)


def _naive(lake: Lake, job: Job) -> None:
    """Append each batch, and keep the position in a file: in two steps, and killed between them in batch `die`."""
    table, place = lake.table("events"), Path(job["place"])
    position = json.loads(place.read_text(encoding="utf-8")) if place.exists() else None
    connection = connect()
    for number, batch in enumerate(ClickLog(Path(job["from"]), batch_bytes=job["batch"]).since(position)):
        for step in job["steps"]:
            if step == "rows":
                parse(connection, batch.lines, EVENTS, batch.origin, NOW)
                table.append(connection, "SELECT * EXCLUDE (line) FROM parsed", {})
            else:
                place.write_text(json.dumps(batch.position), encoding="utf-8")
            if number == job.get("die") and step == job["steps"][0]:
                os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    _serve()
