"""Ctrl-C, however it is told."""

from collections.abc import Iterator
from contextlib import contextmanager


def interrupted(error: BaseException) -> bool:
    """Say whether an error is Ctrl-C: where DuckDB is at work, it comes as a `RuntimeError`.

    >>> [interrupted(error) for error in (KeyboardInterrupt(), RuntimeError("Query interrupted"), RuntimeError("else"))]
    [True, True, False]
    """
    return isinstance(error, KeyboardInterrupt) or (type(error) is RuntimeError and str(error) == "Query interrupted")


@contextmanager
def until_interrupted() -> Iterator[None]:
    """End what stands within at Ctrl-C, and go on after it.

    >>> with until_interrupted():
    ...     raise KeyboardInterrupt
    """
    try:
        yield
    except (KeyboardInterrupt, RuntimeError) as error:
        if not interrupted(error):
            raise
