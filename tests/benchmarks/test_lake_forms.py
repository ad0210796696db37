"""The row of queries on four forms of the same events, at a small size."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import page, results
from benchmarks.environment import NotHereError
from benchmarks.process import MeasureError
from benchmarks.rows import lake_forms
from benchmarks.rows.lake_forms import FORMS, QUERIES, LakeForms, write_forms
from mlsd_lab.ingestion.parsing import connect

ROW = LakeForms(events=6_000, appends=3, rounds=1)
linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux counts what a process has read")


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return results.measured(ROW, False, lambda _: None)


@linux
def test_each_form_has_its_files_seconds_and_bytes(found: dict[str, Any]) -> None:
    assert [part["form"] for part in found["parts"]] == [*FORMS]
    assert [part["files"] for part in found["parts"]] == [30, 90, 1, 1]
    for part in found["parts"]:
        assert all(part[f"{query}_{unit}"] > 0 for query in QUERIES for unit in ("s", "MB"))
    assert (found["peer"]["name"], found["equal"] is None) == ("small_files", False)
    assert json.loads(json.dumps(found)) == found


@linux
def test_json_is_read_whole_and_parquet_in_part(found: dict[str, Any]) -> None:
    by_form = {part["form"]: part for part in found["parts"]}
    assert by_form["json"]["one_day_MB"] > 1.5
    assert by_form["compacted"]["one_day_MB"] < 0.2 * by_form["json"]["one_day_MB"]


@linux
def test_the_page_has_a_line_a_form(found: dict[str, Any]) -> None:
    made = page.text([found])
    assert "| form | files | stored megabytes | clicks by day s | clicks by day MB |" in made
    assert "| small files | 90 |" in made


@linux
def test_another_answer_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_a_row_lost(folder: Path, count: int, appends: int) -> dict[str, dict[str, int]]:
        made, file = write_forms(folder, count, appends), folder / "events.csv"
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        file.write_text("".join(line for line in lines if not line.startswith("0,")), encoding="utf-8")
        return made

    monkeypatch.setattr(lake_forms, "write_forms", with_a_row_lost)
    with pytest.raises(MeasureError, match="the answers of csv differ from those of compacted"):
        ROW.measure(False, lambda _: None)


def test_every_form_holds_each_event_once_whatever_the_number_of_appends(tmp_path: Path) -> None:
    write_forms(tmp_path, 1_000, 7)
    for form in FORMS:
        connection = connect()
        lake_forms.view(connection, form, tmp_path)
        found = connection.execute("SELECT count(*), count(DISTINCT event_id) FROM events").fetchall()
        assert found == [(1_000, 1_000)]


def test_where_nobody_counts_bytes_the_row_is_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake_forms, "_IO", tmp_path / "io")
    with pytest.raises(NotHereError, match="where Linux counts what a process reads, is not here"):
        ROW.measure(True, lambda _: None)
