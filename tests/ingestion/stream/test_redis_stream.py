import re
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mlsd_lab.errors import ConfigError, MissingExtraError, StorageError
from mlsd_lab.ingestion.stream import redis_stream
from mlsd_lab.ingestion.stream.consume import consume
from mlsd_lab.ingestion.stream.redis_stream import RedisStream
from tests import needs
from tests.ingestion.stream.stream_contract import Opened, StreamContract, record
from tests.ingestion.stream.test_consume import NOW, Listing, event

if TYPE_CHECKING:
    from tests.redis_server import RedisServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator["RedisServer"]:
    needs.redis()
    from tests.redis_server import binary, redis_server

    with redis_server(str(binary()), tmp_path_factory.mktemp("redis")) as running:
        yield running


names = count()


@pytest.fixture
def anew(server: "RedisServer") -> Callable[[], Opened]:
    def new() -> Opened:
        name = f"stream {next(names)}"
        return lambda: RedisStream(server.url, name)

    return new


@pytest.fixture
def opened(anew: Callable[[], Opened]) -> Opened:
    return anew()


class TestRedisStream(StreamContract):
    """A stream on a real server is an event stream."""


def test_what_was_acknowledged_is_there_after_a_crash(tmp_path: Path) -> None:
    needs.redis()
    from tests.redis_server import binary, redis_server

    with redis_server(str(binary()), tmp_path) as server:
        stream = RedisStream(server.url)
        before = stream.id
        for number in range(20):
            stream.append([record(f"e{number}"), record("e0")])
        server.kill()
        with pytest.raises(StorageError, match=r"cannot use redis://127\.0\.0\.1:\d+/0, stream 'events': .*not lost"):
            stream.append([record("late")])
        server.start()
        assert stream.append([record("e3"), record("late")]).copies == 1
        assert (stream.id, stream.end) == (before, 21)
        assert stream.read(0, 100).records == (*(record(f"e{number}") for number in range(20)), record("late"))
        stream.close()


def test_a_server_that_was_emptied_is_told_from_the_one_that_was_read(server: "RedisServer", opened: Opened) -> None:
    stream = opened()
    stream.append([record("a"), record("b")])
    before = stream.id
    with server.client() as client:
        client.flushall()
    with pytest.raises(ConfigError, match=r"at most 0, the stream's end, found 2: .*emptied"):
        stream.read(2, 10)
    assert stream.append([record("a")]).end == 1
    assert stream.id != before
    stream.close()


def test_a_server_that_was_emptied_and_filled_again_under_a_consumer_is_noticed(
    server: "RedisServer", opened: Opened
) -> None:
    stream, sink = opened(), Listing()
    stream.append([event("a", 0), event("b", 1)])

    def emptied() -> bool:
        with server.client() as client:
            client.flushall()
        stream.append([event(name, 0) for name in "cdef"])
        return True

    with pytest.raises(ConfigError, match="it was made anew or is another"):
        list(consume(stream, sink, lambda: NOW, wait=emptied))
    assert sink.on_time == ["a", "b"]
    stream.close()


def test_a_full_server_refuses_with_a_sentence_and_takes_nothing(server: "RedisServer", opened: Opened) -> None:
    stream = opened()
    stream.append([record("a")])
    with server.client() as client:
        try:
            client.config_set("maxmemory", 1)
            with pytest.raises(StorageError, match="command not allowed when used memory"):
                stream.append([record("b")])
            assert stream.read(0, 10).records == (record("a"),)
        finally:
            client.config_set("maxmemory", 0)
    assert stream.append([record("b")]).end == 2
    stream.close()


def test_a_full_server_is_read_and_trimmed_until_it_has_room(server: "RedisServer", opened: Opened) -> None:
    stream, sink = opened(), Listing()
    stream.append([event("a", 0), event("b", 0), event("b", 0, liked=True)])
    with server.client() as client:
        try:
            client.config_set("maxmemory", 1)
            list(consume(stream, sink, lambda: NOW))
            assert (sink.on_time, sink.late) == (["a", "b"], ["b"])
            assert (stream.trim(2), stream.begin) == (2, 2)
        finally:
            client.config_set("maxmemory", 0)
    assert stream.append([event("a", 0), event("b", 0)]).corrections == 1
    stream.close()


def test_a_server_that_hangs_is_given_up(
    server: "RedisServer", opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_stream, "_SECONDS", 0.2)
    stream = opened()
    try:
        server.pause(stopped=True)
        with pytest.raises(StorageError, match="Timeout"):
            stream.append([record("a")])
    finally:
        server.pause(stopped=False)
    assert stream.append([record("a")]).end == 1  # a copy, if the first one came through
    stream.close()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("appendonly", "no"),
        ("appendfsync", "everysec"),
        ("maxmemory-policy", "allkeys-lru"),
        ("maxmemory-policy", "allkeys-random"),
    ],
)
def test_a_server_that_acknowledges_what_it_may_lose_is_refused(
    server: "RedisServer", setting: str, value: str
) -> None:
    with server.client() as client:
        before = client.config_get(setting)[setting]
        try:
            client.config_set(setting, value)
            with pytest.raises(ConfigError, match=f"expected a server with {setting} .*, found {value}"):
                RedisStream(server.url)
        finally:
            client.config_set(setting, before)


def test_what_is_no_server_gets_a_sentence_without_the_password() -> None:
    needs.redis()
    for url, said in (
        ("redis://:secret@127.0.0.1:1/0", "cannot use redis://127.0.0.1:1/0"),
        ("http://:secret@127.0.0.1", "expected redis://HOST:PORT/NUMBER"),
        ("redis://:secret@127.0.0.1:many", "expected redis://HOST:PORT/NUMBER"),
        ("redis://:secret/2@127.0.0.1:1/0", "a URL that cannot be read so"),
        ("redis://:12/secret@127.0.0.1:1/0", "a URL that cannot be read so"),
        ("redis://app:12@3?secret@127.0.0.1:1/0", "a URL that cannot be read so"),
    ):
        with pytest.raises((StorageError, ConfigError), match=re.escape(said)) as told:
            RedisStream(url)
        error: BaseException | None = told.value
        while error is not None:  # a notebook shows the whole chain
            assert "secret" not in str(error)
            error = error.__context__


@pytest.mark.parametrize(
    ("url", "said"),
    [("redis://127.0.0.1:1/0?speed=high", "unexpected keyword argument 'speed'"), ("redis://a..b/0", "label empty")],
)
def test_what_the_driver_finds_wrong_with_a_url_is_one_sentence(url: str, said: str) -> None:
    needs.redis()
    with pytest.raises(ConfigError, match=f"expected redis://HOST:PORT/NUMBER, found: .*{said}"):
        RedisStream(url)


def test_a_socket_may_have_any_path() -> None:
    assert RedisStream.address("unix:///run/user@1/redis.sock") == "unix:///run/user@1/redis.sock"


def test_without_the_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mlsd_lab\[redis\]'"):
        RedisStream("redis://127.0.0.1")
