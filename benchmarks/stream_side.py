"""What the processes of the stream's benchmarks do: `python stream_side.py WORK JSON` prints a line of JSON."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import deltalake  # noqa: F401  loading it is not timed
import duckdb  # noqa: F401
import numpy as np
import pandas as pd

from benchmarks.event_lines import NOW
from benchmarks.world import simulated
from mlsd_lab import clock
from mlsd_lab.features import MemoryStore
from mlsd_lab.features.feed import FEED
from mlsd_lab.features.stores.store_sink import StoreSink
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.stream.consume import consume
from mlsd_lab.ingestion.stream.lake_sink import LakeSink
from mlsd_lab.ingestion.stream.open_stream import open_stream
from mlsd_lab.ingestion.stream.stream_sink import Arrived


def batches(lines: str, size: int) -> Iterator[list[bytes]]:
    """Yield the lines of a folder's files, some at a time, in the order of their names."""
    for path in sorted(Path(lines).iterdir()):
        with path.open("rb") as file:
            while batch := [line.removesuffix(b"\n") for _, line in zip(range(size), file, strict=False)]:
                yield batch


def append(how: str, place: str, lines: str, batch: int) -> dict[str, Any]:
    """Append all lines, synced batch by batch, by ours or by the barest way there is: no copies found, no checks."""
    given = list(batches(lines, batch))
    add = {"ours": _ours, "file": _bare_file, "xadd": _bare_xadd}[how](place)
    began = time.perf_counter()
    for one in given:
        add(one)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "records": sum(map(len, given))}


def _ours(place: str) -> Callable[[list[bytes]], object]:
    return open_stream(place).append


def _bare_file(place: str) -> Callable[[list[bytes]], object]:
    file = Path(place).open("ab", buffering=0)  # noqa: SIM115 - it is open as long as the process

    def add(records: list[bytes]) -> None:
        file.write(b"\n".join(records) + b"\n")
        os.fsync(file.fileno())

    return add


def _bare_xadd(place: str) -> Callable[[list[bytes]], object]:
    import redis

    server = redis.Redis.from_url(place)

    def add(records: list[bytes]) -> None:
        with server.pipeline(transaction=True) as pipeline:
            for record in records:
                pipeline.xadd("bare", {"r": record})
            pipeline.execute()

    return add


def produce(place: str, lines: str, batch: int, keep: int = 0) -> dict[str, Any]:
    """Append all lines, a stream trimmed to its newest `keep` records from time to time."""
    stream, sent, trimmed = open_stream(place), 0, 0
    for one in batches(lines, batch):
        sent = stream.append(one).end
        if keep and sent - trimmed >= 2 * keep:
            trimmed = sent - keep
            stream.trim(trimmed)
    return {"sent": sent}


def to_lake(place: str, lake: str, lines: str, records: int, batch: int, every: float, keep: int = 0) -> dict[str, Any]:
    """Let one process append while this one consumes into a lake, until every record is there."""
    stream, sink = open_stream(place), LakeSink(Lake(lake))
    parts: list[dict[str, Any]] = []
    began = time.perf_counter()
    with _beside("produce", place=place, lines=lines, batch=batch, keep=keep) as (producer, wait):
        for one in consume(stream, sink, lambda: NOW, batch=500_000, wait=wait):
            seconds = time.perf_counter() - began
            if one.offset >= (len(parts) + 1) * records // 10:
                memory = {"memory_mb": _memory("self"), "producer_memory_mb": _memory(producer.pid)}
                rate = round(one.offset / seconds)
                parts.append({"read": one.offset, "seconds": round(seconds, 2), "events_per_second": rate, **memory})
            time.sleep(max(0.0, every - one.seconds))
    return {"seconds": seconds, "parts": parts}


@contextmanager
def _beside(name: str, **order: Any) -> Iterator[tuple["subprocess.Popen[bytes]", Callable[[], bool]]]:
    """Start a producer; yield it, and what a consumer calls at the stream's end: false once it has ended."""
    command = [sys.executable, __file__, name, json.dumps(order)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as producer:
        after_the_end = count()

        def wait() -> bool:
            time.sleep(0.002)
            return producer.poll() is None or next(after_the_end) == 0  # what it appended last may not be read yet

        yield producer, wait


def _memory(process: int | str) -> int:
    """Return the megabytes that a process has in memory now; 0 for one that has ended."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return round(int(status.split("VmRSS:")[1].split()[0]) / 1000) if "VmRSS:" in status else 0


class _Timed(StoreSink):
    """Notes after each piece how old its events were when their values could be read."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.ages: list[np.ndarray] = []

    def apply(self, arrived: Arrived) -> None:
        super().apply(arrived)
        now = time.time_ns() // 1000
        known = arrived.connection.execute("SELECT epoch_us(known_at) AS at FROM parsed").fetchnumpy()["at"]
        self.ages.append(now - known)


def tick(place: str, rate: int, seconds: float) -> dict[str, Any]:
    """Append events that happen now, a hundredth of a second's at a time, whether or not the last append was slow."""
    stream, each, late = open_stream(place), rate // 100, 0.0
    log = simulated(200_000).events[["user_id", "video_id", "clicked", "long_view", "watch_seconds"]].astype(object)
    rows = [{name: value for name, value in row.items() if not pd.isna(value)} for row in log.to_dict("records")]
    began = time.time()
    for number in range(int(100 * seconds)):
        late = max(late, time.time() - (began + number / 100))
        time.sleep(max(0.0, began + number / 100 - time.time()))
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        moment = {"occurred_at": now, "known_at": now}
        first = number * each
        events = ({**rows[at % len(rows)], "event_id": f"e{at}", **moment} for at in range(first, first + each))
        stream.append([json.dumps(event).encode() for event in events])
    return {"sent": stream.end, "late_ms": round(1000 * late)}


def freshness(place: str, rate: int, seconds: float) -> dict[str, Any]:
    """Let one process append at a rate while this one keeps a store of features; return how old what it read was."""
    log = simulated(200_000)
    store = MemoryStore(FEED, log.videos)
    stream, sink = open_stream(place), _Timed(store, log)
    with _beside("tick", place=place, rate=rate, seconds=seconds) as (producer, wait):
        for _ in consume(stream, sink, clock.now, timedelta(hours=1), wait=wait):
            pass
        told = json.loads(producer.communicate()[0])
    ages = np.concatenate(sink.ages) / 1e6
    quantiles = np.quantile(ages, [0.5, 0.95, 0.99, 1])
    named = dict(zip(("p50", "p95", "p99", "max"), quantiles.round(4).tolist(), strict=True))
    return {**named, "pieces": len(sink.ages), "absorbed": store.position, "missed": sink.missed, **told}


if __name__ == "__main__":
    work: dict[str, Callable[..., dict[str, Any]]] = {
        each.__name__: each for each in (append, produce, to_lake, tick, freshness)
    }
    print(json.dumps(work[sys.argv[1]](**json.loads(sys.argv[2]))))
