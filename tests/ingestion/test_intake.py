import json
from pathlib import Path

from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.intake import Counts, Intake, summary
from mlsd_lab.ingestion.lake import Lake
from tests.ingestion.records import NOW, clicks, event


def test_a_summary_has_the_runs_counts_and_what_the_source_ever_gave(tmp_path: Path) -> None:
    folder = clicks(tmp_path / "clicks", "1.jsonl", event("a"), event("a"))
    lake = Lake(tmp_path / "lake")
    ingest(lake, [ClickLog(folder)], NOW)
    clicks(folder, "2.jsonl", event("b"), "oops")
    found = summary(lake, ingest(lake, [ClickLog(folder)], NOW))
    json.dumps(found, allow_nan=False)
    assert {key: found[key] for key in ("read", "kept", "duplicates", "dead", "rows")} == {
        "read": 2,
        "kept": 1,
        "duplicates": 0,
        "dead": 1,
        "rows": 2,
    }
    assert found["sources"]["clicks"]["total"] == vars(Counts(read=4, kept=2, duplicates=1, dead=1))
    assert len(found["content_hash"]) == 64
    assert found["events_per_s"] > 0


def test_the_hash_depends_on_the_rows_alone(tmp_path: Path) -> None:
    hashes = set()
    for name, records in (("one", [event("a"), event("b")]), ("two", [event("b"), event("a"), event("a")])):
        lake = Lake(tmp_path / name)
        intakes = ingest(lake, [ClickLog(clicks(tmp_path / f"{name}-clicks", "1.jsonl", *records))], NOW)
        hashes.add(summary(lake, intakes)["content_hash"])
    other = Lake(tmp_path / "three")
    ingest(other, [ClickLog(clicks(tmp_path / "three-clicks", "1.jsonl", event("a"), event("b", clicked=True)))], NOW)
    assert len(hashes) == 1
    assert summary(other, [])["content_hash"] not in hashes


def test_trouble_is_told_with_the_age_of_what_serves_instead(tmp_path: Path) -> None:
    intake = Intake("metadata", "videos", trouble="it is down", age_seconds=60.0)
    assert summary(Lake(tmp_path), [intake])["sources"]["metadata"]["age_seconds"] == 60.0
