"""What does a governed lookup cost beside a bare one, and what a sync of the log each time? Measured in turns.

python benchmarks/access_cost.py --folder /a/real/disk
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd

from benchmarks.online_state import made_stream, made_videos
from mlsd_lab.clock import now
from mlsd_lab.features import Access, SqliteStore
from mlsd_lab.features.access.chained_log import UNSYNCED, ChainedLog
from mlsd_lab.features.feed import FEED
from mlsd_lab.machine import machine, versions

NEVER = 10**9


def main() -> None:
    """Print milliseconds of a lookup of 500 videos × 16 columns, bare and through readers that log in several ways."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", default=None, help="Where the files are: the disk whose syncs are measured.")
    parser.add_argument("--rounds", type=int, default=1_000)
    asked = parser.parse_args()
    size = argparse.Namespace(events=100_000, users=10_000, videos=20_000, topics=30, days=28, batch=50_000)
    print(f"{machine()} {versions()}")
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        videos = made_videos(size.videos, size.topics)
        store = SqliteStore(Path(folder, "features.db"), FEED, videos)
        for batch in made_stream(size, videos):
            store.absorb(batch, offset=store.position)
        report(reads(store, Path(folder)), store, videos, asked.rounds)
        log = ChainedLog(Path(folder, "a thousand", "reads.log"))
        began = perf_counter()
        entries = log.verify().entries
        print(f"a check of {entries:,} entries: {1e6 * (perf_counter() - began) / entries:.1f} µs an entry")
        store.close()


def reads(store: SqliteStore, folder: Path) -> dict[str, Callable[..., object]]:
    """Return ways to read the same columns, and one to read what is not personal."""
    columns, open_to_all = FEED.columns[:16], [column for column in FEED.columns if column not in FEED.personal]

    def bare(columns: Sequence[str]) -> Callable[..., object]:
        return lambda user, slate, as_of, surface: store.lookup(user, slate, as_of, surface, columns=columns)

    def governed(
        name: str, columns: Sequence[str], unsynced: int = UNSYNCED, boot: str | None = None
    ) -> Callable[..., object]:
        access = Access(folder / name, now)
        access._reads = ChainedLog(folder / name / "reads.log", unsynced, boot)  # as none but a measurement sets it
        access.grant("ranker", FEED, columns, "bench", personal=not FEED.personal.isdisjoint(columns))
        reader = access.reader("ranker", "bench", "a measurement")
        return lambda *about: reader.lookup(store, columns, *about)

    return {
        "bare": bare(columns),
        "bare, nothing personal": bare(open_to_all),
        "governed, nothing personal": governed("open", open_to_all),
        "logged, never synced": governed("never", columns, NEVER),
        "logged, a sync each 1,000": governed("a thousand", columns),
        "logged, a sync each 100": governed("a hundred", columns, 100),
        "logged, a sync each": governed("each", columns, boot=""),
    }


def report(ways: dict[str, Callable[..., object]], store: SqliteStore, videos: pd.DataFrame, rounds: int) -> None:
    """Read in turns, each round another slate and another person."""
    rng, later = np.random.default_rng(2), pd.Timestamp(store.newest, unit="us", tz="UTC") + pd.Timedelta("1s")
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        slate = videos["video_id"].to_numpy()[rng.choice(len(videos), 500, replace=False)].tolist()
        user = f"u{rng.integers(10_000):07d}"
        store.lookup(user, slate, later, "home")  # the rows of this slate are warm for all
        for at in rng.permutation(len(ways)):
            name, read = list(ways.items())[at]
            began = perf_counter()
            read(user, slate, later, "home")
            took[name].append(1000 * (perf_counter() - began))
    for name, each in took.items():
        p5, p50, p99 = np.percentile(each, [5, 50, 99])
        print(f"{name:<28} p5 {p5:6.3f} ms  p50 {p50:6.3f}  p99 {p99:6.3f}  mean {np.mean(each):6.3f}")


if __name__ == "__main__":
    main()
