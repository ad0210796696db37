"""A JupyterLab of one's own: what `mlsd-lab lab` starts, in a folder that nothing else knows of."""

import json
import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from mlsd_lab.course.copies import lab_command

SECONDS_TO_START = 120
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # every cell is in the page, seen or not
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},  # no question in the way
}


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: where it listens, and the word that lets one in."""

    port: int
    token: str

    def address(self, notebook: str) -> str:
        """Return what opens a notebook and nothing else, whatever was open before."""
        return f"http://127.0.0.1:{self.port}/lab/tree/{notebook}?token={self.token}&reset"

    def serves(self, url: str) -> bool:
        """Tell whether an address leads to this server, or into the page itself."""
        here = f"127.0.0.1:{self.port}/"
        return url.startswith((f"http://{here}", f"ws://{here}", "data:", "blob:"))


@contextmanager
def running_lab(folder: Path, home: Path) -> Iterator[Lab]:
    """Run JupyterLab in `folder` with all it writes in `home`; when the block is left, it has ended."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        lab = Lab(free.getsockname()[1], secrets.token_hex(16))
    command = [*lab_command(folder), "--no-browser", f"--ServerApp.port={lab.port}", "--ServerApp.port_retries=0"]
    command += [f"--IdentityProvider.token={lab.token}", "--allow-root"]
    for name, values in SETTINGS.items():
        file = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values), encoding="utf-8")
    said = home / "jupyterlab.log"
    with said.open("w", encoding="utf-8") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment(home), stdout=log, stderr=log)
        try:
            _wait_for(lab, server, said)
            yield lab
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def environment(home: Path) -> dict[str, str]:
    """Return the environment of somebody who lives in `home` and has never run a Jupyter."""
    others = ("JUPYTER", "IPYTHON", "MLSD_LAB", "XDG_")
    places = {
        "HOME": home,
        "IPYTHONDIR": home / "ipython",
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": home / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return kept | {name: str(place) for name, place in places.items()}


def _wait_for(lab: Lab, server: "subprocess.Popen[bytes]", said: Path) -> None:
    """Return as soon as the server answers; fail with what it said where it ends, or does not answer at all."""
    for _ in range(SECONDS_TO_START):
        try:
            with urlopen(f"http://127.0.0.1:{lab.port}/api/status?token={lab.token}", timeout=5):
                return
        except OSError:
            try:
                server.wait(1)
            except subprocess.TimeoutExpired:
                continue
            break
    raise AssertionError(f"JupyterLab did not start\n{said.read_text(encoding='utf-8')}")
