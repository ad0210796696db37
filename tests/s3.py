"""A real S3 for tests: SeaweedFS on free ports of the loopback, gone when its tests are over."""

import http.client
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

KEY, SECRET = "lab", "labsecret"
_ACTIONS = ["Admin", "Read", "List", "Tagging", "Write"]
_PORTS: tuple[str, ...] = ("s3.port", "master.port", "volume.port", "filer.port", "s3.port.grpc")
_PORTS += ("master.port.grpc", "volume.port.grpc", "filer.port.grpc")
_NUMBERS = count()


def binary() -> str | None:
    """Return SeaweedFS's program: its package puts it beside Python."""
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.is_file() else shutil.which("weed")


class Server:
    """A server that keeps its data in a folder; its ports stay the same over a restart."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program, self._folder = program, folder
        self._process: subprocess.Popen[Any] | None = None
        identity = {"name": KEY, "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": _ACTIONS}
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}), encoding="utf-8")
        (folder / "data").mkdir()
        for _ in range(10):  # between finding free ports and taking them, another program may take one
            self._ports = free_ports(_PORTS)
            if self._started():
                return
        raise RuntimeError(f"SeaweedFS did not start: {self._said()}")

    @property
    def endpoint(self) -> str:
        """Where S3 is spoken."""
        return f"http://127.0.0.1:{self._ports['s3.port']}"

    @property
    def variables(self) -> dict[str, str]:
        """Return what must be in the environment of whoever uses it."""
        login = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
        return {"AWS_ENDPOINT_URL": self.endpoint, "AWS_REGION": "us-east-1", **login}

    def place(self) -> str:
        """Return the URL of a place where nothing is yet: all in one bucket, since each takes volumes of its own."""
        if (status := self._ask("filer.port", "POST", "/buckets/lab/")) not in (201, 409):  # made, or there already
            raise RuntimeError(f"the bucket was not made: status {status}")
        return f"s3://lab/{next(_NUMBERS)}"

    def restart(self) -> None:
        """Start again on the same ports, with the same data."""
        self.stop()
        if not self._started():
            raise RuntimeError(f"SeaweedFS did not start again: {self._said()}")

    def stop(self) -> None:
        """End it, and wait until it has."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=1)
            except subprocess.TimeoutExpired:  # it waits for clients that have left
                self._process.kill()
                self._process.wait(timeout=60)
            self._process = None
            for name, port in self._ports.items():  # it would leave its sockets, which lie in /tmp whatever it is told
                kind = name.replace(".port", "").replace(".", "-")
                Path(f"/tmp/seaweedfs-{kind}-{port}.sock").unlink(missing_ok=True)

    def _started(self) -> bool:
        flags = [f"-{name}={port}" for name, port in self._ports.items()]
        flags += ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={self._folder / 'data'}", "-volume.max=20"]
        flags += ["-master.volumeSizeLimitMB=64", "-s3", f"-s3.config={self._folder / 's3.json'}"]
        flags += ["-volume.minFreeSpace=1MiB", "-volume.preStopSeconds=0", "-master.telemetry=false"]
        flags += ["-master.electionTimeout=1s", "-master.heartbeatInterval=100ms"]  # or a restart takes 20 s
        flags += ["-s3.port.iceberg=0", "-s3.port.lance=0"]  # not these, which would listen on fixed ports
        command = [self._program, f"-logdir={self._folder}", "server", *flags]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)
        deadline = time.monotonic() + 60
        while self._process.poll() is None and time.monotonic() < deadline:
            if self._ready():
                return True
            time.sleep(0.05)
        self.stop()
        return False

    def _ready(self) -> bool:
        """Say whether the filer stores a file, which takes master and volume too, and S3 answers."""
        try:
            stores = self._ask("filer.port", "PUT", "/ready", b"ready") < 300
            return stores and self._ask("s3.port", "GET", "/") < 500
        except (OSError, http.client.HTTPException):
            return False

    def _ask(self, port: str, method: str, path: str, body: bytes | None = None) -> int:
        with ExitStack() as stack:
            connection = http.client.HTTPConnection("127.0.0.1", self._ports[port], timeout=20)
            stack.callback(connection.close)
            connection.request(method, path, body)
            answer = connection.getresponse()
            answer.read()
            return answer.status

    def _said(self) -> str:
        return (self._folder / "log").read_text(encoding="utf-8", errors="replace")[-2000:]


def free_ports(names: Iterable[str]) -> dict[str, int]:
    """Return ports of the loopback that nobody has now, all different."""
    with ExitStack() as stack:
        probes = {name: stack.enter_context(socket.socket()) for name in names}
        for probe in probes.values():
            probe.bind(("127.0.0.1", 0))
        return {name: int(probe.getsockname()[1]) for name, probe in probes.items()}


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """Run a server in an empty folder; end it at the end."""
    program = binary()
    if program is None:
        raise RuntimeError("SeaweedFS is not here: see tests.needs.s3")
    running = Server(program, folder)
    try:
        yield running
    finally:
        running.stop()
