import json
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Event as Signal
from threading import Semaphore, Timer
from time import perf_counter
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from mlsd_lab.errors import ConfigError, ConflictError, MissingExtraError, StorageError
from mlsd_lab.features import Catalogue, RedisStore, Snapshot, Timeline
from mlsd_lab.features.feed import FEED
from mlsd_lab.features.stores.head import HEAD
from tests import needs
from tests.features.store_contract import Opened, StoreContract, asked, assert_as_computed_offline, three_events
from tests.features.streams import VIDEOS

if TYPE_CHECKING:
    from tests.redis_server import RedisServer

LOG, EVENTS = three_events()
LATER = EVENTS["known_at"].iloc[-1] + pd.Timedelta("1h")
names = count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator["RedisServer"]:
    needs.redis()
    from tests.redis_server import binary, redis_server

    with redis_server(str(binary()), tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def anew(server: "RedisServer") -> Iterator[Callable[[], Opened]]:
    made: list[RedisStore] = []

    def new() -> Opened:
        name = f"features {next(names)}"

        def opened(catalogue: Catalogue) -> RedisStore:
            # patient: what the contract asks for is right answers, with many threads on few cores
            made.append(RedisStore(server.url, catalogue, VIDEOS, name, patience=10.0))
            return made[-1]

        return opened

    yield new
    for store in made:
        store.close()


class TestRedisStore(StoreContract):
    """A store on a real server is an online store."""


@pytest.fixture
def own(tmp_path: Path) -> Iterator["RedisServer"]:
    """A server that a test may harm."""
    needs.redis()
    from tests.redis_server import binary, redis_server

    with redis_server(str(binary()), tmp_path) as running:
        yield running


def test_a_server_that_hangs_gets_a_sentence_at_once_and_answers_again_when_it_goes_on(own: "RedisServer") -> None:
    store = RedisStore(own.url, FEED, VIDEOS)
    store.absorb(EVENTS, offset=0)
    own.pause(stopped=True)
    for _ in range(3):  # over the open connection, then over new ones
        began = perf_counter()
        with pytest.raises(StorageError, match=r"cannot use redis://.*: Timeout.*Serve without it, or try again"):
            asked(store, LATER, "u0")
        assert perf_counter() - began < 1.0  # no hang: a driver that tries again waits for seconds
    own.pause(stopped=False)
    rows = asked(store, LATER, "u0")
    assert_as_computed_offline(Timeline(FEED, LOG), rows)
    store.close()


@pytest.mark.parametrize("killed", [False, True])
def test_a_server_that_ends_while_many_read_gets_each_a_sentence_within_50_ms_and_right_answers_when_it_is_back(
    own: "RedisServer", killed: bool
) -> None:
    store = RedisStore(own.url, FEED, VIDEOS)
    store.absorb(EVENTS, offset=0)
    answered, told, back = Semaphore(0), Semaphore(0), Signal()
    answers: list[pd.DataFrame] = []
    refused: list[float] = []

    def read(number: int) -> None:
        asked(store, LATER, f"u{number}")
        answered.release()
        errors, again = 0, False
        while not again:  # until one answer was asked for after the server was back
            again, began = back.is_set(), perf_counter()
            try:
                answers.append(asked(store, LATER, f"u{number}"))
            except StorageError as error:
                assert "Serve without it, or try again" in str(error)
                refused.append(perf_counter() - began)
                again, errors = False, errors + 1
                if errors == 3:
                    told.release()

    with ThreadPoolExecutor(4) as threads:
        readers = [threads.submit(read, number) for number in range(4)]
        for _ in readers:
            assert answered.acquire(timeout=60)
        own.kill() if killed else own.pause(stopped=True)
        for _ in readers:
            assert told.acquire(timeout=60)
        own.start() if killed else own.pause(stopped=False)
        back.set()
        for reader in readers:
            reader.result(timeout=60)
    assert min(refused) < 0.05  # the others waited for a core, not for the server
    assert_as_computed_offline(Timeline(FEED, LOG), pd.concat(answers, ignore_index=True))
    store.close()


def test_a_snapshot_is_read_again_when_another_process_wrote_between_its_reads(
    own: "RedisServer", monkeypatch: pytest.MonkeyPatch
) -> None:
    store, writer = RedisStore(own.url, FEED, VIDEOS), RedisStore(own.url, FEED, VIDEOS)
    read, later = store._get_to_write, LATER + pd.Timedelta("9D")

    def read_and_let_the_other_write(keys: Sequence[bytes]) -> Sequence[bytes | None]:
        found = read(keys)
        if writer.position < 3:
            writer.absorb(EVENTS.iloc[: writer.position + 1], offset=0)
        return found

    monkeypatch.setattr(store, "_get_to_write", read_and_let_the_other_write)
    snapshot = Snapshot.of(store, [*(f"filler {at}" for at in range(4_000)), "v2"], later)
    assert snapshot.position == 3
    assert snapshot.lookup(["v2"]).to_frame()["video_impressions_all"].item() == 1
    for each in (store, writer):
        each.close()


def test_a_lookup_is_impatient_and_a_batch_is_not(own: "RedisServer") -> None:
    store = RedisStore(own.url, FEED, VIDEOS)
    own.pause(stopped=True)
    with pytest.raises(StorageError, match="Timeout"):
        asked(store, LATER, "u0")
    slow = Timer(0.3, own.pause, [False])
    slow.start()
    store.absorb(EVENTS, offset=0)
    slow.join()
    assert store.position == 3
    store.close()


def test_a_server_that_is_gone_gets_a_sentence_and_what_it_wrote_is_there_when_it_is_back(own: "RedisServer") -> None:
    store = RedisStore(own.url, FEED, VIDEOS)
    store.absorb(EVENTS.iloc[:2], offset=0, mark=2)
    own.kill()
    with pytest.raises(StorageError, match="cannot use redis://"):
        asked(store, LATER, "u0")
    with pytest.raises(StorageError, match="cannot use redis://"):
        store.absorb(EVENTS.iloc[2:], offset=2, mark=3)
    assert (store.position, store.mark) == (2, 2)
    own.start()
    store.absorb(EVENTS.iloc[2:], offset=2, mark=3)
    assert_as_computed_offline(Timeline(FEED, LOG), asked(store, LATER, "u0"))
    store.close()


def test_a_store_that_was_emptied_is_not_answered_from_and_not_written_on(own: "RedisServer") -> None:
    store = RedisStore(own.url, FEED, VIDEOS)
    store.absorb(EVENTS.iloc[:2], offset=0)
    with own.client() as client:
        client.flushall()
    with pytest.raises(StorageError, match="expected a head of JSON, found b'nothing'"):
        asked(store, LATER, "u0")
    with pytest.raises(StorageError, match="expected a head of JSON, found b'nothing'"):
        store.absorb(EVENTS.iloc[2:], offset=2)
    store.close()
    again = RedisStore(own.url, FEED, VIDEOS)
    assert again.position == 0
    again.close()


def test_a_server_set_back_to_an_older_copy_goes_on_from_there(own: "RedisServer") -> None:
    store = RedisStore(own.url, FEED, VIDEOS)
    store.absorb(EVENTS.iloc[:1], offset=0, mark=1)
    with own.client() as client:
        older: dict[bytes, bytes] = client.hgetall("mlsd_lab:{features}:rows")
        store.absorb(EVENTS.iloc[1:2], offset=1, mark=2)
        client.flushall()
        client.hset("mlsd_lab:{features}:rows", mapping=older)
    with pytest.raises(ConflictError, match="the store is now at position 1"):
        store.absorb(EVENTS.iloc[2:], offset=2, mark=3)
    store.absorb(EVENTS.iloc[1:], offset=1, mark=3)
    assert_as_computed_offline(Timeline(FEED, LOG), asked(store, LATER, "u0"))
    store.close()


def test_a_full_server_refuses_a_batch_whole_and_is_read_all_the_same(own: "RedisServer") -> None:
    store = RedisStore(own.url, FEED, VIDEOS)
    store.absorb(EVENTS.iloc[:2], offset=0)
    with own.client() as client:
        client.config_set("maxmemory", 1)
    before = asked(store, LATER, "u0")
    with pytest.raises(StorageError, match="maxmemory"):
        store.absorb(EVENTS.iloc[2:], offset=2)
    pd.testing.assert_frame_equal(asked(store, LATER, "u0"), before)
    store.close()


def test_a_store_of_the_layout_before_is_refused_and_left_alone(own: "RedisServer") -> None:
    RedisStore(own.url, FEED, VIDEOS).close()
    with own.client() as client:
        name = "mlsd_lab:{features}:rows"
        head = json.loads(client.hget(name, HEAD))
        del head["layout"]
        before = {HEAD: json.dumps(head).encode(), b"1|v0": bytes(1520)}
        client.hset(name, mapping=before)
        with pytest.raises(
            ConfigError, match=r"redis://.*: expected rows of layout 2, found layout 1; make a new store"
        ):
            RedisStore(own.url, FEED, VIDEOS)
        assert client.hgetall(name) == before


def test_signs_of_a_pattern_in_an_id_erase_nobody_else(own: "RedisServer") -> None:
    users = ["*", "?", "[ab]", "a", "\\", "ab"]
    events = pd.concat([EVENTS.iloc[:1].assign(user_id=user) for user in users])
    store = RedisStore(own.url, FEED, VIDEOS)
    store.absorb(events, offset=0)
    for number, user in enumerate(users):
        assert store.erase(user) == 2
        left = [store.lookup(one, ["v0"], LATER).to_frame()["user_impressions_7d"].item() for one in users]
        assert left == [0.0] * (number + 1) + [1.0] * (len(users) - number - 1)
    store.close()


def test_the_password_is_not_shown_and_a_url_that_is_none_is_refused() -> None:
    needs.redis()
    with pytest.raises(StorageError, match=r"^cannot use redis://127\.0\.0\.1:1/0, features 'features'") as told:
        RedisStore("redis://app:secret@127.0.0.1:1/0", FEED, VIDEOS)
    assert "secret" not in str(told.value)
    with pytest.raises(ConfigError, match="expected redis://HOST:PORT/NUMBER"):
        RedisStore("http://127.0.0.1", FEED, VIDEOS)


def test_a_machine_without_the_driver_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mlsd_lab\[redis\]'"):
        RedisStore("redis://127.0.0.1:1/0", FEED, VIDEOS)
