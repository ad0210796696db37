"""The rows of ingestion at a small size: every row once, what is stored keeps its form, and a loss is found."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import page, query_side, results
from benchmarks.event_lines import fill_lake, write_lines
from benchmarks.process import MeasureError, finish
from benchmarks.rows import lake_ingest, lake_queries
from mlsd_lab.ingestion.parsing import connect

SIDE = Path(query_side.__file__).with_name("ingest_side.py")


def quiet(_: str) -> None:
    """Hear nothing."""


@pytest.fixture(scope="module", params=["ingest_beside_deltalake", "ingest_at_5m"])
def ingested(request: pytest.FixtureRequest) -> dict[str, Any]:
    row = next(row for row in lake_ingest.ROWS if row.name == request.param)
    return results.measured(replace(row, rounds=1), True, quiet)


def test_a_result_names_equal_outputs_where_it_has_a_peer_and_only_there(ingested: dict[str, Any]) -> None:
    assert (ingested["peer"] is None) == (ingested["ratio"] is None) == (ingested["equal"] is None)
    assert ingested["ours"]["events_per_second"] > 0
    assert json.loads(json.dumps(ingested)) == ingested


def test_a_result_has_a_line_on_the_page(ingested: dict[str, Any]) -> None:
    assert f"| {ingested['name']} |" in page.text([ingested])


def test_a_lost_row_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake_ingest, "write_lines", lambda *given: write_lines(*given) + 1)
    row = lake_ingest.Ingestion("beside", "", peer="deltalake_append", rounds=1)
    with pytest.raises(MeasureError, match="deltalake_append: expected 20,001 rows of as many ids"):
        row.measure(small=True, say=quiet)


def test_two_of_a_hundred_lines_repeat_a_stored_event(tmp_path: Path) -> None:
    lines = write_lines(tmp_path / "clicks", 8_000, stored=4_000)
    fill_lake(tmp_path / "side" / "lake", 4_000)
    done = finish([sys.executable, SIDE, "ours", tmp_path / "clicks", tmp_path / "side"])
    counted = finish([sys.executable, SIDE, "count", json.loads(done.said)["made"]])
    assert lines == 8_160
    assert json.loads(counted.said) == {"rows": 12_000, "ids": 12_000}


def test_small_files_hold_each_event_once_whatever_the_number_of_appends(tmp_path: Path) -> None:
    row = lake_queries.LakeQueries("small_files")
    sources, (joined, scattered) = row._written(tmp_path, 1_000, 7)
    for source, _ in sources.values():
        assert connect().sql(f"SELECT count(*), count(DISTINCT event_id) FROM {source}").fetchall() == [(1_000, 1_000)]
    assert joined < scattered


@pytest.mark.skipif(sys.platform != "linux", reason="Linux counts what a process has read")
def test_bytes_read_are_those_of_files(tmp_path: Path) -> None:
    file = tmp_path / "megabyte"
    file.write_bytes(bytes(1_000_000))
    before = query_side.bytes_read()
    file.read_bytes()
    assert 1_000_000 <= query_side.bytes_read() - before < 1_100_000
