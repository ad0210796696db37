"""What a storage says, as a sentence."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from mlsd_lab.errors import ConflictError, MlsdLabError, StorageError


@contextmanager
def explained(place: str, is_old: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Turn what Delta, DuckDB and the system say of a table or a file into a `StorageError`, or a `ConflictError`.

    It is a conflict too where what was read `is_old`: another writer may have deleted the files it lies in.

    >>> with explained("lake"):
    ...     raise OSError("No space left on device")
    Traceback (most recent call last):
    mlsd_lab.errors.StorageError: cannot use lake: No space left on device. Mend it and run again: nothing is lost
    """
    import duckdb
    from deltalake.exceptions import CommitFailedError, DeltaError

    try:
        yield
    except CommitFailedError as error:
        raise ConflictError(another_was_first(place)) from error
    except MlsdLabError:
        raise
    except Exception as error:
        if not isinstance(error, (DeltaError, OSError, duckdb.Error)) and type(error) is not Exception:
            raise  # Delta's queries raise a bare Exception; all else is a bug, which a sentence would hide
        if _holds(is_old):
            raise ConflictError(another_was_first(place)) from error
        reason = _in_one_line(str(error)) or type(error).__name__
        raise StorageError(f"cannot use {place}: {reason}. Mend it and run again: nothing is lost") from error


def another_was_first(place: str) -> str:
    """Return what a writer is told that came second.

    >>> another_was_first("lake/events")
    'lake/events: another writer committed first, nothing was written; run again: it goes on from there'
    """
    return f"{place}: another writer committed first, nothing was written; run again: it goes on from there"


def _holds(is_old: Callable[[], bool]) -> bool:
    with suppress(Exception):  # a storage that cannot even tell its version has another trouble
        return is_old()
    return False


def _in_one_line(words: str) -> str:
    """Keep what was tried and the innermost causes: Delta lists a chain of them, S3 answers in XML."""
    chain = "↳" in words
    plain = re.sub(r"\x1b\[\d*m|↳|<\?xml.*?\?>", "", words)
    if said := re.search(r"<Code>(.*?)</Code>\s*<Message>(.*?)</Message>", plain, re.DOTALL):
        plain = plain[: plain.find("<")] + f"{said[1]}: {said[2]}"
    lines = [" ".join(line.split()).rstrip(".") for line in plain.splitlines() if line.strip()]
    if not chain:
        lines = lines[:1]  # what follows is a trace
    kept = lines if len(lines) <= 4 else [lines[0], *lines[-3:]]
    return ": ".join(
        line if len(line) <= 200 else f"{line[:99]}…{line[-100:]}" for line in kept
    )  # the cause comes last
