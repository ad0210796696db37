"""How fast does an online store absorb and answer, and what does an entity's state take? A made stream of a feed.

python benchmarks/online_state.py --events 10000000
python benchmarks/online_state.py --events 300000 --batch 20000 --store redis://127.0.0.1:6379/0  (or a folder)
python benchmarks/online_state.py --events 300000 --batch 20000 --store FOLDER --features videos  (16 of one entity)
"""

import argparse
import resource
from collections.abc import Iterator
from time import perf_counter, process_time

import numpy as np
import pandas as pd

from mlsd_lab.features import Catalogue, Mean, Snapshot, last, open_store, windowed
from mlsd_lab.features.about import DAY
from mlsd_lab.features.feed import FEED, video_completion, video_impressions, video_relevant
from mlsd_lab.features.stores.keyed_store import KeyedStore
from mlsd_lab.machine import machine, versions

START = 1_767_225_600_000_000  # 2026-01-01, microseconds UTC


@windowed("video_id", over=("1d", "7d", "all"), aggregate=Mean)
def video_seconds(events: pd.DataFrame) -> pd.Series:
    """Seconds that people watched the video."""
    return events.watch_seconds


@windowed("video_id", over=("1d", "7d", "all"), aggregate=Mean)
def video_finished(events: pd.DataFrame) -> pd.Series:
    """Share of people who watched nine tenths of the video or more."""
    return (events.watch_seconds >= 0.9 * events.duration_seconds).astype(float)


@windowed("video_id", over=("7d", "all"), aggregate=Mean)
def video_skipped(events: pd.DataFrame) -> pd.Series:
    """Share of people who watched less than a tenth of the video."""
    return (events.watch_seconds < 0.1 * events.duration_seconds).astype(float)


@last("video_id")
def video_last_seconds(events: pd.DataFrame) -> pd.Series:
    """Seconds that the newest person watched the video."""
    return events.watch_seconds


_OF_FEED = [video_impressions, video_relevant, video_completion]
VIDEOS = Catalogue("videos", "1", [*_OF_FEED, video_seconds, video_finished, video_skipped, video_last_seconds])
"""16 columns of one kind of entity: what an online read is measured with beside peers."""


