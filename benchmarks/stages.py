"""A child process that measures each stage at one size: `python stages.py EVENTS STAGE…`, a JSON line a stage."""

import json
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from benchmarks.environment import NotHereError
from benchmarks.world import simulated
from mlsd_lab.datasets import Log
from mlsd_lab.evaluation import Candidates, TopK, by_day, coverage, exposure_gini, novelty
from mlsd_lab.features import MemoryStore, Timeline, stream, training_set
from mlsd_lab.features.about import DAY
from mlsd_lab.features.feed import FEED
from mlsd_lab.retrieval import ALS, AnnoyIndex, ExactIndex

START = 1_767_225_600_000_000  # 2026-01-01, microseconds UTC
FACTORS, QUERIES, K, BATCH = 32, 1_000, 100, 100_000
Work = Callable[[], Any]

STAGES = {
    "log": "make the log",
    "split": "split by day",
    "als": f"fit ALS, {FACTORS} factors, 2 iterations",
    "annoy_build": f"build the Annoy index, 10 trees, a video for 100 events × {FACTORS}",
    "annoy_search": f"search it for {QUERIES:,} people",
    "exact_search": f"search exactly for {QUERIES:,} people",
    "timeline": "build the Timeline of the feed's features",
    "training_set": "join a label for 10 events with it",
    "absorb": f"absorb the stream in batches of {BATCH:,}",
    "metrics": f"all metrics of {K} candidates for a user for 50 events",
}
"""The stages in words, in their order."""


def main() -> None:
    """Measure the stages asked for, each by the least of a few repetitions; the log is made first in any case."""
    events, wanted = int(sys.argv[1]), sys.argv[2:]
    warm_up(wanted)
    log: Log | None = None
    made_of, seconds = "", list[float]()
    while again(seconds):
        log = None  # two at once would take twice the memory
        began = perf_counter()
        log, made_of = the_log(events)
        seconds.append(perf_counter() - began)
    assert log is not None
    tell("log", len(log.events), seconds, made_of)
    for name in wanted:
        if name != "log":
            tell(name, len(log.events), measured(stage(name, log)), made_of)


def warm_up(wanted: list[str]) -> None:
    """Do all of it once on a small log: imports and what is made once belong to no stage."""
    small, _ = the_log(2_000)
    for name in wanted:
        if name != "log":
            stage(name, small)()


def tell(name: str, events: int, seconds: list[float], made_of: str) -> None:
    """Print a line of JSON."""
    facts = {"stage": name, "events": events, "seconds": min(seconds), "log": made_of}
    print(json.dumps(facts), flush=True)


def measured(work: Work) -> list[float]:
    """Return the seconds of each repetition."""
    seconds: list[float] = []
    while again(seconds):
        began = perf_counter()
        work()
        seconds.append(perf_counter() - began)
    return seconds


def again(seconds: list[float]) -> bool:
    """Twice, up to five times while it is quick, once when it takes more than ten seconds."""
    return sum(seconds) < 10 and (len(seconds) < 2 or (len(seconds) < 5 and sum(seconds) < 1))


def stage(name: str, log: Log) -> Work:
    """Prepare a stage, and return what is to be timed."""
    rng, videos = np.random.default_rng(0), len(log.events) // 100
    if name == "split":
        return lambda: by_day(log)
    if name == "als":
        return lambda: ALS(FACTORS, iterations=2).fit(log)
    if name in ("annoy_build", "annoy_search", "exact_search"):
        vectors, queries = rng.normal(size=(videos, FACTORS)), rng.normal(size=(QUERIES, FACTORS))
        if name == "annoy_build":
            return lambda: AnnoyIndex.build(vectors, "dot", trees=10)
        index = ExactIndex(vectors) if name == "exact_search" else AnnoyIndex.build(vectors, "dot", trees=10)
        return lambda: index.search(queries, K)
    if name == "timeline":
        return lambda: Timeline(FEED, log)
    if name == "training_set":
        timeline, labels = Timeline(FEED, log), some_labels(log, rng)
        return lambda: training_set(FEED, timeline, labels)
    if name == "absorb":
        table = stream(log)
        return lambda: absorb(log, table)
    return judging(len(log.events) // 50, max(2 * K, videos), rng)


def the_log(events: int) -> tuple[Log, str]:
    """Return a log of about so many events, and what made it: the simulated world, or numbers drawn at random here."""
    try:
        return simulated(events), "simulated world"
    except NotHereError:
        return drawn(events), "drawn at random"


def drawn(events: int) -> Log:
    """Draw a log of 28 days in which users and videos grow with the events."""
    rng, users, videos = np.random.default_rng(0), events // 50, events // 100
    at = START + np.sort(rng.integers(0, 28 * DAY, events))
    table = {
        "user_id": rng.integers(0, users, events),
        "video_id": rng.integers(0, videos, events),
        "occurred_at": pd.to_datetime(at, unit="us", utc=True),
        "surface": np.array(["home", "search"], dtype=object)[rng.integers(0, 2, events)],
        "long_view": rng.random(events) < 0.3,
        "watch_seconds": rng.random(events) * 60,
    }
    about = {
        "video_id": np.arange(videos),
        "creator_id": (np.arange(videos) // 10).astype(str),
        "topic": rng.integers(0, 30, videos).astype(str),
        "duration_seconds": rng.lognormal(4.2, 1.1, videos),
    }
    return Log.from_frames(pd.DataFrame(table), pd.DataFrame(about))


def some_labels(log: Log, rng: np.random.Generator) -> pd.DataFrame:
    """Take each tenth event or so as a label, at the time it became known."""
    chosen = log.events.iloc[rng.integers(0, len(log.events), len(log.events) // 10)]
    return chosen[["user_id", "video_id", "surface"]].assign(as_of=chosen["known_at"])


def absorb(log: Log, table: pd.DataFrame) -> None:
    """Let a new store take in the stream."""
    store = MemoryStore(FEED, log.videos)
    for first in range(0, len(table), BATCH):
        store.absorb(table.iloc[first : first + BATCH], offset=first)


def judging(users: int, videos: int, rng: np.random.Generator) -> Work:
    """Make lists and what was relevant; judge them by all metrics."""
    lists = (rng.integers(0, videos, users)[:, None] + np.arange(K) * (videos // K)) % videos
    found, popularity = Candidates(lists, np.zeros(lists.shape)), rng.poisson(50, videos)
    pairs = np.repeat(np.arange(users), 5), rng.integers(0, videos, 5 * users)
    relevant = csr_matrix((np.ones(5 * users), pairs), shape=(users, videos))

    def judge() -> None:
        judged = TopK.judge(found, relevant)
        judged.recall(), judged.precision(), judged.ndcg(), judged.average_precision(), novelty(found, popularity)
        coverage(found, videos), exposure_gini(found, videos)

    return judge


if __name__ == "__main__":
    main()
