"""The rows of the stream at a small size: a result keeps its form, and what is lost or comes twice is no result."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import page, results
from benchmarks.event_lines import write_lines
from benchmarks.process import MeasureError
from benchmarks.rows import streams

ROWS = {row.name: row for row in streams.ROWS}


def quiet(_: str) -> None:
    """Hear nothing."""


@pytest.mark.parametrize("name", ["stream_append_sqlite", "stream_to_lake_sqlite", "stream_freshness_sqlite"])
def test_a_result_can_be_stored_and_has_a_line_on_the_page(name: str) -> None:
    found = results.measured(ROWS[name], True, quiet)
    assert json.loads(json.dumps(found)) == found
    assert f"| {name} |" in page.text([found])


@pytest.mark.parametrize("change", [1, -1])
def test_an_event_lost_or_too_many_is_no_result(monkeypatch: pytest.MonkeyPatch, change: int) -> None:
    write: Callable[..., int] = write_lines
    monkeypatch.setattr(
        streams, "write_lines", lambda folder, count, files: write(folder, count + 8 * change, files=files)
    )
    row = ROWS["stream_to_lake_sqlite"]
    assert isinstance(row, streams.ToLake)
    with pytest.raises(MeasureError, match="expected 1,000 events once each, found"):
        replace(row, records=100_000).measure(small=True, say=quiet)


def test_an_event_that_the_store_missed_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*given: Any, **order: Any) -> Any:
        done, told = streams_work(*given, **order)
        return done, {**told, "missed": 1}

    streams_work = streams.work
    monkeypatch.setattr(streams, "work", missing)
    with pytest.raises(MeasureError, match="expected every event absorbed"):
        ROWS["stream_freshness_sqlite"].measure(small=True, say=quiet)


def test_lines_are_read_in_batches_without_losing_one(tmp_path: Path) -> None:
    from benchmarks.stream_side import batches

    count = write_lines(tmp_path / "lines", 1_000)
    found = [len(batch) for batch in batches(str(tmp_path / "lines"), 70)]
    assert (sum(found), max(found)) == (count, 70)
