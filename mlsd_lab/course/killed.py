"""Work in a process of its own that is killed at a random moment, again and again."""

import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from mlsd_lab.errors import ConfigError

_LOADED = ("pandas", "duckdb", "deltalake", "joblib.externals.cloudpickle", "mlsd_lab.ingestion.stream.lake_sink")
_PATIENCE = 120.0  # seconds


def killed(work: Callable[[], object], times: int, within: float, seed: int = 0) -> Iterator[int]:
    """Run `work` in a process of its own, kill it within so many seconds of its begin, run it anew; yield after each.

    After so many kills it may come to its end, and is not run again. What is yielded is how often it was killed so
    far; fewer kills than `times` at the end say that it ended before one came. The signal is SIGKILL, of which the
    process learns nothing. `work` may be a function of a notebook: it is sent with what it refers to. Raises
    `ConfigError` where it fails or hangs.

    >>> list(killed(lambda: None, times=0, within=0.1))
    [0]
    """
    from joblib import wrap_non_picklable_objects

    if times < 0 or not within > 0:
        raise ConfigError(f"killed: expected 0 kills or more within more than 0 s, found {times} within {within}")
    methods = multiprocessing.get_all_start_methods()
    context: Any = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload([*_LOADED, __name__])  # once a notebook, so that a life begins in milliseconds
    sent, random = wrap_non_picklable_objects(work, keep_wrapper=False), np.random.default_rng(seed)
    for kills in range(times + 1):
        ours, its = context.Pipe()
        process = context.Process(target=_live, args=(sent, its), daemon=True)
        process.start()
        its.close()
        try:
            _told(ours, _PATIENCE)  # that it begins
            ended = ours.poll(_PATIENCE if kills == times else random.uniform(0, within))
        finally:
            process.kill()
            process.join()
        if ended and (error := _told(ours, 0)):
            raise ConfigError(f"killed: expected work that ends or is killed, found that it failed: {error}")
        yield kills if ended else kills + 1
        if ended:
            return


def _told(ours: Connection, seconds: float) -> str:
    """Return what a process says next."""
    if not ours.poll(seconds):
        raise ConfigError(f"killed: expected the work to begin and end within {_PATIENCE:g} s, found that it hangs")
    try:
        return str(ours.recv())
    except EOFError:
        return "the process has died"


def _live(work: Callable[[], object], its: Connection) -> None:
    its.send("")
    try:
        work()
    except Exception as error:  # whatever a learner's function raises
        its.send(f"{type(error).__name__}: {error}")
    else:
        its.send("")
