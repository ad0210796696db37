"""A small HTTP server of video metadata that fails in every way such servers do, by chance and by seed.

`GET /videos?after=<cursor>&limit=N` answers `{"items": [...], "cursor": "...", "more": true}`: the videos after the
cursor (without one: all) by (updated_at, video_id), the cursor after the last of them, and whether more follow. The
last page has a cursor too: asking after it later gives what was updated since. A cursor is text that only the server
reads. `updated_at` must be text of one format, so that its order is that of time, and must not be set back.
"""

import base64
import gzip
import json
import math
import random
import socket
import sys
import threading
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit
from weakref import WeakSet

from mlsd_lab.errors import ConfigError

CHANCES = ("too_many", "broken", "html", "cut_json", "other_json", "cut_gzip", "slow", "closed", "repeated")
"""The faults that are drawn, at most one an answer; `FaultyApi.served` also counts ok, limited and down."""


@dataclass(frozen=True)
class Faults:
    """The chance of each fault, 0 to 1, together at most 1; and how bad the faults are.

    >>> Faults(html=0.5, slow=0.6)
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: expected chances of 0 to 1 whose sum is at most 1, found a sum of 1.1
    """

    too_many: float = 0.0
    """Status 429 with Retry-After."""
    broken: float = 0.0
    """Status 500 or 503."""
    html: float = 0.0
    """A web page, with status 200."""
    cut_json: float = 0.0
    """Half of the JSON, as if it were all."""
    other_json: float = 0.0
    """JSON of another shape."""
    cut_gzip: float = 0.0
    """Half of a body in gzip."""
    slow: float = 0.0
    """The right answer, in twenty pieces over `slow_seconds`."""
    closed: float = 0.0
    """A connection closed in the middle of the body."""
    repeated: float = 0.0
    """The page before, once more, as from a stale cache."""
    slow_seconds: float = 1.0
    """How long a slow answer takes."""
    retry_after: int = 1
    """Seconds that a 429 asks for."""
    as_date: bool = False
    """Whether Retry-After is an HTTP date instead of seconds."""
    per_second: float = math.inf
    """Requests a second, one at a time; others get a 429 with the seconds to wait."""

    def __post_init__(self) -> None:
        chances = [getattr(self, name) for name in CHANCES]
        if not (all(chance >= 0 for chance in chances) and sum(chances) <= 1 + 1e-9):
            total = math.fsum(chances)
            raise ConfigError(f"expected chances of 0 to 1 whose sum is at most 1, found a sum of {total:g}")


NO_FAULTS = Faults()


