"""A fingerprint follows the meaning, not the wording."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from mlsd_lab.features import About, Catalogue, Mean, Rate, Sum, Windowed, derived, windowed
from mlsd_lab.features.feed import FEED
from mlsd_lab.features.probe import probe_events
from tests.features.test_catalogue import over, watched


def fingerprint(*features: Any, name: str = "c", version: str = "1") -> str:
    return Catalogue(name, version, features).fingerprint


def test_the_fingerprint_is_the_same_in_another_process_with_another_hash_seed() -> None:
    code = "from mlsd_lab.features.feed import FEED; print(FEED.fingerprint)"
    for seed in ("1", "2"):
        ran = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        )
        assert ran.stdout.decode().strip() == FEED.fingerprint


def test_the_fingerprint_changes_with_every_part_of_a_declaration() -> None:
    made = [
        fingerprint(over("1d")),
        fingerprint(over("1d"), version="2"),
        fingerprint(over("1d"), name="d"),
        fingerprint(over("2d")),
        fingerprint(over("1d", "2d")),
        fingerprint(over("2d", "1d")),
        fingerprint(over("1d", entity="video_id")),
        fingerprint(over("1d", entity=("user_id", "topic"))),
        fingerprint(windowed("user_id", ("1d",), Mean)(watched)),
        fingerprint(windowed("user_id", ("1d",), Rate(0.3, 10))(watched)),
        fingerprint(windowed("user_id", ("1d",), Rate(0.3, 11))(watched)),
        fingerprint(windowed("user_id", ("1d",), Rate(0.2, 10))(watched)),
    ]
    assert len(set(made)) == len(made)


def long_watches(kind: str) -> Callable[[pd.DataFrame], pd.Series]:
    if kind == "8 seconds":

        def long(events: pd.DataFrame) -> pd.Series:
            """Watched for long."""
            return events.watch_seconds > 8

    elif kind == "9 seconds":

        def long(events: pd.DataFrame) -> pd.Series:
            """Watched for long."""
            return events.watch_seconds > 9

    else:
        # the same as the first, said in other words
        def long(events: pd.DataFrame) -> pd.Series:
            """Another docstring."""
            return events.watch_seconds > 8  # a comment

    return long


def test_the_fingerprint_changes_with_the_code_of_a_row_function_and_not_with_its_docstring() -> None:
    first, second, reworded = (
        windowed("user_id", ("1d",), Sum)(long_watches(kind)) for kind in ("8 seconds", "9 seconds", "reworded")
    )
    probe = probe_events()
    assert (first.contributions(probe) == second.contributions(probe)).all()  # values alone would not tell
    assert fingerprint(first) == fingerprint(reworded) != fingerprint(second)


def clipped(kind: str) -> Callable[..., Any]:
    if kind == "at 1":

        def clip(duration_seconds: Any) -> Any:
            """Length, no less than a second."""
            return np.where(duration_seconds < 1, 0, duration_seconds)

    elif kind == "at 2":

        def clip(duration_seconds: Any) -> Any:
            """Length, no less than a second."""
            return np.where(duration_seconds < 2, 0, duration_seconds)

    else:

        def clip(duration_seconds: Any) -> Any:
            """Reworded."""
            return np.where(duration_seconds < 1, 0, duration_seconds)

    return clip


def test_the_fingerprint_changes_with_the_code_of_a_derived_function_and_not_with_its_docstring() -> None:
    first, second, reworded = (derived(clipped(kind)) for kind in ("at 1", "at 2", "reworded"))
    assert fingerprint(first) == fingerprint(reworded) != fingerprint(second)


def test_the_fingerprint_sees_a_constant_that_stands_outside_of_the_function() -> None:
    def above(limit: float) -> Windowed:
        def long(events: pd.DataFrame) -> pd.Series:
            """Watched for long."""
            return events.watch_seconds > limit

        return windowed("user_id", ("1d",), Sum)(long)

    assert fingerprint(above(5)) != fingerprint(above(50))


def test_an_owner_may_change_without_another_fingerprint() -> None:
    owned = windowed("user_id", "1d", Sum, About(owner="feed", unit="seconds", tags=("watch",), personal=False))
    assert fingerprint(owned(watched)) == fingerprint(over("1d"))
