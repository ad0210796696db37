"""Videos from the metadata API, page by page over HTTP, however often it stumbles; `faulty_api` has the protocol."""

import json
import math
import random
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from threading import Timer
from typing import Any

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential

from mlsd_lab.errors import ConfigError, SourceError
from mlsd_lab.ingestion.breaker import Breaker, UnavailableError
from mlsd_lab.ingestion.contract import Contract
from mlsd_lab.ingestion.contracts import VIDEOS
from mlsd_lab.ingestion.source import Batch, Position

LARGEST = 16 * 2**20
"""Bytes of one page, unpacked."""
_PASSING = {408, 425, 429, *range(500, 600)}  # what may be gone at the next try
_HERE = {"localhost", "127.0.0.1", "::1"}  # no proxy of the environment leads there
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip"}
_BACK_OFF = wait_exponential(multiplier=0.5, max=8.0)
_MEND = {401: "Check its credentials", 403: "Check its credentials", 404: "Check its address"}


class MetadataApi:
    """A source of the pages at `url`; one batch a page, at most `page` records, its position the cursor after it.

    One try lasts at most `timeout` seconds, a page with all its tries at most `deadline` seconds. Tried again, after
    a random part of a doubling wait or what Retry-After says, are: no answer, 408, 425, 429, 5xx, a body that is no
    page, a page that was read before. Raises `UnavailableError` (a `SourceError`) when the page is not there by then,
    or would be asked for after it; `SourceError` at once for another status, or a body above `LARGEST`; `ConfigError`
    for a `url` that is not of http or https. A `breaker` counts a page with all its tries as one call.

    >>> from mlsd_lab.ingestion.faulty_api import FaultyApi, Faults
    >>> videos = [{"video_id": f"v{i}", "updated_at": "2026-01-31T00:00:00Z"} for i in range(3)]
    >>> with FaultyApi(videos, Faults(html=0.5)) as api:
    ...     batches = list(MetadataApi(api.url, page=2, sleep=lambda _: None).since(None))
    ...     nothing_new = list(MetadataApi(api.url).since(batches[-1].position))
    >>> [batch.lines.count(b"\\n") for batch in batches], nothing_new
    ([2, 1], [])
    """

    def __init__(
        self,
        url: str,
        contract: Contract = VIDEOS,
        page: int = 500,
        deadline: float = 30.0,
        timeout: float = 5.0,
        breaker: Breaker | None = None,
        seed: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        name: str = "metadata",
    ) -> None:
        if page < 1 or not 0 < timeout < math.inf or not 0 < deadline < math.inf:
            raise ConfigError(
                f"{name}: expected page, deadline and timeout above 0, found {page}, {deadline}, {timeout}"
            )
        self.name, self.contract, self.page, self.deadline, self.timeout = name, contract, page, deadline, timeout
        self._url, self._auth = _address(name, url)
        self.shown = str(self._url.copy_with(query=None, fragment=None))
        self._breaker, self._random, self._sleep, self._clock = breaker, random.Random(seed), sleep, clock

    def since(self, position: Position | None) -> Iterator[Batch]:
        """Yield a batch for each page after the position's cursor; a page without records yields none."""
        after, more = str((position or {}).get("cursor") or ""), True
        seen, watch = {after}, _Watch()
        with httpx.Client(auth=self._auth, headers=_HEADERS, trust_env=self._url.host not in _HERE) as client:
            while more:
                with self._breaker.call() if self._breaker else nullcontext():
                    page = self._read(client, watch, after, seen)
                origin, more = f"{self.shown} after {_start(after)}", page.more
                after = after if page.cursor in seen else page.cursor
                seen.add(after)
                if page.lines:
                    yield Batch(page.lines, {"cursor": after}, origin)

    def _read(self, client: httpx.Client, watch: "_Watch", after: str, seen: set[str]) -> "_Page":
        """Return the page after a cursor, with as many tries as the deadline leaves room for."""
        start = self._clock()
        until = start + self.deadline
        tries = Retrying(
            sleep=self._sleep,
            wait=self._wait,
            stop=lambda state: state.upcoming_sleep >= until - self._clock(),
            retry=retry_if_exception_type(UnavailableError),
            reraise=True,
        )
        try:
            return tries(self._try, client, watch, after, seen, until)
        except UnavailableError as error:
            count, wait = tries.statistics["attempt_number"], error.retry_after
            within = f"{count} {'try' if count == 1 else 'tries'} within {self._clock() - start:.1f} s"
            when = "later" if wait is None else f"in {wait:.0f} s, as it asks"
            mend = f"What was read before stays; run it again {when}"
            raise UnavailableError(f"{self._asked(after)}, last found {error} ({within}). {mend}", wait) from error

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, UnavailableError) else None
        return max(asked or 0.0, self._random.uniform(0, _BACK_OFF(state)))

    def _try(self, client: httpx.Client, watch: "_Watch", after: str, seen: set[str], until: float) -> "_Page":
        url = self._url.copy_merge_params({"limit": str(self.page), **({"after": after} if after else {})})
        seconds, body = max(0.001, min(self.timeout, until - self._clock())), bytearray()
        try:
            with watch.within(seconds), client.stream("GET", url, timeout=seconds, extensions=watch.traced) as answer:
                if not answer.is_success:
                    self._refuse(answer, after)
                if answer.headers.get("Content-Encoding", "identity") not in ("identity", "gzip"):
                    raise UnavailableError("a body packed otherwise than it was asked for")  # twice packed: of any size
                for piece in answer.iter_bytes():
                    body += piece
                    if len(body) > LARGEST:
                        raise SourceError(f"{self._asked(after)}, found more than {LARGEST} bytes. Lower page=")
        except (httpx.TransportError, httpx.DecodingError) as error:
            late = f"no whole answer in {seconds:.1f} s"
            raise UnavailableError(late if watch.late else f"{type(error).__name__}: {error}") from error
        page = _page(bytes(body), answer)
        if page.more and page.cursor in seen:
            raise UnavailableError("a page that leads back to where it was asked from")
        return page

    def _refuse(self, answer: httpx.Response, after: str) -> None:
        if answer.status_code in _PASSING:
            raise UnavailableError(f"status {answer.status_code}", _retry_after(answer.headers))
        mend = _MEND.get(answer.status_code, "Check its address, and whether it still knows that cursor")
        raise SourceError(
            f"{self._asked(after)}, found status {answer.status_code}. {mend}; what was read before stays"
        )

    def _asked(self, after: str) -> str:
        return f"{self.name}: asked {self.shown} for the page after {_start(after)}"


