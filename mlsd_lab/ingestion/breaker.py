"""A circuit breaker: after some failures in a row a service is left alone for a while, then tried once."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from mlsd_lab.errors import ConfigError, SourceError


class UnavailableError(SourceError):
    """A service does not answer now; `retry_after` is the number of seconds to leave it alone, where that is known.

    >>> UnavailableError("videos: status 503", retry_after=120.0).retry_after
    120.0
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Breaker:
    """Refuses calls for `rest` seconds once `failures` in a row have failed; then one trial decides. Shared by threads.

    A call fails when it raises an `Exception`; an interrupt counts neither way. A call that began before the circuit
    opened decides nothing any more. `clock` gives seconds that never go back.

    >>> breaker = Breaker(failures=1, rest=30.0, clock=lambda: 0.0)
    >>> with breaker.call():
    ...     raise OSError("refused")
    Traceback (most recent call last):
    OSError: refused
    >>> with breaker.call():
    ...     raise AssertionError("is not reached")
    Traceback (most recent call last):
    mlsd_lab.ingestion.breaker.UnavailableError: the circuit is open after 1 failure in a row; the next try is in 30.0 s
    """

    def __init__(self, failures: int = 5, rest: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        if failures < 1 or not rest >= 0:
            raise ConfigError(f"expected failures of at least 1 and a rest of 0 s or more, found {failures}, {rest}")
        self.failures, self.rest, self._clock = failures, rest, clock
        self._in_a_row = 0
        self._rests_until: float | None = None  # None: closed
        self._trial = False
        self._lock = threading.Lock()

    @property
    def state(self) -> Literal["closed", "open", "half-open"]:
        """Whether calls pass, are refused, or the next one is (or one is now) the trial."""
        if self._rests_until is None:
            return "closed"
        return "open" if self._clock() < self._rests_until else "half-open"

    @contextmanager
    def call(self) -> Iterator[None]:
        """Enclose one call; raises `UnavailableError` in its place while the circuit is open or on trial."""
        trial = self._admit()
        failed: bool | None = None
        try:
            yield
            failed = False
        except Exception:
            failed = True
            raise
        finally:
            self._count(trial, failed)

    def _admit(self) -> bool:
        with self._lock:
            if self._rests_until is None:
                return False
            left = self._rests_until - self._clock()
            if left <= 0 and not self._trial:
                self._trial = True
                return True
        after = f"after {self._in_a_row} failure{'s' * (self._in_a_row > 1)} in a row"
        if left > 0:
            raise UnavailableError(f"the circuit is open {after}; the next try is in {left:.1f} s", retry_after=left)
        raise UnavailableError(f"the circuit is open {after}; another call is trying the service now")

    def _count(self, trial: bool, failed: bool | None) -> None:
        with self._lock:
            if trial:
                self._trial = False
            if failed is None or (self._rests_until is not None and not trial):
                return
            self._in_a_row = self._in_a_row + 1 if failed else 0
            over = self._in_a_row >= self.failures
            self._rests_until = self._clock() + self.rest if over else None
