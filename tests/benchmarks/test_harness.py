"""The harness of benchmarks/: turns, equality, what is missing, what is stored and what is made of it."""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import page, results
from benchmarks.child import Arrays
from benchmarks.environment import NotHereError, peer_scripts, python_of, requirements
from benchmarks.process import MeasureError, finish
from benchmarks.row import Say, spread
from benchmarks.rows.growth import LEAST, slope, summary, too_slow
from benchmarks.side_by_side import SideBySide
from benchmarks.target import Target
from mlsd_lab.errors import ConfigError

SCRIPT = '''# /// script
# dependencies = ["numpy>=2"]
# ///
"""Doubles a column."""

from benchmarks.child import timed

timed(lambda given: {"doubled": RESULT}, "numpy")
'''


def script(folder: Path, name: str, result: str = "given['x'] * 2") -> Path:
    """Write a side of a measurement, and an environment for it that is this interpreter."""
    file = folder / f"{name}.py"
    file.write_text(SCRIPT.replace("RESULT", result), encoding="utf-8")
    python = folder / "peers" / name / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    (folder / "peers" / name / "ready").write_text("numpy>=2\n", encoding="utf-8")
    return file


def side_by_side(folder: Path, theirs: str = "given['x'] + given['x']", **settings: Any) -> SideBySide:
    def inputs(size: dict[str, int]) -> Arrays:
        return {"x": np.arange(size["rows"]) / 2}

    sides = {"ours": script(folder, "mine"), "peer": script(folder, "other", theirs), "peers": folder / "peers"}
    sizes = {"size": {"rows": 5}, "small": {"rows": 3}}
    return SideBySide("doubling", "Double a column.", inputs, **{**sizes, "rounds": 2, **sides, **settings})


@dataclass(frozen=True)
class Fixed:
    """A row that finds the same each time, or raises."""

    name: str
    seconds: float = 1.0
    error: Exception | None = None
    what: str = "A constant."
    target: Target | None = None

    def measure(self, small: bool, say: Say) -> dict[str, Any]:
        assert not small
        say("measuring")
        if self.error:
            raise self.error
        return {"size": {"rows": 1}, "ours": spread([self.seconds]) | {"peak_memory_gb": 0.1}}


