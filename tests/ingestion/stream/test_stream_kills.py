"""Producer, consumer and Redis killed with SIGKILL at any moment: nothing acknowledged is lost, nothing comes twice."""

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.stream.event_stream import EventStream
from mlsd_lab.ingestion.stream.redis_stream import RedisStream
from mlsd_lab.ingestion.stream.sqlite_stream import SqliteStream
from tests import needs
from tests.ingestion.killing import Job, Kill, Zygote, content, zygote
from tests.ingestion.stream.test_consume import event
from tests.ingestion.test_kill import kill_often

if TYPE_CHECKING:
    from tests.redis_server import RedisServer

KILLS = int(os.environ.get("MLSD_LAB_STREAM_KILLS", "15"))
BATCH = 20


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    with zygote(tmp_path_factory.mktemp("temporary")) as running:
        yield running


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Events of three days: some late, some twice, some with two contents, some broken."""
    seeded, file = random.Random(0), tmp_path_factory.mktemp("lines") / "lines.jsonl"
    made = [
        (at, event(f"e{at}", at * 2 - seeded.choice([0, 0, 0, 5, 300]), seeded.choice([0, 1]))) for at in range(2_000)
    ]
    made += [(at, event(f"e{at}", at * 2, 400)) for at in range(0, 2_000, 50)]
    made += [(at, b"poison %d" % at) for at in range(0, 2_000, 100)]
    order = sorted(made, key=lambda one: one[0] + seeded.uniform(0, 12))
    sent = [one for _, one in order for _ in range(seeded.choice([1, 1, 1, 2]))]
    file.write_bytes(b"\n".join(sent) + b"\n")
    return file


def distinct(lines: Path) -> list[bytes]:
    return sorted(dict.fromkeys(lines.read_bytes().splitlines()))


def whole(stream: EventStream) -> list[bytes]:
    found = list(stream.read(0, 10_000).records)
    stream.close()
    return found


def produce_often(
    processes: Zygote, job: Job, lines: Path, opened: Callable[[], EventStream], after: Callable[[], None] | None = None
) -> None:
    """Kill the producer, or what `after` kills, at seeded moments; what was acknowledged must be there each time."""
    sent, noted, seeded = lines.read_bytes().splitlines(), Path(job["noted"]), random.Random(1)
    hits, seconds = 0, 0.3
    for _ in range(20 * KILLS):
        [end] = processes.run(job, kill=Kill(seeded.uniform(0, seconds)))
        assert end.error is None, end.said
        acknowledged = noted.stat().st_size * BATCH if noted.exists() else 0
        if after is not None:
            after()
        held = whole(opened())
        assert set(sent[:acknowledged]) <= set(held)
        assert len(set(held)) == len(held)
        hits += end.hit
        seconds = seconds if end.hit else max(end.seconds, 0.05)
        if hits == KILLS:
            break
    assert hits == KILLS
    processes.done(job)
    assert sorted(whole(opened())) == distinct(lines)


def producing(lines: Path, stream: str, folder: Path) -> Job:
    job: Job = {"do": "produce", "from": str(lines), "stream": stream, "noted": str(folder / "noted")}
    return {**job, "batch": BATCH, "lake": str(folder / "lake")}


def test_a_producer_killed_at_any_moment_loses_nothing_that_was_acknowledged(
    processes: Zygote, lines: Path, tmp_path: Path
) -> None:
    path = tmp_path / "stream.db"
    produce_often(processes, producing(lines, str(path), tmp_path), lines, lambda: SqliteStream(path))


def test_redis_killed_with_its_producer_loses_nothing_that_was_acknowledged(
    processes: Zygote, lines: Path, tmp_path: Path
) -> None:
    needs.redis()
    from tests.redis_server import binary, redis_server

    with redis_server(str(binary()), tmp_path) as server:

        def crash() -> None:
            server.kill()
            server.start()

        job = producing(lines, server.url, tmp_path)
        produce_often(processes, job, lines, lambda: RedisStream(server.url), crash)


@pytest.fixture
def redis_server_url(tmp_path: Path) -> Iterator["RedisServer"]:
    needs.redis()
    from tests.redis_server import binary, redis_server

    with redis_server(str(binary()), tmp_path) as server:
        yield server


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_a_consumer_killed_at_any_moment_brings_each_event_once(
    processes: Zygote, lines: Path, tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    place = str(tmp_path / "stream.db") if kind == "sqlite" else request.getfixturevalue("redis_server_url").url
    processes.done(producing(lines, place, tmp_path))
    job: dict[str, Any] = {"do": "consume", "stream": place, "batch": 300, "correct": True}
    lake = tmp_path / "undisturbed"
    [end] = processes.done({**job, "lake": str(lake), "correct": False})
    assert Lake(lake).table("events").rows > 1_500
    assert Lake(lake).table("late_events").rows > 350
    processes.done({**job, "lake": str(lake)})
    expected = content(lake)
    assert (expected["events"][0], Lake(lake).table("late_events").rows) == (2_000, 0)
    wanted = KILLS if kind == "sqlite" else KILLS // 3
    kill_often(processes, job, tmp_path, wanted, expected, end.seconds)