def main() -> None:
    """Absorb the stream in batches; print events a second, memory, milliseconds a lookup, and the bytes of a row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sizes = {"events": 10_000_000, "users": 100_000, "videos": 20_000, "topics": 30, "days": 28, "batch": 100_000}
    for name, default in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument(
        "--store", default="memory", help="memory, a folder, or redis://HOST:PORT/NUMBER: where no such store is yet"
    )
    parser.add_argument("--features", choices=["feed", "videos"], default="feed")
    size = parser.parse_args()
    print(f"{machine()} {versions()}")
    videos = made_videos(size.videos, size.topics)
    store = open_store(size.store, FEED if size.features == "feed" else VIDEOS, videos)
    before, wall, busy = peak_memory(), 0.0, 0.0
    for batch in made_stream(size, videos):
        began, worked = perf_counter(), process_time()
        store.absorb(batch, offset=store.position)
        wall, busy = wall + perf_counter() - began, busy + process_time() - worked
        if store.position == size.batch * 10:
            print(f"the first {store.position:,} events: {store.position / wall:,.0f} events/s")
    print(
        f"{store.position:,} events: {store.position / wall:,.0f} events/s, {store.position / busy:,.0f} a CPU second"
    )
    print(f"peak memory {peak_memory() / 1e9:.2f} GB, of which {before / 1e9:.2f} GB before the first event")
    report_lookups(store, videos, size.users)
    report_snapshot(store, videos)
    report_sizes(store)
    store.close()
    if size.store != "memory":
        began = perf_counter()
        open_store(size.store, FEED, videos, filled=True).close()
        print(f"opened again, what was checked included: {perf_counter() - began:.3f} s")


def report_lookups(store: KeyedStore, videos: pd.DataFrame, users: int) -> None:
    """Print how long a lookup takes, for slates of several lengths, each of other videos and another person."""
    rng, later = np.random.default_rng(2), pd.Timestamp(store.newest, unit="us", tz="UTC") + pd.Timedelta("1s")
    for length in (1, 100, 500):
        took = []
        for _ in range(500):
            slate = videos["video_id"].to_numpy()[rng.choice(len(videos), length, replace=False)].tolist()
            user = f"u{rng.integers(users):07d}"
            began = perf_counter()
            store.lookup(user, slate, later, "home")
            took.append(1000 * (perf_counter() - began))
        p50, p99 = np.percentile(took, [50, 99])
        print(
            f"a lookup of {length} videos × {len(store.catalogue.columns)} features: p50 {p50:.2f} ms, p99 {p99:.2f} ms"
        )


def report_sizes(store: KeyedStore) -> None:
    """Print the largest and the median row of each kind of entity, and of users with what is kept by user and topic."""
    sizes = {" × ".join(entity): pd.Series(store.row_sizes(entity)) for entity in store.catalogue.entities}
    if "user_id × topic" in sizes:
        of_users = [sizes[name].groupby(level=0).sum() for name in ("user_id", "user_id × topic")]
        sizes["user_id, its topics included"] = pd.concat(of_users).groupby(level=0).sum()
    for name, size in sizes.items():
        print(f"a row of {name}: {size.max():,.0f} bytes at most, median {size.median():,.0f}, of {len(size):,}")


def report_snapshot(store: KeyedStore, videos: pd.DataFrame) -> None:
    """Print how long a snapshot of all videos takes to make, what it adds to peak memory, and what a lookup takes."""
    rng, later = np.random.default_rng(3), pd.Timestamp(store.newest, unit="us", tz="UTC") + pd.Timedelta("1s")
    before, began = peak_memory(), perf_counter()
    snapshot = Snapshot.of(store, videos["video_id"], later)
    made, took = perf_counter() - began, []
    print(f"a snapshot of {len(videos):,} videos: {made:.2f} s, {(peak_memory() - before) / 1e6:.0f} MB of peak memory")
    for _ in range(500):
        slate = videos["video_id"].to_numpy()[rng.choice(len(videos), 500, replace=False)].tolist()
        began = perf_counter()
        snapshot.lookup(slate)
        took.append(1000 * (perf_counter() - began))
    p50, p99 = np.percentile(took, [50, 99])
    features = len(snapshot.catalogue.columns)
    print(f"a lookup of 500 videos × {features} features in it: p50 {p50:.3f} ms, p99 {p99:.3f} ms")


def made_videos(videos: int, topics: int) -> pd.DataFrame:
    """Return a table of videos: a creator for each ten, topics of unequal size."""
    rng = np.random.default_rng(1)
    topic = rng.choice(topics, videos, p=heavy_tail(topics))
    return pd.DataFrame(
        {
            "video_id": [f"v{at:06d}" for at in range(videos)],
            "creator_id": [f"c{at // 10:05d}" for at in range(videos)],
            "topic": [f"t{at:02d}" for at in topic],
            "duration_seconds": rng.lognormal(4.2, 1.1, videos),
        }
    )


def made_stream(size: argparse.Namespace, videos: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield batches as `features.stream` makes them: times in order, people and videos of heavy-tailed popularity."""
    rng = np.random.default_rng(0)
    columns = {name: videos[name].astype(object).to_numpy() for name in ("video_id", "creator_id", "topic")}
    users = np.array([f"u{at:07d}" for at in range(size.users)], dtype=object)
    surfaces = np.array(["home", "search", "profile", None], dtype=object)
    activity, popularity = (heavy_tail(count).cumsum() for count in (size.users, size.videos))
    for first in range(0, size.events, size.batch):
        rows = min(size.batch, size.events - first)
        user, video = (np.searchsorted(tail[:-1], rng.random(rows)) for tail in (activity, popularity))
        at = START + np.sort(first + rows * rng.random(rows)) / size.events * size.days * DAY
        known_at = pd.to_datetime(at.astype(np.int64), unit="us", utc=True)
        seconds = videos["duration_seconds"].to_numpy()[video]
        relevant = (rng.random(rows) < 0.3).astype(np.float64)
        batch = {name: values[video] for name, values in columns.items()} | {"user_id": users[user]}
        texts = pd.DataFrame(batch | {"surface": surfaces[rng.integers(0, 4, rows)]}, dtype=object)
        numbers = {"duration_seconds": seconds, "watch_seconds": seconds * rng.random(rows), "relevant": relevant}
        yield texts.assign(**numbers, known_at=known_at)


def heavy_tail(count: int) -> np.ndarray:
    """Return probabilities that fall with the power 0.7 of the rank."""
    weight = np.arange(1, count + 1) ** -0.7
    return weight / weight.sum()


def peak_memory() -> int:
    """Return the most memory this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
