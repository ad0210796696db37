"""A real Redis for tests: on a free port of the loopback, synced at each write, and gone when its tests are over."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from tests.postgres import free_port


def binary() -> str | None:
    """Return the server's program, if it is here."""
    return shutil.which("redis-server")


class RedisServer:
    """A server that runs in a folder; port and data stay over a restart."""

    def __init__(self, program: str, folder: Path, *options: str) -> None:
        self._program, self._folder, self._options = program, folder, options
        self._process: subprocess.Popen[Any] | None = None
        for _ in range(10):  # between finding a free port and taking it, another program may take it
            self.port = free_port()
            if self._started():
                return
        raise RuntimeError(f"Redis did not start: {self._said()}")

    @property
    def url(self) -> str:
        """The URL to connect with."""
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> "redis.Redis":
        """Return a plain client, to look and to meddle."""
        return redis.Redis.from_url(self.url)

    def kill(self) -> None:
        """End it as a crash does, with SIGKILL."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(timeout=60)
            self._process = None

    def start(self) -> None:
        """Start it again on what its append-only file holds."""
        if not self._started():
            raise RuntimeError(f"Redis did not start again: {self._said()}")

    def pause(self, stopped: bool) -> None:
        """Let it hang, or go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP if stopped else signal.SIGCONT)

    def _started(self) -> bool:
        settings = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder), "--save", ""]
        settings += ["--appendonly", "yes", "--appendfsync", "always", "--logfile", str(self._folder / "log")]
        self._process = subprocess.Popen(
            [self._program, *settings, *self._options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while self._process.poll() is None:
            try:
                with redis.Redis(port=self.port, socket_timeout=5) as client:
                    client.ping()  # refused while it loads
                    return True
            except redis.RedisError:
                try:
                    self._process.wait(timeout=0.01)
                except subprocess.TimeoutExpired:
                    continue
        return False

    def _said(self) -> str:
        log = self._folder / "log"
        return log.read_text(encoding="utf-8")[-500:] if log.exists() else "nothing"


@contextmanager
def redis_server(program: str, folder: Path, *options: str) -> Iterator[RedisServer]:
    """Start a server, and end it whatever happens."""
    server = RedisServer(program, folder, *options)
    try:
        yield server
    finally:
        server.pause(stopped=False)
        server.kill()