@pytest.fixture
def stored_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let `run` write into an empty folder; return its results.json."""
    file = tmp_path / "results.json"
    for function in (results.stored, results.store):
        monkeypatch.setattr(function, "__defaults__", (file,))
    monkeypatch.setattr(page.write, "__defaults__", (tmp_path / "page.md", tmp_path / "growth.svg"))
    return file


def test_both_sides_work_by_turns_on_the_same_input_and_agree(tmp_path: Path) -> None:
    heard: list[str] = []
    found = side_by_side(tmp_path).measure(small=False, say=heard.append)
    assert [re.sub(r": .*", "", line) for line in heard] == [
        *("making the input", "1 of 2, ours", "1 of 2, other", "2 of 2, ours", "2 of 2, other")
    ]
    assert found["ours"]["repetitions"] == found["peer"]["seconds"]["repetitions"] == 4
    assert found["ours"]["min"] <= found["ours"]["median"] <= found["ours"]["max"]
    assert found["ratio"] > 0
    assert found["equal"] == "5 values of doubled, each equal to the bit, after every round"
    assert found["peer"]["name"] == "other"
    assert set(found["peer"]["versions"]) == {"python", "numpy"}


def test_a_small_run_takes_the_small_size(tmp_path: Path) -> None:
    assert side_by_side(tmp_path, rounds=1).measure(small=True, say=lambda _: None)["size"] == {"rows": 3}


@pytest.mark.parametrize(
    ("theirs", "sentence"),
    [
        (
            "given['x'] * 2 + (given['x'] == 1)",
            "expected equal doubled, found 1 of 5 that differ; the first at 2: ours",
        ),
        ("given['x'][1:]", "expected outputs of one shape"),
        ("given['y']", "KeyError: 'y'"),
    ],
)
def test_a_peer_that_finds_something_else_fails_with_a_sentence(tmp_path: Path, theirs: str, sentence: str) -> None:
    with pytest.raises(MeasureError, match=re.escape(sentence)):
        side_by_side(tmp_path, theirs, rounds=1).measure(small=False, say=lambda _: None)


def test_a_tolerance_is_asked_for_and_said(tmp_path: Path) -> None:
    row = side_by_side(tmp_path, "given['x'] * (2 + 1e-9)", rounds=1, tolerance=1e-6)
    assert "each equal to 1e-06 of their size" in row.measure(small=False, say=lambda _: None)["equal"]


def test_a_missing_environment_is_not_here(tmp_path: Path) -> None:
    with pytest.raises(NotHereError, match="other is not here: make bench-peers"):
        side_by_side(tmp_path, peers=tmp_path / "nowhere").measure(small=False, say=lambda _: None)


def test_an_environment_made_for_another_header_is_not_here(tmp_path: Path) -> None:
    file = script(tmp_path, "other")
    assert python_of(file, tmp_path / "peers") == tmp_path / "peers/other/bin/python"
    file.write_text(file.read_text(encoding="utf-8").replace("numpy>=2", "numpy>=3"), encoding="utf-8")
    with pytest.raises(NotHereError):
        python_of(file, tmp_path / "peers")


def test_each_peer_says_what_it_requires() -> None:
    assert {path.stem for path in peer_scripts()} >= {"duckdb", "pandas", "python_loop"}
    assert all(requirements(path) for path in peer_scripts())


def test_a_header_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "bare.py").write_text("print()\n", encoding="utf-8")
    with pytest.raises(MeasureError, match="expected a header"):
        requirements(tmp_path / "bare.py")


def test_a_child_is_measured_by_itself() -> None:
    large = finish([sys.executable, "-c", "print(len(bytearray(200_000_000)))"])
    small = finish([sys.executable, "-c", "pass"])
    assert large.said == "200000000\n"
    assert small.peak_memory_gb < 0.1 < 0.2 < large.peak_memory_gb


def test_what_is_not_here_keeps_its_stored_result(stored_here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured, missing = Fixed("a"), Fixed("a", error=NotHereError("duckdb is not here: make bench-peers"))
    monkeypatch.setattr(command, "ROWS", (measured, Fixed("b")))
    assert command.run([measured, Fixed("b")], small=False) == 0
    before = results.stored()
    said: list[str] = []
    monkeypatch.setattr(command, "say", lambda name, sentence: said.append(f"{name}: {sentence}"))
    assert command.run([missing, Fixed("b", seconds=2.0)], small=False) == 0
    after = results.stored()
    assert after[0] == before[0]
    assert [row["ours"]["median"] for row in after] == [1.0, 2.0]
    assert f"a: duckdb is not here: make bench-peers; the result of {before[0]['date']} stays" in said
    assert (stored_here.parent / "page.md").read_text(encoding="utf-8") == page.text(after)


@pytest.mark.usefixtures("stored_here")
def test_a_row_that_fails_is_counted_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = Fixed("a", error=MeasureError("the sums differ"))
    monkeypatch.setattr(command, "ROWS", (wrong, Fixed("b")))
    assert command.run([wrong, Fixed("b")], small=False) == 1
    assert "a: FAILED: the sums differ" in capsys.readouterr().err
    assert [row["name"] for row in results.stored()] == ["b"]


def test_rows_are_chosen_by_parts_of_their_names() -> None:
    rows: tuple[Any, ...] = (Fixed("windowed_features"), Fixed("metrics"))
    assert command.chosen(["feat"], rows) == [rows[0]]
    assert command.chosen([], rows) == list(rows)
    with pytest.raises(ConfigError, match=r"expected a part of one of windowed_features, metrics; found 'speed'"):
        command.chosen(["speed"], rows)


def test_the_names_of_rows_are_one_of_a_kind() -> None:
    names = [row.name for row in command.ROWS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("target", "found", "met"),
    [
        (Target(10, "seconds"), {"ours": {"median": 10.0}}, True),
        (Target(10, "seconds"), {"ours": {"median": 10.1}}, False),
        (Target(1.5, "times the peer"), {"ratio": 0.67}, True),
        (Target(1.5, "times the peer"), {"ratio": 0.5}, False),
        (Target(1.1, "slope"), {"stages": {"a": {"met": True}, "b": {"met": None}}}, True),
        (Target(1.1, "slope"), {"stages": {"a": {"met": True}, "b": {"met": False}}}, False),
        (Target(1.1, "slope"), {"stages": {"a": {"met": None}}}, None),
    ],
)
def test_a_target_is_met_or_not(target: Target, found: dict[str, Any], met: bool | None) -> None:
    assert target.judge(found)["met"] is met


def test_the_slope_is_that_of_least_squares() -> None:
    rng = np.random.default_rng(0)
    events = [10_000, 30_000, 100_000, 1_000_000]
    seconds = (np.array(events) ** 1.2 * rng.uniform(0.8, 1.2, 4) / 1e5).tolist()
    expected = np.polyfit(np.log10(events), np.log10(seconds), 1)[0]
    assert slope(list(zip(events, seconds, strict=True))) == pytest.approx(expected, rel=1e-12)


def test_the_slope_is_fitted_where_a_stage_takes_long_enough() -> None:
    points = [(10_000, LEAST / 2), (100_000, LEAST), (1_000_000, 10 * LEAST), (10_000_000, 100 * LEAST)]
    found = summary(points)
    assert (found["slope"], found["slope_of_last_tenfold"], found["met"]) == (1.0, 1.0, True)
    assert found["fitted"] == [100_000, 10_000_000]
    assert len(found["events"]) == 4
    assert summary(points[:2])["slope"] is None


def test_a_stage_that_would_take_too_long_stops() -> None:
    assert not too_slow([], 10_000_000)
    assert not too_slow([(1_000_000, 11.0)], 10_000_000)
    assert too_slow([(1_000_000, 13.0)], 10_000_000)


def test_the_page_is_made_from_the_stored_results() -> None:
    stored = results.stored()
    assert stored, "no results: make bench"
    assert page.PAGE.read_text(encoding="utf-8") == page.text(stored), "python -m benchmarks page"
    assert {row["name"] for row in stored} <= {row.name for row in command.ROWS}


def test_stored_results_say_where_they_come_from() -> None:
    for row in results.stored():
        assert {"name", "what", "size", "ours", "peer", "ratio", "equal", "target", "met"} <= set(row)
        assert row["date"].endswith("+00:00")
        assert row["command"] == f"python -m benchmarks run {row['name']}"
        assert {"cores", "memory_gb"} <= set(row["machine"])
        assert "numpy" in row["versions"]
        assert (row["peer"] is None) == (row["ratio"] is None) == (row["equal"] is None)
        assert json.loads(json.dumps(row)) == row
