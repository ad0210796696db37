"""A Redis of a notebook's own, where the machine has one."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mlsd_lab.errors import StorageError

if TYPE_CHECKING:
    from redis import Redis

_SECONDS = 10.0


@contextmanager
def own_redis() -> Iterator[str | None]:
    """Yield the URL of a Redis that lives as long as the block, empty and in memory alone; None where there is none.

    It listens at a socket in a folder of its own, at no port. Raises `StorageError` where it does not start.

    >>> with own_redis() as url:
    ...     url is None or url.startswith("unix://")
    True
    """
    program = shutil.which("redis-server")
    if program is None or find_spec("redis") is None:
        yield None
        return
    import redis

    with TemporaryDirectory() as folder:
        socket = Path(folder, "redis.sock")
        settings = ["--port", "0", "--unixsocket", str(socket), "--dir", folder, "--save", "", "--appendonly", "no"]
        with subprocess.Popen([program, *settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            try:
                with redis.Redis(unix_socket_path=str(socket)) as client:
                    _wait_for(client, server)
                yield f"unix://{socket}"
            finally:
                server.kill()


def _wait_for(client: "Redis", server: "subprocess.Popen[bytes]") -> None:
    import redis

    began = time.perf_counter()
    while True:
        try:
            client.ping()
            return
        except redis.RedisError as error:
            if server.poll() is not None or time.perf_counter() - began > _SECONDS:
                raise StorageError(f"expected redis-server to answer within {_SECONDS:g} s, found {error}") from error
            time.sleep(0.01)
