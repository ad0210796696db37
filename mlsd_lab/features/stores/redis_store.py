"""The online store on a Redis server, which several machines share."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from itertools import chain
from typing import TYPE_CHECKING, Any

import pandas as pd

from mlsd_lab.errors import ConfigError, MissingExtraError
from mlsd_lab.features.catalogue import Catalogue
from mlsd_lab.features.stores.head import HEAD
from mlsd_lab.features.stores.keyed_store import KeyedStore
from mlsd_lab.ingestion.stream.redis_stream import RedisStream
from mlsd_lab.ingestion.stream.redis_told import redis_told

if TYPE_CHECKING:
    from redis import Redis

_SECONDS = 10.0  # without an answer to a write, after which a server counts as gone
_SCANNED_AT_ONCE = 10_000
_ADVICE = "Serve without it, or try again; if the server has lost the store, absorb the stream from its beginning"
_PUT = """
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
local gone = tonumber(ARGV[3])
for at = 4 + gone, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
for at = 4, 3 + gone do redis.call('HDEL', KEYS[1], ARGV[at]) end
return 1
"""


class RedisStore(KeyedStore):
    """An `OnlineStore` in one hash, `mlsd_lab:{NAME}:rows`: head and rows are there together, or evicted together.

    A server that does not sync each write may lose the newest batches in a crash, whole, with their marks: absorb
    again from the mark that is left. A lookup that has no answer for `patience` seconds raises `StorageError`; so that
    none waits for a batch, absorb few thousand events at once: the server writes a batch before it answers anybody.

    >>> from mlsd_lab.features.feed import FEED
    >>> RedisStore("redis://app:secret@127.0.0.1:1/0", FEED, pd.DataFrame({"video_id": ["v"]}))
    Traceback (most recent call last):
    mlsd_lab.errors...Error: ...redis://127.0.0.1:1/0, features 'features'...
    """

    at_once = 2_048  # whoever reads the stores beside waits for a batch

    def __init__(
        self, url: str, catalogue: Catalogue, videos: pd.DataFrame, name: str = "features", patience: float = 0.045
    ) -> None:
        super().__init__(catalogue, videos)
        self.name = f"{RedisStream.address(url)}, features {name!r}"
        self._hash = f"mlsd_lab:{{{name}}}:rows"
        self._reading, self._patient = self._client(url, patience), self._client(url, _SECONDS)
        self._script = self._patient.register_script(_PUT)
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connections."""
        self._reading.close()
        self._patient.close()

    def names(self) -> list[str]:
        """Return the names of all stores on the server."""
        with self._told():
            return sorted(key.decode()[10:-6] for key in self._patient.scan_iter("mlsd_lab:{*}:rows", _SCANNED_AT_ONCE))

    def _client(self, url: str, seconds: float) -> "Redis":
        try:
            import redis
        except ImportError:
            raise MissingExtraError(f"{self.name} needs redis: pip install 'mlsd_lab[redis]'") from None
        try:
            return redis.Redis.from_url(url, socket_timeout=seconds, socket_connect_timeout=seconds, retry=None)
        except (ValueError, TypeError) as error:
            raise ConfigError(f"{self.name}: expected redis://HOST:PORT/NUMBER, found: {error}") from None

    def _get(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return self._read(self._reading, keys)

    def _get_to_write(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return self._read(self._patient, keys)

    def _read(self, client: "Redis", keys: Sequence[bytes]) -> Sequence[bytes | None]:
        with self._told():
            found: Any = client.hmget(self._hash, list(keys))
        return list(found)

    def _put(self, rows: Iterable[tuple[bytes, bytes]], gone: Sequence[bytes], before: bytes) -> bool:
        with self._told():
            return bool(self._script([self._hash], [HEAD, before, len(gone), *gone, *chain.from_iterable(rows)]))

    def _keys_with(self, prefix: bytes) -> list[bytes]:
        escaped = b"".join(b"\\" + sign if sign in b"*?[]\\" else sign for sign in (bytes([one]) for one in prefix))
        with self._told():
            found = self._patient.hscan_iter(self._hash, escaped + b"*", _SCANNED_AT_ONCE)
            return list({key: None for key, _ in found})  # a scan may come by twice

    def _told(self) -> AbstractContextManager[None]:
        return redis_told(self.name, _ADVICE)
