"""A peer's own environment: what its header requires, installed into benchmarks/.peers/NAME and nowhere else."""

import re
import shutil
import sys
import tomllib
import venv
from pathlib import Path

from benchmarks.process import MeasureError, finish

HERE = Path(__file__).resolve().parent
PEERS = HERE / ".peers"
_HEADER = re.compile(r"^# /// script\n(?P<toml>(?:#(?: .*)?\n)+?)# ///$", re.MULTILINE)  # PEP 723


class NotHereError(MeasureError):
    """Something a row needs is missing: its last stored result stays."""


def peer_scripts() -> list[Path]:
    """Return the file of each peer, in the order of their names."""
    return [path for path in sorted((HERE / "peers").glob("*.py")) if not path.name.startswith("_")]


def requirements(script: Path) -> list[str]:
    """Return the dependencies that a peer's header names (inline script metadata, PEP 723)."""
    header = _HEADER.search(script.read_text(encoding="utf-8"))
    if header is None:
        raise MeasureError(f"{script}: expected a header '# /// script' with dependencies (PEP 723), found none")
    found: list[str] = tomllib.loads(re.sub("^# ?", "", header["toml"], flags=re.MULTILINE))["dependencies"]
    return found


def python_of(script: Path, peers: Path = PEERS) -> Path:
    """Return the interpreter of a peer's environment; `NotHereError` when it is missing or made for another header."""
    ready, folder = peers / script.stem / "ready", peers / script.stem
    if not ready.is_file() or ready.read_text(encoding="utf-8").splitlines() != requirements(script):
        raise NotHereError(f"{script.stem} is not here: make bench-peers")
    return folder / "bin" / "python"


def build(script: Path, peers: Path = PEERS) -> None:
    """Make a peer's environment anew with venv and pip."""
    folder = peers / script.stem
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True, symlinks=sys.platform != "win32")
    wanted = requirements(script)
    finish([folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted])
    (folder / "ready").write_text("\n".join(wanted) + "\n", encoding="utf-8")
