"""The event stream on a Redis server that syncs its append-only file before it answers."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlsplit

from mlsd_lab.errors import ConfigError, MissingExtraError
from mlsd_lab.ingestion.stream.event_stream import Entry, Receipt, Records
from mlsd_lab.ingestion.stream.record_key import record_keys
from mlsd_lab.ingestion.stream.redis_told import redis_told
from mlsd_lab.ingestion.stream.stream_errors import check_offset, check_records

_SECONDS = 10.0  # without an answer, after which a server counts as gone
_TRIMMED_AT_ONCE = 1_000
_READ_AT_ONCE = 1_000
_APPEND = """
local last = 0
if redis.call('EXISTS', KEYS[1]) == 1 then
  local about = redis.call('XINFO', 'STREAM', KEYS[1])
  for at = 1, #about, 2 do
    if about[at] == 'last-generated-id' then last = tonumber(string.match(about[at + 1], '%d+')) end
  end
end
redis.call('SET', KEYS[3], ARGV[1], 'NX')
local taken, corrections = 0, 0
for at = 2, #ARGV, 3 do
  local id, content = 'i' .. ARGV[at], 'c' .. ARGV[at] .. ARGV[at + 1]
  if redis.call('HSETNX', KEYS[2], content, '') == 1 then
    local correction = redis.call('HINCRBY', KEYS[2], id, 1) > 1 and '1' or '0'
    last, taken, corrections = last + 1, taken + 1, corrections + correction
    local number = string.format('%.0f-0', last)
    redis.call('XADD', KEYS[1], number, 'i', id, 'c', content, 'n', correction, 'r', ARGV[at + 2])
  end
end
return {string.format('%.0f', last), taken, corrections}
"""
_TRIM = """
local gone = redis.call('XRANGE', KEYS[1], '-', ARGV[1] .. '-0', 'COUNT', ARGV[2])
for _, entry in ipairs(gone) do
  redis.call('HDEL', KEYS[2], entry[2][4])
  if redis.call('HINCRBY', KEYS[2], entry[2][2], -1) == 0 then redis.call('HDEL', KEYS[2], entry[2][2]) end
  redis.call('XDEL', KEYS[1], entry[1])
