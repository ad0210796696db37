"""Which rows of a feature store are read most, and what a snapshot of videos takes off the reads of each store."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.process import MeasureError, finish
from benchmarks.redis_here import redis_here
from benchmarks.row import Say, spread
from benchmarks.target import Target
from benchmarks.world import simulated
from mlsd_lab.features import MemoryStore, RedisStore, Snapshot, SqliteStore, stream
from mlsd_lab.features.feed import FEED
from mlsd_lab.features.stores.asked import Questions
from mlsd_lab.features.stores.keyed_store import KeyedStore
from mlsd_lab.retrieval import ALS

CANDIDATES, BATCH = 500, 5_000
Request = tuple[str, list[str]]


@dataclass(frozen=True)
class HotKeys:
    """Requests of the people of a simulated world, each for what ALS retrieves for them."""

    name: str = "hot_keys"
    what: str = (
        f"Features of {CANDIDATES} candidates that ALS retrieves, on Redis: videos from a snapshot in this process and "
        "the others from the store, beside all of them from the store. Requests come from people as often as they are "
        "in the log. Below for each store: rows and milliseconds (median) a request, and the server's CPU."
    )
    events: int = 500_000
    requests: int = 1_000
    target: Target | None = None

    def measure(self, small: bool, say: Say) -> dict[str, Any]:
        """Measure in a process of its own; raise `MeasureError` where the two ways differ in any bit."""
        events, requests = (20_000, 30) if small else (self.events, self.requests)
        done = finish([sys.executable, Path(__file__), str(events), str(requests)])
        told = json.loads(done.said.splitlines()[-1])
        for part in told["parts"]:
            say(f"{part['store']}: {part['whole_ms']:.3g} ms, with the snapshot {part['with_snapshot_ms']:.3g} ms")
        ours, theirs = (spread(told["redis_seconds"][way]) for way in ("with_snapshot", "whole"))
        return {
            "size": {"videos": told["videos"], "requests": requests, "hot": told["hot"]},
            "ours": ours | {"peak_memory_gb": done.peak_memory_gb},
            "peer": {"name": "whole", "versions": {}, "seconds": theirs},
            "ratio": round(theirs["median"] / ours["median"], 3),
            "equal": f"{requests:,} slates on each store, to the bit, while nothing was absorbed after the snapshot",
            "parts": told["parts"],
        }


def hottest(reads: Counter[bytes], keys: int, share: float) -> float:
    """Return which part of the reads the most read share of so many keys takes."""
    most = reads.most_common(max(1, round(share * keys)))
    return sum(count for _, count in most) / reads.total()


def hot(requests: list[Request], videos: pd.DataFrame, now: pd.Timestamp) -> str:
    """Say in a sentence which rows are read most."""
    reads = {entity: Counter[bytes]() for entity in FEED.entities}
    for entity, keys in asked(requests, videos, now):
        reads[entity].update(keys)
    read, total = reads["video_id",], sum(each.total() for each in reads.values())
    shares = ", ".join(f"{share:.0%} take {hottest(read, len(videos), share):.0%}" for share in (0.01, 0.1))
    return f"of the videos {shares} of their reads, and all of them {read.total() / total:.0%} of all reads"


def asked(
    requests: list[Request], videos: pd.DataFrame, now: pd.Timestamp
) -> Iterator[tuple[tuple[str, ...], list[bytes]]]:
    """Yield, request by request and entity by entity, the keys that are read."""
    questions = Questions(FEED, videos)
    for user, slate in requests:
        yield from questions.ask(user, slate, now, "home").keys.items()


def compared(name: str, store: KeyedStore, requests: list[Request], videos: pd.DataFrame, now: pd.Timestamp,
             busy: Callable[[], float]) -> tuple[dict[str, Any], dict[str, list[float]]]:  # fmt: skip
    """Answer each request both ways, by turns; return a line of the table and the seconds."""
    began = perf_counter()
    snapshot = Snapshot.of(store, videos["video_id"].tolist(), now)
    columns = snapshot.catalogue.columns + snapshot.others
    order = [columns.index(column) for column in FEED.columns]
    line: dict[str, Any] = {"store": name, "snapshot_s": round(perf_counter() - began, 3)}

    def with_snapshot(user: str, slate: list[str]) -> NDArray[np.float64]:
        others = store.lookup(user, slate, now, "home", columns=snapshot.others)
        return np.hstack([snapshot.lookup(slate).values, others.values])[:, order]

    def whole(user: str, slate: list[str]) -> NDArray[np.float64]:
        return store.lookup(user, slate, now, "home").values

    ways = {"whole": whole, "with_snapshot": with_snapshot}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    server = dict.fromkeys(ways, 0.0)
    for at in range(0, len(requests), 50):  # by turns, in pieces that the server's clock can tell apart
        answers: dict[str, list[bytes]] = {way: [] for way in ways}
        for way, answer in ways.items():
            before = busy()
            for user, slate in requests[at : at + 50]:
                began = perf_counter()
                values = answer(user, slate)
                seconds[way].append(perf_counter() - began)
                answers[way].append(values.tobytes())
            server[way] += busy() - before
        if answers["whole"] != answers["with_snapshot"]:
            raise MeasureError(f"{name}: the snapshot's values differ from the store's")
    for way, part in (("whole", FEED.columns), ("with_snapshot", snapshot.others)):
        read = FEED.entities_of(part)
        rows = sum(len(keys) for entity, keys in asked(requests, videos, now) if entity in read)
        line[f"{way}_rows"] = round(rows / len(requests))
        line[f"{way}_ms"] = round(1000 * float(np.median(seconds[way])), 3)
        line[f"{way}_server_ms"] = round(1000 * server[way] / len(requests), 3) if name == "redis" else ""
    return line, seconds


def main(events: int, count: int) -> None:
    """Print the parts, the seconds on Redis and which keys are hot, as a line of JSON."""
    log = simulated(events)
    rows, now = stream(log), log.events["known_at"].max() + pd.Timedelta("1s")
    als = ALS().fit(log)
    codes = log.events["user_id"].cat.codes.to_numpy()[np.random.default_rng(0).integers(0, len(log.events), count)]
    found = als.retrieve(codes, k=min(CANDIDATES, len(log.videos) // 2))
    names, ids = log.users["user_id"].astype(str).to_numpy(), log.videos["video_id"].astype(str).to_numpy()
    requests = [(names[code], ids[slate].tolist()) for code, slate in zip(codes, found.videos, strict=True)]
    parts, seconds = [], dict[str, list[float]]()
    with TemporaryDirectory() as folder, redis_here(Path(folder)) as url:
        stores = {
            "memory": MemoryStore(FEED, log.videos),
            "sqlite": SqliteStore(Path(folder, "features.db"), FEED, log.videos),
            "redis": RedisStore(url, FEED, log.videos, patience=5.0),
        }
        import redis

        client = redis.Redis.from_url(url)

        def busy() -> float:
            cpu: dict[str, float] = client.info("cpu")
            return cpu["used_cpu_user"] + cpu["used_cpu_sys"]

        for name, store in stores.items():
            for at in range(0, len(rows), BATCH):
                store.absorb(rows.iloc[at : at + BATCH], offset=at)
            line, seconds = compared(name, store, requests, log.videos, now, busy)
            parts.append(line)
            store.close()
    told = {"videos": len(log.videos), "parts": parts, "redis_seconds": seconds, "hot": hot(requests, log.videos, now)}
    print(json.dumps(told))


ROWS = (HotKeys(),)

if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
