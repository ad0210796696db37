"""A store's consumer killed with SIGKILL at any moment and run again: each event is added up once, to the bit."""

import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from mlsd_lab.features import SqliteStore, Timeline
from mlsd_lab.features.feed import FEED
from mlsd_lab.features.head import HEAD, Head
from mlsd_lab.ingestion.stream.sqlite_stream import SqliteStream
from tests.features.store_contract import asked, assert_as_computed_offline
from tests.features.streams import VIDEOS, seeded_log
from tests.features.test_store_sink import lines
from tests.ingestion.killing import Job, Kill, Zygote, zygote

KILLS = int(os.environ.get("MLSD_LAB_STORE_KILLS", "15"))
CHAIN = 5
"""Moments of one store."""
BATCH = 15


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    with zygote(tmp_path_factory.mktemp("temporary")) as running:
        yield running


def whole(store: Path) -> dict[bytes, bytes]:
    """Everything in a store's file, its head with the number of writes too."""
    with closing(sqlite3.connect(store)) as connection:
        return dict(connection.execute("SELECT key, state FROM rows").fetchall())


def test_a_consumer_killed_at_any_moment_and_run_again_leaves_the_bits_of_an_undisturbed_one(
    processes: Zygote, tmp_path: Path
) -> None:
    log, seeded = seeded_log(600), random.Random(0)
    timeline, later = Timeline(FEED, log), log.events["known_at"].iloc[-1] + timedelta(seconds=1)
    log.events.astype({"user_id": str, "video_id": str}).to_pickle(tmp_path / "events")
    VIDEOS.to_pickle(tmp_path / "videos")
    stream = SqliteStream(tmp_path / "stream.db")
    stream.append(lines(log))
    stream.close()
    job: Job = {"do": "absorb", "log": str(tmp_path), "stream": str(tmp_path / "stream.db"), "batch": BATCH}
    job = {**job, "lake": str(tmp_path / "none"), "store": str(tmp_path / "undisturbed.db")}
    [end] = processes.done(job)
    expected, positions, hits = whole(Path(job["store"])), set(), 0
    assert Head.of(expected[HEAD]).position == 600
    for file in (tmp_path / f"{number}.db" for number in count()):
        for _ in range(CHAIN):
            [killed] = processes.run({**job, "store": str(file)}, kill=Kill(seeded.uniform(0, end.seconds / 2)))
            assert killed.error is None, killed.said
            hits += killed.hit
            store = SqliteStore(file, FEED, VIDEOS)
            positions.add(store.position)
            assert_as_computed_offline(timeline, asked(store, later, f"u{seeded.randint(0, 2)}"))
            store.close()
        processes.done({**job, "store": str(file)})
        assert whole(file) == expected
        if hits >= KILLS:
            break
    assert len(positions) > KILLS // 3
    assert {position % BATCH for position in positions} == {0}, positions
