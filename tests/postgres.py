"""A real PostgreSQL for tests: on a free port of the loopback, with a password, and gone when its tests are over."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

ADMIN = "admin"


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs; Debian keeps the server's off the path."""
    found = [Path(path).parent for name in ("postgres", "initdb") if (path := shutil.which(name))]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in found if all((folder / name).is_file() for name in ("postgres", "initdb"))), None)


class Server:
    """A server that runs in a folder; its port stays the same over a restart."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.password = secrets.token_hex(8)
        self._programs, self._folder = programs, folder
        self._process: subprocess.Popen[Any] | None = None
        # a server refuses to run as root
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(folder, user.pw_uid, user.pw_gid)
        secret = folder / "password"
        secret.write_text(self.password, encoding="utf-8")
        secret.chmod(0o644)  # the folder itself is closed to others
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
        self._run("initdb", "-D", folder / "data", "-U", ADMIN, f"--pwfile={secret}", *options)
        for _ in range(10):  # between finding a free port and taking it, another program may take it
            self.port = free_port()
            if self._started():
                return
        raise RuntimeError(f"PostgreSQL did not start: {self._said()}")

    def url(self, user: str = ADMIN, password: str | None = None, database: str = "postgres") -> str:
        """Return the URL to connect with; the default is the superuser."""
        return f"postgresql://{user}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def restart(self) -> None:
        """Stop at once, which cuts every connection, and start again on the same port."""
        self.stop()
        if not self._started():
            raise RuntimeError(f"PostgreSQL did not start again: {self._said()}")

    def stop(self) -> None:
        """Roll back what is open, cut every connection, and wait until all processes have ended."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End without a clean shutdown. (SIGKILL would leave children and shared memory behind.)"""
        self._end(signal.SIGQUIT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=60)
            self._process = None

    def _started(self) -> bool:
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "shared_buffers": "16MB",
            "timezone": "Asia/Tokyo",  # whoever leans on the server's zone is found out
        }
        flags = [text for name, value in settings.items() for text in ("-c", f"{name}={value}")]
        command = [str(self._programs / "postgres"), "-D", str(self._folder / "data"), *flags]
        with (self._folder / "log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder, **self._as)
        self._process = process
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            try:
                psycopg.connect(self.url(), connect_timeout=5).close()
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                return True
        self.kill()
        return False

    def _run(self, program: str, *arguments: str | Path) -> None:
        command = [str(self._programs / program), *map(str, arguments)]
        done = subprocess.run(command, cwd=self._folder, capture_output=True, text=True, check=False, **self._as)
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr}")

    def _said(self) -> str:
        return (self._folder / "log").read_text(encoding="utf-8", errors="replace")[-2000:]


def free_port() -> int:
    """Return a port of the loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """Run a server in an empty folder (others must be able to reach it, not to read it); end it at the end."""
    programs = binaries()
    if programs is None:
        raise RuntimeError("PostgreSQL is not here: see tests.needs.postgres")
    running = Server(programs, folder)
    try:
        yield running
    finally:
        running.stop()