class FaultyApi:
    """Serves `videos` at `url` on this machine while its `with` block lasts; equal seeds fail alike.

    `videos`, a list of objects as the contract VIDEOS has them, and `faults` may be replaced or added to meanwhile.
    `served` counts the answers by fault. A page holds at most `page` videos.

    >>> import httpx
    >>> with FaultyApi([{"video_id": "v1", "updated_at": "2026-01-31T00:00:00Z"}]) as api:
    ...     found = httpx.get(api.url, trust_env=False).json()
    >>> found["items"], found["more"], dict(api.served)
    ([{'video_id': 'v1', 'updated_at': '2026-01-31T00:00:00Z'}], False, {'ok': 1})
    """

    def __init__(
        self, videos: Sequence[Mapping[str, Any]], faults: Faults = NO_FAULTS, seed: int = 0, page: int = 100
    ) -> None:
        self.videos, self.faults, self.page, self.served = videos, faults, page, Counter[str]()
        self.random, self.stopping, self.clock = random.Random(seed), threading.Event(), time.monotonic
        self._lock, self._down, self._free, self._last = threading.Lock(), False, -math.inf, {"cursor": ""}

    def __enter__(self) -> Self:
        self.stopping.clear()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.api, self._server.connections = self, WeakSet()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/videos"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        for connection in list(self._server.connections):
            with suppress(OSError):  # it ended by itself
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()  # waits for the threads of all connections
        self._thread.join()

    def down(self) -> None:
        """Close every connection without an answer, until `up` is called."""
        self._down = True

    def up(self) -> None:
        """Answer again."""
        self._down = False

    def answer(self, asked: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
        """Count what becomes of a request, `ok` or a fault, and return it with the page that belongs to it."""
        with self._lock:
            fault, after = self._draw(), asked.get("after", "")
            page = self._page_after(after, int(asked.get("limit", self.page)))
            if fault == "repeated":
                fault, page = ("repeated", self._last) if after and after == self._last["cursor"] else ("ok", page)
            self._last = page
            self.served[fault] += 1
            return fault, page

    def retry_after(self, fault: str, sent: str) -> str:
        """Return what a 429 asks for: whole seconds, or a moment so long after `sent`."""
        seconds = self.faults.retry_after if fault == "too_many" else max(1, math.ceil(self._free - self.clock()))
        date = parsedate_to_datetime(sent) + timedelta(seconds=seconds)
        return format_datetime(date, usegmt=True) if self.faults.as_date else str(seconds)

    def _draw(self) -> str:
        if self._down or self.clock() < self._free:
            return "down" if self._down else "limited"
        self._free = self.clock() + 1 / self.faults.per_second
        chances = [getattr(self.faults, name) for name in CHANCES]
        return self.random.choices((*CHANCES, "ok"), (*chances, max(0.0, 1 - sum(chances))))[0]

    def _page_after(self, after: str, limit: int) -> dict[str, Any]:
        videos = sorted(self.videos, key=_key)
        start = bisect_right(videos, _read(after), key=_key) if after else 0
        items = videos[start : start + max(1, min(limit, self.page))]
        cursor = _cursor(items[-1]) if items else after
        return {"items": items, "cursor": cursor, "more": start + len(items) < len(videos)}


def _key(video: Mapping[str, Any]) -> tuple[str, str]:
    return str(video.get("updated_at", "")), str(video.get("video_id", ""))


def _cursor(video: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(_key(video)).encode()).decode()


def _read(cursor: str) -> tuple[str, str]:
    updated_at, video_id = json.loads(base64.urlsafe_b64decode(cursor))
    return str(updated_at), str(video_id)


class _Server(ThreadingTCPServer):  # HTTPServer would look its own name up in the DNS first
    daemon_threads = False  # so that server_close waits for them
    api: FaultyApi
    connections: WeakSet[Any]

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # a client that left early is no news
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes; the second must not wait for an answer
    server: _Server

    def do_GET(self) -> None:
        url, api = urlsplit(self.path), self.server.api
        if url.path != "/videos":
            return self._send(404, b"{}", {})
        try:
            fault, page = api.answer(dict(parse_qsl(url.query)))
        except (ValueError, TypeError):  # a limit or a cursor that is none
            return self._send(400, b"{}", {})
        whole, sent = json.dumps(page).encode(), self.date_time_string()
        half, packed = whole[: len(whole) // 2], gzip.compress(whole)
        answers: dict[str, tuple[int, bytes, dict[str, str]]] = {
            "limited": (429, b"{}", {"Date": sent, "Retry-After": api.retry_after(fault, sent)}),
            "broken": (api.random.choice((500, 503)), b"{}", {}),
            "html": (200, b"<!doctype html><title>Maintenance</title>", {"Content-Type": "text/html"}),
            "cut_json": (200, half, {}),
            "other_json": (200, api.random.choice((b"[]", b'{"videos": []}', b'"ok"')), {}),
            "cut_gzip": (200, packed[: len(packed) // 2], {"Content-Encoding": "gzip"}),
            "closed": (200, half, {"Content-Length": str(len(whole))}),
        }
        self.close_connection |= fault in ("down", "closed")
        if fault == "down":
            return None
        answer = answers.get("limited" if fault == "too_many" else fault, (200, whole, {}))
        return self._send(*answer, pieces=20 if fault == "slow" else 1)

    def _send(self, status: int, body: bytes, headers: dict[str, str], pieces: int = 1) -> None:
        self.send_response_only(status)
        usual = {"Date": self.date_time_string(), "Content-Type": "application/json", "Content-Length": str(len(body))}
        for name, value in (usual | headers).items():
            self.send_header(name, value)
        self.end_headers()
        step, api = math.ceil(len(body) / pieces), self.server.api
        for start in range(0, len(body), step):
            api.stopping.wait(api.faults.slow_seconds / pieces if pieces > 1 else 0)
            self.wfile.write(body[start : start + step])

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""
