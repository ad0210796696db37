"""A learner's own copies of the notebooks: outputs cleared, never overwritten, and opened in JupyterLab."""

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlsd_lab.artifacts import write_whole
from mlsd_lab.course.learner import MARKER, locked
from mlsd_lab.errors import ConfigError, DataError, MissingExtraError

_PACKAGE = Path(__file__).resolve().parent.parent
_PLACES = (_PACKAGE.parent / "notebooks", _PACKAGE / "course" / "notebooks")  # a checkout's, a wheel's


@dataclass(frozen=True)
class Copies:
    """What `open_copies` did in a folder, by the names of the notebooks.

    >>> Copies(Path("my_course"), new=("00_start_here.ipynb",))
    my_course: 1 new
    """

    folder: Path
    new: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()  # an old edition that had not been edited
    beside: tuple[str, ...] = ()  # a new edition laid beside an edited one
    kept: tuple[str, ...] = ()  # as they were

    def __repr__(self) -> str:
        said = [f"{len(self.new)} new"] if self.new else []
        said += [f"{len(self.kept)} as you left them"] if self.kept else []
        said += [f"replaced by a new edition: {', '.join(self.replaced)}"] if self.replaced else []
        said += [f"a new edition beside yours: {', '.join(self.beside)}"] if self.beside else []
        return f"{self.folder}: {'; '.join(said)}"


def open_copies(folder: Path | str = "my_course") -> Copies:
    """Copy the notebooks with cleared outputs into a folder, which becomes the learner's own.

    A copy whose cells were not edited (running it is no edit) gives way to a new edition; an edited one stays, with
    the new edition beside it as `00_start_here.new.ipynb`. Raises `ConfigError` where the folder holds the originals.

    >>> open_copies(_PACKAGE.parent)
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: expected a folder of your own, found ...
    """
    folder = Path(folder)
    if any(place.is_relative_to(folder.resolve()) for place in _PLACES):
        raise ConfigError(f"expected a folder of your own, found {folder}, which holds the originals; try my_course")
    source = _source()
    folder.mkdir(parents=True, exist_ok=True)
    did: dict[str, list[str]] = {"new": [], "replaced": [], "beside": [], "kept": []}
    with locked(folder):
        laid = _laid(folder / MARKER)
        for path in sorted(source.glob("[0-9][0-9]_*.ipynb")):
            text = _cleared(path)
            name, how = _name_and_how(folder / path.name, laid, _cells(text))
            did[how].append(name)
            if how != "kept":
                write_whole(folder / name, text)
                laid[name] = _cells(text)
        write_whole(folder / MARKER, json.dumps(laid, indent=1, sort_keys=True) + "\n")
        write_whole(folder / ".gitignore", "*\n")
    return Copies(folder, **{how: tuple(names) for how, names in did.items()})


def lab_command(folder: Path) -> list[str]:
    """Return the command that opens JupyterLab in a folder: on this machine only, and asking nobody for news.

    >>> importlib.util.find_spec("jupyterlab") is None or lab_command(Path("my_course"))[1:3] == ["-m", "jupyterlab"]
    True
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise MissingExtraError("the notebooks need JupyterLab: pip install 'mlsd_lab[course]'")
    quiet = ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={folder.resolve()}",
        *quiet,
    ]


def lab_environment(folder: Path) -> dict[str, str]:
    """Return the environment for `lab_command`: with settings, laid into the folder, that ask nobody about news.

    >>> callable(lab_environment)
    True
    """
    settings = folder.resolve() / ".jupyter" / "labconfig"
    settings.mkdir(parents=True, exist_ok=True)
    announcing = {"@jupyterlab/apputils-extension:announcements": True}
    write_whole(settings / "page_config.json", json.dumps({"disabledExtensions": announcing}) + "\n")
    paths = [str(settings.parent), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    return {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(paths)}


def open_lab(folder: Path) -> int:
    """Run JupyterLab in a folder until it is closed; return its exit code.

    >>> callable(open_lab)
    True
    """
    try:
        return subprocess.run(lab_command(folder), env=lab_environment(folder), check=False).returncode
    except KeyboardInterrupt:  # Ctrl-C is how one leaves it
        return 0


def _name_and_how(place: Path, laid: dict[str, str], edition: str) -> tuple[str, str]:
    """Return which file a new edition is written to, and what that is called; `kept` where nothing is written."""
    if not place.exists():
        return place.name, "new"
    now, other = _cells(place.read_text(encoding="utf-8")), place.with_suffix(".new.ipynb")
    if edition in (now, laid.get(place.name), laid.get(other.name)):
        return place.name, "kept"
    if now == laid.get(place.name):
        return place.name, "replaced"
    edited = other.exists() and _cells(other.read_text(encoding="utf-8")) != laid.get(other.name)
    return (place.name, "kept") if edited else (other.name, "beside")


def _source() -> Path:
    for place in _PLACES:
        if any(place.glob("[0-9][0-9]_*.ipynb")):
            return place
    raise DataError(f"expected notebooks in {_PLACES[0]} or {_PLACES[1]}, found none; install mlsd_lab again")


def _cleared(path: Path) -> str:
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _cells(text: str) -> str:
    """Return a digest of a notebook's cells, whatever they gave when run; of the text where it is no notebook."""
    try:
        cells = [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(text)["cells"]]
    except (ValueError, KeyError, TypeError):
        cells = [("broken", text)]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def _laid(marker: Path) -> dict[str, str]:
    """Return the digests of what was laid into a folder before; nothing where the marker says nothing readable."""
    try:
        laid = json.loads(marker.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return laid if isinstance(laid, dict) else {}
