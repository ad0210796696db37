"""Eight threads of two processes read while a third writes: each answer is, to the bit, what training computes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Barrier

import pandas as pd
import pytest

from mlsd_lab.features import RedisStore, SqliteStore, Timeline, stream
from mlsd_lab.features.stores.keyed_store import KeyedStore
from tests import needs
from tests.features.store_contract import MANY_KEYS, asked, assert_as_computed_offline
from tests.features.streams import VIDEOS, seeded_log

ROOT = Path(__file__).resolve().parents[3]
EVENTS, THREADS = 240, 4
READER = """
import sys, types
sys.modules["tests"] = types.ModuleType("tests")  # ours, not one that is installed
sys.modules["tests"].__path__ = [sys.argv[1]]
from tests.features.stores.test_two_processes import read
read(*sys.argv[2:])
"""


def opened(place: str) -> KeyedStore:
    if "://" in place:
        return RedisStore(place, MANY_KEYS, VIDEOS, patience=10)
    return SqliteStore(Path(place), MANY_KEYS, VIDEOS)


def read(place: str, later: str, answers: str) -> None:
    """Read in threads until each has come past all events; say on the way when each has begun, and is half through."""
    store, moment = opened(place), pd.Timestamp(later)
    begun, half = (Barrier(THREADS, partial(print, said, flush=True)) for said in ("begun", "half"))

    def reading(number: int) -> pd.DataFrame:
        found: list[pd.DataFrame] = []
        for until, met in ((0, begun), (EVENTS // 2, half), (EVENTS, None)):
            while not found or found[-1]["position_absorbed"].iloc[0] < until:
                found.append(asked(store, moment, f"u{(number + len(found)) % 4}"))
            if met:
                met.wait(60)
        return pd.concat(found)

    with ThreadPoolExecutor(THREADS) as threads:
        pd.concat(threads.map(reading, range(THREADS)), ignore_index=True).to_pickle(answers)
    store.close()


@pytest.fixture(params=["sqlite", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield str(tmp_path / "features.db")
        return
    needs.redis()
    from tests.redis_server import binary, redis_server

    with redis_server(str(binary()), tmp_path) as server:
        yield server.url


def test_readers_in_two_processes_see_one_position_at_a_time(place: str, tmp_path: Path) -> None:
    log = seeded_log(EVENTS)
    events, later = stream(log), log.events["known_at"].iloc[-1] + timedelta(seconds=1)
    store, answers = opened(place), [tmp_path / "first", tmp_path / "second"]
    with ExitStack() as running:
        readers = [
            running.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", READER, ROOT / "tests", place, later.isoformat(), path],
                    env={**os.environ, "PYTHONPATH": str(ROOT)},
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for path in answers
        ]
        for reader in readers:
            running.callback(reader.kill)  # where one fails, the other would wait for ever
        for said, begin in (("begun", 0), ("half", EVENTS // 2)):
            assert [reader.stdout.readline() for reader in readers if reader.stdout] == [f"{said}\n"] * 2
            for at in range(begin, begin + EVENTS // 2, 4):
                store.absorb(events.iloc[at : at + 4], offset=at)
        assert [reader.wait(60) for reader in readers] == [0, 0]
    store.close()
    every = pd.concat([pd.read_pickle(path) for path in answers], ignore_index=True)  # noqa: S301  our own
    assert every["position_absorbed"].nunique() > 2
    assert_as_computed_offline(Timeline(MANY_KEYS, log), every)
