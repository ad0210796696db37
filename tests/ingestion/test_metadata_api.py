import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from time import monotonic
from typing import Any

import pytest

from mlsd_lab.errors import ConfigError, DataError, SourceError
from mlsd_lab.ingestion.breaker import Breaker, UnavailableError
from mlsd_lab.ingestion.contracts import VIDEOS
from mlsd_lab.ingestion.faulty_api import CHANCES, Faults, FaultyApi
from mlsd_lab.ingestion.metadata_api import LARGEST, MetadataApi
from mlsd_lab.ingestion.source import Batch

EACH: dict[str, Any] = dict.fromkeys(CHANCES, 0.08)
MIX = Faults(**EACH | {"slow_seconds": 0.01})


class Waits:
    """Time that passes as usual, and at once where somebody sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def clock(self) -> float:
        return monotonic() + sum(self.slept)


def videos(count: int) -> list[dict[str, Any]]:
    return [{"video_id": f"v{i:03}", "updated_at": f"2026-01-{1 + i // 10:02}T00:00:00Z"} for i in range(count)]


def reader(url: str, waits: Waits | None = None, **settings: Any) -> MetadataApi:
    waits = waits or Waits()
    usual: dict[str, Any] = {"page": 10, "seed": 0, "sleep": waits.sleep, "clock": waits.clock}
    return MetadataApi(url, **usual | settings)


def items(batches: list[Batch]) -> list[Any]:
    return [json.loads(line) for batch in batches for line in batch.lines.splitlines()]


@contextmanager
def server(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """Serve one answer a connection, written by hand."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Quiet(TCPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            pass

    with Quiet(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_address[1]}/videos"
        finally:
            running.shutdown()
            thread.join()


def reply(status: int, body: bytes = b"{}", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def page(*found: Any, cursor: str = "c", more: bool = False) -> bytes:
    return json.dumps({"items": found, "cursor": cursor, "more": more}).encode()


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.mark.parametrize("seed", range(6))
def test_all_videos_arrive_once_and_in_order_whatever_the_mix_of_faults(seed: int) -> None:
    with FaultyApi(videos(150), MIX, seed) as api:
        batches = list(reader(api.url, deadline=600.0, seed=seed).since(None))
    assert items(batches) == videos(150)
    assert len(batches) == 15
    assert sum(api.served.values()) > 20


def test_the_mix_of_the_test_above_has_every_fault() -> None:
    with FaultyApi(videos(150), MIX, seed=7) as api:
        for _ in range(6):
            list(reader(api.url, deadline=600.0).since(None))
    assert set(api.served) == {*CHANCES, "ok"}


def test_a_rerun_reads_what_is_new_or_updated_and_nothing_else() -> None:
    with FaultyApi(videos(25)) as api:
        source = reader(api.url)
        *_, last = source.since(None)
        position = json.loads(json.dumps(last.position))
        assert list(source.since(position)) == []
        updated = {"video_id": "v003", "updated_at": "2026-02-01T00:00:00Z", "title": "new"}
        api.videos = [video for video in videos(25) if video["video_id"] != "v003"] + [updated]
        (batch,) = source.since(position)
        assert items([batch]) == [updated]
        assert list(source.since(batch.position)) == []


def test_what_was_read_before_a_failure_stays_and_the_next_run_goes_on_there() -> None:
    with FaultyApi(videos(25)) as api:
        batches = reader(api.url).since(None)
        first = next(batches)
        api.down()
        with pytest.raises(
            SourceError, match=r"metadata: asked http://127.*/videos for the page after cursor \S+, last "
        ):
            next(batches)
        api.up()
        assert items([first, *reader(api.url).since(first.position)]) == videos(25)


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_waited_for_in_both_forms(as_date: bool) -> None:
    waits = Waits()
    with FaultyApi(videos(5), Faults(too_many=0.5, retry_after=40, as_date=as_date)) as api:
        assert items(list(reader(api.url, waits, deadline=1e6, page=1).since(None))) == videos(5)
        assert api.served["too_many"] > 0
        assert waits.slept == [40.0] * api.served["too_many"]


def test_a_rate_limit_is_kept_to() -> None:
    waits = Waits()
    with FaultyApi(videos(50), Faults(per_second=0.25)) as api:
        api.clock = waits.clock
        assert items(list(reader(api.url, waits).since(None))) == videos(50)
    assert api.served == {"ok": 5, "limited": 4}


def test_a_wait_longer_than_the_deadline_ends_at_once() -> None:
    waits = Waits()
    with FaultyApi([], Faults(too_many=1.0, retry_after=120)) as api:
        said = r"last found status 429 \(1 try within 0\.\d s\). What was read before stays; run it again in 120 s"
        with pytest.raises(UnavailableError, match=said) as failure:
            list(reader(api.url, waits).since(None))
    assert (failure.value.retry_after, waits.slept, api.served) == (120.0, [], {"too_many": 1})


@pytest.mark.parametrize("nonsense", ["soon", "-5", "1.5", "Wed, 99 Nov 2026 00:00:00 GMT"])
def test_a_retry_after_that_cannot_be_read_is_none(nonsense: str) -> None:
    with server(reply(503, Retry_After=nonsense)) as url, pytest.raises(UnavailableError) as failure:
        list(reader(url).since(None))
    assert failure.value.retry_after is None


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("broken", "status 50[03]"),
        ("html", r"status 200 with a body of \d+ bytes, text/html, that is no JSON"),
        ("cut_json", "that is no JSON"),
        ("other_json", "that is JSON that is no page"),
        ("cut_gzip", "that is no JSON"),
        ("closed", "RemoteProtocolError: peer closed connection"),
    ],
)
def test_each_fault_that_lasts_ends_in_a_sentence_within_the_deadline(fault: str, found: str) -> None:
    waits = Waits()
    always: dict[str, Any] = {fault: 1.0}
    with FaultyApi(videos(9), Faults(**always)) as api:
        with pytest.raises(UnavailableError, match=rf"{found}.* \(\d+ tries within .* run it again later"):
            list(reader(api.url, waits).since(None))
        assert 5 < api.served[fault] == len(waits.slept) + 1
    assert sum(waits.slept) < 30
    assert all(wait <= min(8.0, 0.5 * 2**i) for i, wait in enumerate(waits.slept))
    assert len(set(waits.slept)) == len(waits.slept)