end
return #gone
"""


class RedisStream:
    """An `EventStream` in the keys `mlsd_lab:{NAME}:…` of a server with `appendonly yes` and `appendfsync always`.

    Other settings acknowledge what a crash may lose, and are refused; so is one that evicts any key when memory is
    full. The password of the URL is never shown:

    >>> RedisStream.address("redis://app:secret@cache:6379/2")
    'redis://cache:6379/2'
    """

    def __init__(self, url: str, name: str = "events") -> None:
        self._shown = f"{self.address(url)}, stream {name!r}"
        try:
            import redis
        except ImportError:
            raise MissingExtraError(f"{self._shown} needs redis: pip install 'mlsd_lab[redis]'") from None
        self._keys = [f"mlsd_lab:{{{name}}}:{part}" for part in ("records", "keys", "id")]
        with self._told():
            try:
                self._server = redis.Redis.from_url(
                    url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS, retry=None
                )
                self._require_sync()
            except (ValueError, TypeError) as error:  # options of the URL, and its host, are looked at to connect
                raise ConfigError(f"{self._shown}: expected redis://HOST:PORT/NUMBER, found: {error}") from None
        self._append = self._server.register_script(_APPEND)
        self._trim = self._server.register_script(_TRIM)

    @staticmethod
    def address(url: str) -> str:
        """Return a URL as it may be shown, without user and password, or raise `ConfigError`."""
        try:
            parts = urlsplit(url)
            port = f":{parts.port}" if parts.port else ""
        except ValueError:  # its message may hold a piece of the password
            parts, port = urlsplit(""), ""
        # an @ further on: a / or ? or # of the password has cut it in two, and its pieces pass for host and number
        cut = bool(parts.netloc) and "@" in parts.path + parts.query + parts.fragment
        if cut or not parts.scheme:
            raise ConfigError(
                "expected redis://HOST:PORT/NUMBER with the signs / ? # @ % of a password written as"
                " %2F %3F %23 %40 %25, found a URL that cannot be read so"
            )
        return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"

    @property
    def id(self) -> str:
        """A name that no other stream has, also not one made anew after the server was emptied."""
        with self._told():
            name: Any = self._server.get(self._keys[2])
            if name is None:  # a full server refuses to set, and is read all the same
                self._server.set(self._keys[2], uuid.uuid4().hex, nx=True)
                name = self._server.get(self._keys[2])
        return str(name.decode())

    @property
    def begin(self) -> int:
        """The offset of the first record that was not trimmed."""
        return self._bounds()[0]

    @property
    def end(self) -> int:
        """The offset that the next record will have."""
        return self._bounds()[1]

    def append(self, records: Sequence[bytes]) -> Receipt:
        """Add those records that the stream does not hold, in one script; return when they are on the disk."""
        check_records(records)
        given: list[bytes | str] = [uuid.uuid4().hex]
        for (name, content), record in zip(record_keys(records).T, records, strict=True):
            given += name.tobytes(), content.tobytes(), record
        with self._told():
            end, taken, corrections = self._append(self._keys, given)
        return Receipt(int(end), taken, corrections, len(records) - taken)

    def read(self, offset: int, limit: int) -> Records:
        """Return up to `limit` records from `offset` on, none at the end."""
        found = Records.of(offset, self._entries(offset, limit))
        if offset < 0 or not found.records:
            check_offset(self._shown, offset, *self._bounds())
        return found

    def _entries(self, offset: int, limit: int) -> Iterator[Entry]:
        """Yield what lies at the offsets from `offset` on without a gap; a request is for some of them."""
        end = offset + limit
        while 0 <= offset < end:
            with self._told():
                found: Any = self._server.xrange(
                    self._keys[0], min=f"{offset + 1}-0", count=min(_READ_AT_ONCE, end - offset)
                )
            for number, entry in found:
                if _number(number) != offset + 1:
                    return
                yield entry[b"r"], entry[b"n"] == b"1"
                offset += 1
            if len(found) < _READ_AT_ONCE:
                return

    def trim(self, before: int) -> int:
        """Let records with an offset smaller than `before` go, and return how many there were."""
        trimmed, gone = 0, _TRIMMED_AT_ONCE
        with self._told():
            while gone == _TRIMMED_AT_ONCE:  # a script holds up everyone else
                gone = self._trim(self._keys[:2], [max(before, 0), _TRIMMED_AT_ONCE])
                trimmed += gone
        return trimmed

    def close(self) -> None:
        """Let go of the connections."""
        self._server.close()

    def _bounds(self) -> tuple[int, int]:
        with self._told():
            if not self._server.exists(self._keys[0]):
                return 0, 0
            about: Any = self._server.xinfo_stream(self._keys[0])
        end, first = _number(about["last-generated-id"]), about["first-entry"]
        return (_number(first[0]) - 1 if first else end), end

    def _require_sync(self) -> None:
        for name, wanted in (("appendonly", "yes"), ("appendfsync", "always")):
            answer: Any = self._server.config_get(name)
            if (found := answer.get(name)) != wanted:
                raise ConfigError(
                    f"{self._shown}: expected a server with {name} {wanted}, found {found}: it would acknowledge what"
                    f" a crash may lose. Set it (redis-cli CONFIG SET {name} {wanted})"
                )
        policy: Any = self._server.config_get("maxmemory-policy")
        if (found := policy["maxmemory-policy"]).startswith("allkeys"):
            raise ConfigError(
                f"{self._shown}: expected a server with maxmemory-policy noeviction, found {found}: when it is full it"
                " would drop the stream. Set it (redis-cli CONFIG SET maxmemory-policy noeviction)"
            )

    def _told(self) -> AbstractContextManager[None]:
        return redis_told(self._shown, "Mend it and run again: what was acknowledged is not lost")


def _number(name: bytes) -> int:
    return int(name.split(b"-")[0])
