import json
from pathlib import Path

import pytest

from tests.cli.command_line import CommandLine, assert_refused, assert_sentence
from tests.ingestion.records import clicks, event


@pytest.fixture
def lake(mlsd_lab: CommandLine) -> str:
    records = [event("a"), event("b", user_id="bob"), event("c", user_id="[red]eve"), event("d", clicked=1)]
    clicks(Path("logs"), "1.jsonl", *records)
    assert mlsd_lab("ingest", "--lake", "lake", "--clicks", "logs").code == 0
    return "lake"


def test_sql_shows_what_a_select_finds(mlsd_lab: CommandLine, lake: str) -> None:
    done = mlsd_lab(
        "sql", "--lake", lake, "SELECT user_id, occurred_at FROM fact_events ORDER BY 1", "--json", "x.json"
    )
    assert done.code == 0
    assert "[red]eve" in done.out
    assert "2026-01-01 10:00:00+00:00" in done.out
    assert [row["user_id"] for row in json.loads(Path("x.json").read_text(encoding="utf-8"))] == [
        "[red]eve",
        "ann",
        "bob",
    ]


def test_sql_says_when_it_shows_a_part(mlsd_lab: CommandLine, lake: str) -> None:
    done = mlsd_lab("sql", "--lake", lake, "--rows", "2", "SELECT * FROM fact_events")
    assert "2 of 3 rows; more with --rows" in done.out


@pytest.mark.parametrize("query", ["SELEC 1", "DROP VIEW fact_events", "SELECT * FROM nowhere", ""])
def test_sql_that_fails_is_one_sentence(mlsd_lab: CommandLine, lake: str, query: str) -> None:
    assert_sentence(mlsd_lab("sql", "--lake", lake, query), "sql: ")


@pytest.mark.parametrize("command", [["sql", "SELECT 1"], ["redrive"], ["compact"]])
def test_without_a_lake_each_says_so(mlsd_lab: CommandLine, command: list[str]) -> None:
    assert_refused(mlsd_lab(*command, "--lake", "nowhere"), "expected a lake at")
    assert not Path("nowhere").exists()


def test_redrive_and_compact_say_what_they_did(mlsd_lab: CommandLine, lake: str) -> None:
    assert "still dead" in mlsd_lab("redrive", "--lake", lake).out
    done = mlsd_lab("compact", "--lake", lake, "--keep-hours", "0", "--drop-before", "2027-01-01")
    assert done.code == 0
    assert "events" in done.out
    found = mlsd_lab("sql", "--lake", lake, "SELECT count(*) AS n FROM fact_events")
    assert "0" in found.out