def test_nothing_outlives_its_deadline_by_dripping() -> None:
    start = monotonic()
    with FaultyApi(videos(9), Faults(slow=1.0, slow_seconds=60.0)) as api:
        with pytest.raises(UnavailableError, match=r"no whole answer in 0\.\d s \(\d tries within"):
            list(MetadataApi(api.url, timeout=0.2, deadline=0.7).since(None))
        assert monotonic() - start < 3
    with FaultyApi(videos(9), Faults(slow=1.0, slow_seconds=2.0)) as api:  # each piece comes well within the timeout
        start = monotonic()
        with pytest.raises(UnavailableError, match="no whole answer"):
            list(MetadataApi(api.url, timeout=0.5, deadline=0.5).since(None))
        assert monotonic() - start < 1.5


def test_headers_that_drip_do_not_outlive_the_deadline_either() -> None:
    over = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not over.wait(0.05):
            handler.wfile.write(b"X-Drip: 1\r\n")

    with server(drip) as url:
        start = monotonic()
        with pytest.raises(UnavailableError, match=r"no whole answer in 0\.4 s"):
            list(MetadataApi(url, timeout=0.4, deadline=0.4).since(None))
        assert monotonic() - start < 2
        over.set()


def test_a_server_that_nobody_runs_ends_in_a_sentence() -> None:
    with FaultyApi([]) as api:
        pass
    with pytest.raises(UnavailableError, match=r"ConnectError: .* \(\d+ tries within"):
        list(reader(api.url).since(None))


def test_an_open_circuit_sends_no_request_and_closes_after_a_good_trial() -> None:
    waits = Waits()
    breaker = Breaker(2, rest=100.0, clock=waits.clock)
    with FaultyApi(videos(5)) as api:
        source = reader(api.url, waits, breaker=breaker)
        api.down()
        for _ in range(2):
            with pytest.raises(UnavailableError, match="last found"):
                list(source.since(None))
        asked = api.served.total()
        with pytest.raises(UnavailableError, match="the circuit is open after 2 failures in a row") as refusal:
            list(source.since(None))
        assert api.served.total() == asked
        assert 0 < (refusal.value.retry_after or 0) <= 100
        api.up()
        waits.sleep(100.0)
        assert items(list(source.since(None))) == videos(5)
        assert breaker.state == "closed"


