"""The rows of ingestion at a small size: every row once, what is stored keeps its form, and a loss is found."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import ingest_side, page, results
from benchmarks.event_lines import fill_lake, write_lines
from benchmarks.process import MeasureError, finish
from benchmarks.rows import lake_ingest

SIDE = Path(ingest_side.__file__)


def quiet(_: str) -> None:
    """Hear nothing."""


@pytest.fixture(scope="module")
def ingested() -> dict[str, Any]:
    row = next(row for row in lake_ingest.ROWS if row.name == "ingest_beside_deltalake")
    return results.measured(replace(row, rounds=1), True, quiet)


def test_a_result_says_how_fast_and_can_be_stored(ingested: dict[str, Any]) -> None:
    assert ingested["ours"]["events_per_second"] > 0
    assert json.loads(json.dumps(ingested)) == ingested


def test_a_result_has_a_line_on_the_page(ingested: dict[str, Any]) -> None:
    assert f"| {ingested['name']} |" in page.text([ingested])


def test_a_lost_row_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake_ingest, "write_lines", lambda *given: write_lines(*given) + 1)
    row = lake_ingest.Ingestion("beside", "", peer="deltalake_append", rounds=1)
    with pytest.raises(MeasureError, match="expected 20,001 rows of as many ids"):
        row.measure(small=True, say=quiet)


def test_two_of_a_hundred_lines_repeat_a_stored_event(tmp_path: Path) -> None:
    lines = write_lines(tmp_path / "clicks", 8_000, stored=4_000)
    fill_lake(tmp_path / "side" / "lake", 4_000)
    done = finish([sys.executable, SIDE, "ours", tmp_path / "clicks", tmp_path / "side"])
    counted = finish([sys.executable, SIDE, "count", json.loads(done.said)["made"]])
    assert lines == 8_160
    assert json.loads(counted.said) == {"rows": 12_000, "ids": 12_000}
