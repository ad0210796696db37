"""A Redis that syncs each write, at a socket in a folder, for as long as a benchmark takes."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.environment import NotHereError


@contextmanager
def redis_here(folder: Path) -> Iterator[str]:
    """Yield its URL; raise `NotHereError` where the program is missing."""
    program = shutil.which("redis-server")
    if program is None:
        raise NotHereError("redis-server is not here: on Debian apt-get install redis-server")
    import redis

    settings = ["--port", "0", "--unixsocket", f"{folder}/socket", "--dir", f"{folder}", "--save", ""]
    settings += ["--appendonly", "yes", "--appendfsync", "always"]
    with subprocess.Popen([program, *settings], stdout=subprocess.DEVNULL) as server:
        try:
            while server.poll() is None:
                try:
                    with redis.Redis(unix_socket_path=f"{folder}/socket") as client:
                        client.ping()
                        break
                except redis.RedisError:
                    continue
            yield f"unix://{folder}/socket"
        finally:
            server.kill()