@pytest.mark.parametrize(
    ("status", "mend"), [(401, "credentials"), (404, "address"), (400, "that cursor"), (302, "address")]
)
def test_a_status_that_no_second_try_changes_ends_at_once(status: int, mend: str) -> None:
    waits = Waits()
    with (
        server(reply(status, Location="http://elsewhere.example/videos")) as url,
        pytest.raises(SourceError, match=f"found status {status}. Check .*{mend}") as failure,
    ):
        list(reader(url, waits).since({"cursor": "x"}))
    assert not isinstance(failure.value, UnavailableError)
    assert waits.slept == []


@pytest.mark.parametrize("status", [408, 425, 429, 500, 599])
def test_a_status_that_passes_is_tried_again(status: int) -> None:
    answers = [reply(status), reply(200, page({"video_id": "a"}))]
    waits = Waits()
    with server(lambda handler: answers.pop(0)(handler)) as url:
        assert items(list(reader(url, waits).since(None))) == [{"video_id": "a"}]
    assert len(waits.slept) == 1


def test_a_server_that_leads_in_a_circle_is_noticed() -> None:
    cursors = iter("abab" * 100)
    with (
        server(lambda handler: reply(200, page({}, cursor=next(cursors), more=True))(handler)) as url,
        pytest.raises(SourceError, match="a page that leads back to where it was asked from"),
    ):
        list(reader(url).since(None))
    with (
        server(reply(200, page({}, cursor="x" * 3000, more=True))) as url,
        pytest.raises(SourceError, match="no page"),
    ):
        list(reader(url).since(None))


@pytest.mark.parametrize("packed", [False, True])
def test_a_body_above_the_largest_ends_at_once(packed: bool) -> None:
    body = b" " * (LARGEST + 1)
    headers = {"Content_Encoding": "gzip"} if packed else {}
    waits = Waits()
    with (
        server(reply(200, gzip.compress(body) if packed else body, **headers)) as url,
        pytest.raises(SourceError, match=f"more than {LARGEST} bytes. Lower page="),
    ):
        list(reader(url, waits).since(None))
    assert waits.slept == []


def test_a_body_packed_twice_is_not_unpacked() -> None:
    twice = gzip.compress(gzip.compress(page()))
    with server(reply(200, twice, Content_Encoding="gzip, gzip")) as url, pytest.raises(SourceError, match="packed"):
        list(reader(url).since(None))


def test_items_that_are_no_records_are_passed_on_for_the_contract_to_refuse() -> None:
    good = {"video_id": "a", "updated_at": "2026-01-31T00:00:00Z", "duration_seconds": 0.1, "title": "line\n\ud800"}
    digits = b'{"video_id": "b", "duration_seconds": ' + b"9" * 5000 + b"}"
    body = page(good, 5, None, [1], "text").replace(b'"text"', digits)
    with server(reply(200, body)) as url:
        (batch,) = reader(url).since(None)
    lines = batch.lines.splitlines(keepends=True)
    assert len(lines) == 5
    assert json.loads(lines[0]) == good
    assert all(line.endswith(b"\n") for line in lines)
    for line in lines:
        with pytest.raises(DataError):
            VIDEOS.read(line)


def test_credentials_are_sent_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    asked = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked.append((handler.headers["Authorization"], handler.path))
        reply(200, page({}) if len(asked) == 1 else b"")(handler)

    caplog.set_level("DEBUG")
    with server(answer) as url:
        source = reader(url.replace("//", "//ann:hush@") + "?key=secret")
        (batch,) = source.since(None)
        with pytest.raises(SourceError) as failure:
            list(source.since(None))
    assert asked[0] == ("Basic YW5uOmh1c2g=", "/videos?key=secret&limit=10")
    for text in (str(failure.value), batch.origin, repr(source), source.shown):
        assert not any(word in text for word in ("ann", "hush", "secret"))
    assert "hush" not in caplog.text


@pytest.mark.parametrize(
    "url", ["ftp://host/videos", "host/videos", "", "http://", "http://a:hush@b:c/", "file:///etc"]
)
def test_what_is_not_http_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="expected a URL") as refusal:
        MetadataApi(url)
    assert "hush" not in str(refusal.value)


@pytest.mark.parametrize("setting", [{"page": 0}, {"deadline": 0.0}, {"timeout": float("nan")}])
def test_settings_out_of_range_are_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="expected page, deadline and timeout above 0"):
        MetadataApi("http://localhost/videos", **setting)


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with FaultyApi(videos(1)) as api:
        assert items(list(reader(api.url).since(None))) == videos(1)


def test_a_reader_that_stops_early_leaves_nothing_open() -> None:
    with FaultyApi(videos(25)) as api:
        batches = reader(api.url).since(None)
        next(batches)
        del batches
