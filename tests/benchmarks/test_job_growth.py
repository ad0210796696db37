"""The row about the main job, at a small size."""

import json
from typing import Any

import pytest

from benchmarks import page, results
from benchmarks.rows.job_growth import SMALL, JobGrowth, as_part


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return results.measured(JobGrowth(), True, lambda _: None)


def test_each_stage_has_its_seconds_at_each_size_and_the_last_line_is_memory(found: dict[str, Any]) -> None:
    lines = {part["stage"]: part for part in found["parts"]}
    assert {"ingest s", "fit_als s", "rank s", "serve s", "total s"} < set(lines)
    assert list(lines)[-1] == "peak GB"
    for part in lines.values():
        assert list(part) == ["stage", *(f"{videos:,}" for videos in SMALL), "slope"]
    assert found["ours"]["median"] == lines["total s"][f"{SMALL[-1]:,}"]
    assert found["met"]


def test_it_is_stored_as_it_is_and_shown_as_a_table(found: dict[str, Any]) -> None:
    assert json.loads(json.dumps(found)) == found
    assert "| stage | 500 | 1,000 | 2,000 | slope |" in page.text([found])


def test_what_is_too_quick_has_no_slope() -> None:
    assert as_part("show s", {10: 0.001, 100: 0.5, 1000: 5.0})["slope"] == ""
    assert as_part("show s", {10: 0.05, 100: 0.5, 1000: 5.0})["slope"] == 1.0
