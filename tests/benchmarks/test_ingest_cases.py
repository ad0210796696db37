"""The rows of ingestion by history, input and trouble, at a small size."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import page, results
from benchmarks.event_lines import events, fill_lake, write_lines
from benchmarks.process import MeasureError
from benchmarks.rows import ingest_cases
from benchmarks.rows.ingest_cases import Case, IngestCases
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.through_lake import DEFECTS


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    cases = (Case(8_000), Case(8_000, stored=4_000), Case(8_000, defects=DEFECTS))
    return results.measured(IngestCases("cases", "Cases.", cases, rounds=1), False, lambda _: None)


def test_each_case_says_what_became_of_its_lines(found: dict[str, Any]) -> None:
    plain, history, defects = found["parts"]
    assert [plain[name] for name in ("stored", "lines", "kept", "duplicates", "dead")] == [0, 8_000, 8_000, 0, 0]
    assert [history[name] for name in ("stored", "kept", "duplicates", "dead")] == [4_000, 8_000, 160, 0]
    assert defects["duplicates"] == round(DEFECTS.repeated * defects["kept"])
    assert defects["dead"] == round(DEFECTS.broken * defects["kept"])
    assert plain["times_first_a_line"] == 1.0
    assert plain["events_per_second"] == pytest.approx(8_000 / plain["seconds"], abs=1)


def test_the_last_case_is_that_of_the_row(found: dict[str, Any]) -> None:
    last = found["parts"][-1]
    assert (found["ours"]["median"], found["size"]["lines"]) == (last["seconds"], last["lines"])
    assert found["ratio"] == pytest.approx(1 / last["times_parse_alone"], rel=0.01)
    assert json.loads(json.dumps(found)) == found


def test_the_page_has_a_line_a_case(found: dict[str, Any]) -> None:
    made = page.text([found])
    assert "| stored | copies of days | batch megabytes | lines | kept |" in made
    assert "| 4,000 | 30 | 256 | 8,160 | 8,000 | 160 | 0 |" in made


def test_a_lost_line_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest_cases, "write_lines", lambda *given: write_lines(*given) + 1)
    with pytest.raises(MeasureError, match=r"cases, ours: expected .*'duplicates': 1, .* found .*'duplicates': 0"):
        IngestCases("cases", "", (Case(800),), rounds=1).measure(False, lambda _: None)


def test_an_id_that_is_stored_twice_is_no_result(tmp_path: Path) -> None:
    became = {"kept": 100, "duplicates": 0, "dead": 0}
    fill_lake(tmp_path, 100).table("events").append(connect(), events(100, 0, 1), {})
    with pytest.raises(MeasureError, match=r"expected 100 rows of as many ids, found \(101, 100\)"):
        IngestCases("cases", "", ())._check(Case(100), "ours", became, became, tmp_path)


def test_the_goal_is_half_a_million_events_a_second_at_20_million() -> None:
    row = next(row for row in ingest_cases.ROWS if row.name == "ingest_history")
    assert row.cases[-1] == Case(1_000_000, stored=20_000_000, copies_of_days=1)
    assert row.target is not None
    assert row.cases[-1].events / row.target.most == 500_000