@dataclass(frozen=True)
class _Page:
    lines: bytes
    cursor: str
    more: bool


class _Watch:
    """Cuts a try off when its time is up: no timeout of httpx ends an answer that comes a byte at a time."""

    def __init__(self) -> None:
        self.late, self._stream = False, None
        self.traced = {"trace": self._trace}

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        self.late = False
        timer = Timer(seconds, self._cut)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Keep the connection that httpx opens; it lasts for many tries."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._stream = info["return_value"]
            if self.late:
                self._cut()

    def _cut(self) -> None:
        self.late = True
        if self._stream is not None:
            with suppress(OSError):  # it ended by itself
                socket.socket.shutdown(self._stream.get_extra_info("socket"), socket.SHUT_RDWR)


def _page(body: bytes, answer: httpx.Response) -> _Page:
    """Return a body as a page; its items become lines unseen, for the contract to judge."""

    def whole(digits: str) -> int | float:  # int() refuses thousands of digits, and with them all of the page
        return int(digits) if len(digits) < 400 else math.inf

    try:
        match json.loads(body, parse_int=whole):
            case {"items": list() as items, "cursor": str() as cursor, "more": bool() as more} if len(cursor) <= 2000:
                lines = [json.dumps(item, separators=(",", ":")).encode() + b"\n" for item in items]
                return _Page(b"".join(lines), cursor, more)
        found = "JSON that is no page"
    except (ValueError, RecursionError):
        found = "no JSON"
    kind = answer.headers.get("Content-Type", "of no type")[:40]
    raise UnavailableError(f"status {answer.status_code} with a body of {len(body)} bytes, {kind}, that is {found}")


def _retry_after(headers: httpx.Headers) -> float | None:
    """Return the seconds that a server asks to wait; a date counts from its own clock."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    with suppress(ValueError, TypeError, OverflowError):
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("Date", ""))
        return max(0.0, wait.total_seconds())
    return None


def _address(name: str, url: str) -> tuple[httpx.URL, tuple[str, str] | None]:
    """Return a URL without its credentials, and these."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:  # its words may hold a password
        raise ConfigError(
            f"{name}: expected a URL such as https://host/videos, found one that cannot be read"
        ) from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ConfigError(f"{name}: expected a URL of http or https, such as https://host/videos, found another kind")
    auth = (parsed.username, parsed.password) if parsed.userinfo else None
    return parsed.copy_with(userinfo=b""), auth


def _start(after: str) -> str:
    return f"cursor {after[:60]}" if after else "the start"
