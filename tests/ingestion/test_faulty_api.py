import socket
import threading
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from time import perf_counter
from typing import Any

import httpx
import pytest

from mlsd_lab.errors import ConfigError
from mlsd_lab.ingestion.faulty_api import CHANCES, Faults, FaultyApi


def videos(count: int) -> list[dict[str, Any]]:
    return [{"video_id": f"v{i:03}", "updated_at": f"2026-01-{1 + i // 10:02}T00:00:00Z"} for i in range(count)]


def chances(settings: dict[str, Any]) -> Faults:
    return Faults(**settings)


def get(api: FaultyApi, **asked: Any) -> httpx.Response:
    return httpx.get(api.url, params=asked, trust_env=False, timeout=10)


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def test_pages_follow_each_other_in_order_and_the_last_cursor_gives_what_is_new() -> None:
    with FaultyApi(list(reversed(videos(25))), page=10) as api:
        found, cursor, more = [], "", True
        while more:
            page = get(api, after=cursor, limit=50).json()
            found += page["items"]
            cursor, more = page["cursor"], page["more"]
        assert found == videos(25)
        assert get(api, after=cursor).json() == {"items": [], "cursor": cursor, "more": False}
        new = {"video_id": "v000", "updated_at": "2026-02-01T00:00:00Z"}
        api.videos = [*videos(25), new]
        assert get(api, after=cursor).json()["items"] == [new]
    assert api.served == {"ok": 5}


def test_what_is_no_question_of_the_protocol_is_refused() -> None:
    with FaultyApi(videos(1)) as api:
        assert httpx.get(api.url + "x", trust_env=False).status_code == 404
        assert {get(api, after=cursor).status_code for cursor in ("x", "NQ==", "bnVsbA==")} == {400}
        assert get(api, limit="many").status_code == 400


def test_equal_seeds_fail_alike() -> None:
    def statuses(seed: int) -> list[int]:
        with FaultyApi(videos(1), Faults(too_many=0.3, broken=0.3), seed) as api:
            return [get(api).status_code for _ in range(30)]

    assert statuses(1) == statuses(1)
    assert set(statuses(1)) == {200, 429, 500, 503}


@pytest.mark.parametrize("fault", CHANCES)
def test_each_fault_is_what_its_line_says(fault: str) -> None:
    with FaultyApi(videos(9), page=3) as api:
        first, second = get(api), get(api, after=get(api).json()["cursor"])
        get(api)  # so that the page served last is the first
        api.faults = chances({fault: 1.0, "slow_seconds": 0.02, "retry_after": 7})
        try:
            answer = get(api, after=first.json()["cursor"])
        except httpx.HTTPError as error:
            assert (fault, type(error)) == ("closed", httpx.RemoteProtocolError)
            return
        found = {
            "too_many": answer.status_code == 429 and answer.headers["Retry-After"] == "7",
            "broken": answer.status_code in (500, 503),
            "html": answer.status_code == 200 and answer.text.startswith("<!doctype html>"),
            "cut_json": second.text.startswith(answer.text) and answer.text != second.text,
            "cut_gzip": second.text.startswith(answer.text) and answer.text != second.text,
            "other_json": answer.text.startswith(("[]", '"ok"', '{"videos":')),
            "slow": answer.text == second.text,
            "repeated": answer.text == first.text,
        }
        assert found[fault]
    assert api.served == {"ok": 4, fault: 1}


def test_retry_after_may_be_a_date() -> None:
    with FaultyApi([], Faults(too_many=1.0, retry_after=90, as_date=True)) as api:
        headers = get(api).headers
    wait = parsedate_to_datetime(headers["Retry-After"]) - parsedate_to_datetime(headers["Date"])
    assert wait.total_seconds() == 90


def test_too_many_requests_a_second_are_told_to_wait() -> None:
    with FaultyApi([], Faults(per_second=0.25)) as api:
        api.clock = lambda: now
        now = 100.0
        answers = [get(api), get(api)]
        now = 104.0
        answers.append(get(api))
    assert [answer.status_code for answer in answers] == [200, 429, 200]
    assert answers[1].headers["Retry-After"] == "4"
    assert api.served == {"ok": 2, "limited": 1}


def test_down_closes_kept_connections_too_and_up_answers_again() -> None:
    with FaultyApi(videos(1)) as api, httpx.Client(trust_env=False) as client:
        assert client.get(api.url).status_code == 200
        api.down()
        for _ in range(2):
            with pytest.raises(httpx.RemoteProtocolError):
                client.get(api.url)
        api.up()
        assert client.get(api.url).status_code == 200
    assert api.served == {"ok": 2, "down": 2}


def test_it_stops_at_once_and_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    api = FaultyApi(videos(9), Faults(slow=1.0, slow_seconds=600.0))
    with api, socket.socket() as silent, socket.socket() as waiting:
        for connection in (silent, waiting):
            connection.connect(("127.0.0.1", httpx.URL(api.url).port or 0))
        waiting.sendall(b"GET /videos HTTP/1.1\r\n\r\n")
        assert waiting.recv(1) == b"H"
        start = perf_counter()
        api.__exit__()
        assert perf_counter() - start < 5
        api.__enter__()  # and may be started again
    assert capfd.readouterr() == ("", "")


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"sum of 1\.2"):
        Faults(broken=0.6, closed=0.6)
    with pytest.raises(ConfigError, match="chances of 0 to 1"):
        Faults(broken=-0.1)
