"""The rows of the feature store at a small size: equal on all sides, and a difference is no result."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import online_side, page, results
from benchmarks.environment import NotHereError
from benchmarks.process import Finished, MeasureError
from benchmarks.rows import last_value_join, online_read
from benchmarks.side_by_side import SideBySide
from benchmarks.target import Target
from tests.needs import skip_or_fail

READS = {row.name: row for row in online_read.ROWS}
HERE = ("memory", "sqlite", "raw_sqlite", "numpy_gather")
"""Sides that need neither a server nor an environment of their own."""


def quiet(_: str) -> None:
    """Hear nothing."""


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure without Redis."""
    from contextlib import nullcontext

    monkeypatch.setattr(online_read, "redis_here", nullcontext)


@pytest.mark.usefixtures("no_server")
def test_a_read_is_equal_on_all_sides_and_has_a_line_on_the_page() -> None:
    row = replace(READS["online_read"], sides=HERE, peer="raw_sqlite")
    found = results.measured(row, True, quiet)
    assert json.loads(json.dumps(found)) == found
    assert [part["side"] for part in found["parts"]] == list(HERE)
    assert all(0 < part["500_videos_p50_ms"] <= part["p99_ms"] for part in found["parts"])
    assert f"| {row.name} |" in page.text([found])


@pytest.mark.usefixtures("no_server")
def test_growth_has_a_slope_a_store_and_is_judged_by_the_last_tenfold() -> None:
    found = results.measured(replace(READS["online_read_growth"], sides=("memory", "sqlite")), True, quiet)
    assert set(found["slopes"]) == {"memory", "sqlite"}
    assert found["met"] == (max(found["slopes"].values()) <= 1.1)
    assert found["parts"][0]["slope_of_last_tenfold"] == found["slopes"]["memory"]


def test_both_ways_over_redis_are_equal_to_the_store_in_memory() -> None:
    if shutil.which("redis-server") is None:
        skip_or_fail("redis-server is not here: on Debian apt-get install redis-server")
    row = replace(READS["online_read"], sides=("memory", "redis", "raw_redis"), ours="redis", peer="raw_redis")
    found = row.measure(small=True, say=quiet)
    assert found["equal"] == "all values of all slates on 3 sides, each equal to the bit"
    assert set(found["peer"]["versions"]) == {"redis"}


def test_a_slope_above_the_target_is_not_met() -> None:
    judged = [Target(1.1, "slope").judge({"slopes": {"a": 0.4, "b": each}})["met"] for each in (1.1, 1.2)]
    assert judged == [True, False]


def test_a_value_that_differs_in_its_last_bit_is_no_result(tmp_path: Path) -> None:
    online_read.write_given(tmp_path, videos=30, events=500, slates=3, length=20)
    assert online_side.timed("memory", tmp_path, 20)["wrong"] == 0
    given = online_side.given(tmp_path)
    given["values"][given["slates"][0, 0], 0] = np.nextafter(given["values"][given["slates"][0, 0], 0], 9)
    np.savez(tmp_path / "given.npz", **given)  # type: ignore[arg-type]
    told = online_side.timed("memory", tmp_path, 20)
    assert told["wrong"] > 0
    finished = Finished(json.dumps(told), 1.0, 0.1)
    with pytest.raises(MeasureError, match=r"memory: expected the values that were stored, found \d+ others"):
        online_read.Told(("memory",), (20,)).hear("memory", 20, finished)


def test_a_side_whose_environment_is_missing_is_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: Path) -> Path:
        raise NotHereError("feast is not here: make bench-peers")

    monkeypatch.setattr(online_read, "python_of", missing)
    with pytest.raises(NotHereError, match="feast is not here"):
        READS["online_read"].measure(small=True, say=quiet)


MERGE_ASOF = Path(__file__).parents[2] / "benchmarks/peers/pandas.py"


@pytest.mark.parametrize("live", ["7d", "6d"])
def test_the_last_value_equals_that_of_merge_asof_with_the_same_time_to_live(
    tmp_path: Path, live: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.side_by_side.python_of", lambda *_: Path(sys.executable))
    ours = tmp_path / "ours.py"
    ours.write_text(Path(last_value_join.__file__).read_text("utf-8").replace('"7d"', f'"{live}"'), "utf-8")
    row: Any = last_value_join.ROWS[0]
    assert isinstance(row, SideBySide)
    row = replace(row, ours=ours, peer=MERGE_ASOF, rounds=1, repetitions=1)
    if live == "7d":
        assert "10,000 values of value, each equal to the bit" in row.measure(True, quiet)["equal"]
    else:
        with pytest.raises(MeasureError, match="expected equal value"):
            row.measure(True, quiet)
