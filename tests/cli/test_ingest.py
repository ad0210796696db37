import json
from pathlib import Path

import pytest

from tests.cli.command_line import CommandLine, assert_refused, assert_sentence
from tests.ingestion.records import clicks, event


def test_click_files_land_in_a_lake_with_a_closing_table_and_json(mlsd_lab: CommandLine) -> None:
    clicks(Path("logs"), "1.jsonl", event("a"), event("a"), event("b", speed=1), "oops")
    done = mlsd_lab("ingest", "--lake", "lake", "--clicks", "logs", "--json", "found.json")
    assert done.code == 0
    assert "clicks" in done.out
    assert "'speed' is not in the contract" in done.out
    why = mlsd_lab("sql", "--lake", "lake", done.out.partition('--lake lake "')[2].partition('"')[0])
    assert (why.code, "expected a JSON object" in " ".join(why.out.split())) == (0, True)
    found = json.loads(Path("found.json").read_text(encoding="utf-8"))
    assert {key: found[key] for key in ("read", "kept", "duplicates", "dead", "rows")} == {
        "read": 4,
        "kept": 2,
        "duplicates": 1,
        "dead": 1,
        "rows": 2,
    }
    again = mlsd_lab("ingest", "--lake", "lake", "--clicks", "logs", "--json", "again.json")
    assert again.code == 0
    assert "Some records were refused" not in again.out
    assert json.loads(Path("again.json").read_text(encoding="utf-8"))["content_hash"] == found["content_hash"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--lake", "lake"], "expected a source, found none"),
        (["--lake", "lake", "--clicks", "nowhere"], "nowhere"),
        (["--lake", "gs://x/y", "--clicks", "."], "--lake: expected a folder or s3://"),
        (["--lake", "lake", "--profiles", "mysql://x"], "expected"),
        (["--lake", "lake", "--metadata", "ftp://x"], "expected"),
        (["--lake", "lake", "--metadata", "http://127.0.0.1:9/videos"], "metadata"),
        (["--lake", "lake", "--clicks", ".", "--json", "nowhere/x.json"], "--json: expected a folder"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(mlsd_lab: CommandLine, arguments: list[str], sentence: str) -> None:
    assert_refused(mlsd_lab("ingest", *arguments), sentence)


def test_too_many_bad_records_are_one_sentence_with_the_way_out(mlsd_lab: CommandLine) -> None:
    clicks(Path("logs"), "1.jsonl", *(event(f"e{at}", clicked=1) for at in range(30)))
    assert_sentence(mlsd_lab("ingest", "--clicks", "logs"), "--bad-share")
    assert mlsd_lab("ingest", "--clicks", "logs", "--bad-share", "1").code == 0
