"""A store's consumer killed with SIGKILL at any moment and run again: each event is added up once, to the bit."""

import os
import random
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from mlsd_lab.features import RedisStore, SqliteStore, Timeline
from mlsd_lab.features.feed import FEED
from mlsd_lab.features.stores.head import HEAD, Head
from mlsd_lab.features.stores.keyed_store import KeyedStore
from mlsd_lab.ingestion.stream.sqlite_stream import SqliteStream
from tests import needs
from tests.features.store_contract import asked, assert_as_computed_offline
from tests.features.stores.test_store_sink import lines
from tests.features.streams import VIDEOS, seeded_log
from tests.ingestion.killing import Job, Kill, Zygote, zygote

KILLS = int(os.environ.get("MLSD_LAB_STORE_KILLS", "15"))
CHAIN = 5
"""Moments of one store."""
BATCH = 15


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    with zygote(tmp_path_factory.mktemp("temporary")) as running:
        yield running


class Place:
    """Where stores lie, each under a name: files in a folder, or hashes of a server."""

    def __init__(self, place: str) -> None:
        self._place = place

    def job(self, name: str) -> Job:
        """What of a job says which store."""
        return {"store": self._place if "://" in self._place else f"{self._place}/{name}.db", "name": name}

    def opened(self, name: str) -> KeyedStore:
        """A handle on a store."""
        if "://" in self._place:
            return RedisStore(self._place, FEED, VIDEOS, name, patience=10)
        return SqliteStore(Path(self._place, f"{name}.db"), FEED, VIDEOS)

    def bytes_of(self, name: str) -> dict[bytes, bytes]:
        """Everything in a store, its head with the number of writes too."""
        with closing(self.opened(name)) as store:
            keys = store._keys_with(b"")
            return dict(zip(keys, map(bytes, filter(None, store._get(keys))), strict=True))


@pytest.fixture(params=["sqlite", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "sqlite":
        yield Place(str(tmp_path))
        return
    needs.redis()
    from tests.redis_server import binary, redis_server

    (tmp_path / "redis").mkdir()
    with redis_server(str(binary()), tmp_path / "redis") as server:
        yield Place(server.url)


def test_a_consumer_killed_at_any_moment_and_run_again_leaves_the_bits_of_an_undisturbed_one(
    processes: Zygote, place: Place, tmp_path: Path
) -> None:
    log, seeded = seeded_log(600), random.Random(0)
    timeline, later = Timeline(FEED, log), log.events["known_at"].iloc[-1] + timedelta(seconds=1)
    log.events.astype({"user_id": str, "video_id": str}).to_pickle(tmp_path / "events")
    VIDEOS.to_pickle(tmp_path / "videos")
    stream = SqliteStream(tmp_path / "stream.db")
    stream.append(lines(log))
    stream.close()
    job: Job = {"do": "absorb", "log": str(tmp_path), "stream": str(tmp_path / "stream.db"), "batch": BATCH}
    job = {**job, "lake": str(tmp_path / "none"), **place.job("undisturbed")}
    [end] = processes.done(job)
    expected, positions, hits = place.bytes_of("undisturbed"), set(), 0
    assert Head.of(expected[HEAD]).position == 600
    for name in map(str, count()):
        job = {**job, **place.job(name)}
        for _ in range(CHAIN):
            [killed] = processes.run(job, kill=Kill(seeded.uniform(0, end.seconds / 2)))
            assert killed.error is None, killed.said
            hits += killed.hit
            store = place.opened(name)
            positions.add(store.position)
            assert_as_computed_offline(timeline, asked(store, later, f"u{seeded.randint(0, 2)}"))
            store.close()
        processes.done(job)
        assert place.bytes_of(name) == expected
        if hits >= KILLS:
            break
    assert len(positions) > KILLS // 3
    assert {position % BATCH for position in positions} == {0}, positions
