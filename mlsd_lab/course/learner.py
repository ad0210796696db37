"""What one learner has guessed and solved: `progress.json` in their own folder, or in memory where there is none."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlsd_lab.artifacts import write_whole
from mlsd_lab.errors import DataError

MARKER = ".mlsd_lab_course"
_FILE, _LOCK = "progress.json", ".progress.lock"
_memory: dict[str, Any] = {"predictions": {}, "exercises": {}}


def learner_folder() -> Path | None:
    """Return the nearest folder, from the working directory upwards, that holds the learner's marker file.

    >>> learner_folder() is None  # here are no copies of the notebooks: nothing is written
    True
    """
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / MARKER).is_file()), None)


def read_progress(folder: Path | None = None) -> dict[str, Any]:
    """Return `predictions` and `exercises` by key, from `folder` or the learner's own, else from memory.

    >>> sorted(read_progress())
    ['exercises', 'predictions']
    """
    folder = folder or learner_folder()
    return _memory if folder is None else _read(folder / _FILE)


@contextmanager
def change_progress() -> Iterator[dict[str, Any]]:
    """Yield the progress as it now is, and keep what the block makes of it; other kernels wait meanwhile.

    >>> with change_progress() as progress:
    ...     progress["exercises"]["9.8"] = {"attempts": 1}
    >>> read_progress()["exercises"].pop("9.8")
    {'attempts': 1}
    """
    folder = learner_folder()
    if folder is None:
        yield _memory
        return
    with locked(folder):
        progress = _read(folder / _FILE)
        yield progress
        write_whole(folder / _FILE, json.dumps(progress, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the one lock of a learner's folder (where the system has none, as on Windows, the last writer wins).

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, locked(Path(folder)):
    ...     pass
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    with (folder / _LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {"predictions": {}, "exercises": {}}
    try:
        progress = json.loads(path.read_text(encoding="utf-8"))
        sound = all(isinstance(row, dict) for part in ("predictions", "exercises") for row in progress[part].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        sound = False
    if not sound:
        raise DataError(
            f"{path}: expected JSON with predictions and exercises, found something else; it is left as it is. "
            "Mend it, or move it away to start afresh."
        )
    return dict(progress)
