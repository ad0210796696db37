"""A log and its anchor, opened and locked as one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, sleep

from mlsd_lab.errors import ArtifactError, ConfigError, ConflictError, StorageError

_POLL = 0.0005  # seconds


@contextmanager
def held_files(log: Path, anchor: Path, write: bool = True, patience: float = 2.0) -> Iterator[tuple[int, int]]:
    """Yield descriptors of a log and its anchor, which nobody else writes meanwhile; to write, make them.

    They are opened anew each time, since threads, and processes forked from one another, would share a lock. Raises
    `ConflictError` where another holds them for `patience` seconds, `ArtifactError` where one of the two is gone,
    `StorageError` where they cannot be used.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with held_files(Path(folder, "log"), Path(folder, "anchor")) as (written, _):
    ...         os.write(written, b"abc")
    3
    """
    try:
        import fcntl
    except ImportError as error:  # Windows
        raise ConfigError(f"{log}: expected a POSIX system, whose file locks a log needs, found none") from error
    opened: list[int] = []
    flags = os.O_RDWR | os.O_CREAT if write else os.O_RDONLY
    try:
        if write and not anchor.exists():
            log.parent.mkdir(parents=True, exist_ok=True)
        opened.append(os.open(anchor, flags, 0o600))
        kind, began = fcntl.LOCK_EX if write else fcntl.LOCK_SH, perf_counter()
        while True:
            try:
                fcntl.flock(opened[0], kind | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if perf_counter() - began > patience:
                    raise ConflictError(
                        f"{log}: another process holds the log, for {patience:g} s or more, and what cannot be logged "
                        "is not read; try again"
                    ) from error
                sleep(_POLL)
        opened.append(os.open(log, flags | os.O_APPEND, 0o600))
        yield opened[1], opened[0]
    except FileNotFoundError as error:
        raise ArtifactError(f"{error.filename}: expected a log and its anchor, found one of them: removed") from error
    except OSError as error:
        raise StorageError(f"cannot use {log}: {error.strerror or error}. What cannot be logged is not read") from error
    finally:
        for handle in opened:
            os.close(handle)
