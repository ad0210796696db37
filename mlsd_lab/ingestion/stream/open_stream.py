"""A stream by its address: a file, or a server."""

from pathlib import Path

from mlsd_lab.errors import ConfigError
from mlsd_lab.ingestion.stream.event_stream import EventStream
from mlsd_lab.ingestion.stream.redis_stream import RedisStream
from mlsd_lab.ingestion.stream.sqlite_stream import SqliteStream


def open_stream(address: str, name: str = "events") -> EventStream:
    """Return the stream in a file, made where there is none, or at `redis://HOST:PORT/NUMBER` under a name.

    >>> open_stream("kafka://broker")
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: --stream: expected a file or redis://HOST:PORT/NUMBER, found kafka://broker
    """
    if address.startswith(("redis://", "rediss://", "unix://")):
        return RedisStream(address, name)
    if "://" in address:
        raise ConfigError(
            f"--stream: expected a file or redis://HOST:PORT/NUMBER, found {RedisStream.address(address)}"
        )
    return SqliteStream(Path(address).expanduser())
