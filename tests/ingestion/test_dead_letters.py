import json
from datetime import timedelta
from pathlib import Path

from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.content import content_hash
from mlsd_lab.ingestion.contract import Field
from mlsd_lab.ingestion.contracts import BY_SOURCE, EVENTS
from mlsd_lab.ingestion.dead_letters import Redriven, bury, redrive
from mlsd_lab.ingestion.erase import erase
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect, refused
from tests.ingestion.records import NOW, clicks, event
from tests.ingestion.test_ingest import rows


def test_a_letter_has_the_bytes_as_they_came_the_reason_and_where_from(tmp_path: Path) -> None:
    folder = clicks(tmp_path / "clicks", "1.jsonl", event("a"))
    (folder / "2.jsonl").write_bytes(b"caf\xe9\n")
    lake = Lake(tmp_path / "lake")
    ingest(lake, [ClickLog(folder)], NOW)
    ((source, origin, reason, record, size),) = rows(lake, "dead_letters", "source, origin, reason, record, size")
    assert (source, bytes(record), size) == ("clicks", b"caf\xe9", 4)
    assert "2.jsonl" in origin
    assert "expected UTF-8" in reason


def test_the_same_bad_record_is_laid_down_once(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    assert bury(lake, "clicks", [refused(b"x", "no", "1"), refused(b"x", "no", "2")], NOW) == 1
    assert bury(lake, "clicks", [refused(b"x", "no", "3")], NOW + timedelta(days=1)) == 0
    assert bury(lake, "profiles", [refused(b"x", "no", "3")], NOW) == 1
    assert bury(lake, "clicks", [], NOW) == 0


def test_redrive_under_a_mended_contract_brings_in_what_a_clean_run_would_have(tmp_path: Path) -> None:
    records = [event("a"), event("b", surface=7.5), event("c", position=-1)]
    lake = Lake(tmp_path / "lake")
    ingest(lake, [ClickLog(clicks(tmp_path / "clicks", "1.jsonl", *records))], NOW)
    assert redrive(lake, NOW) == [Redriven("clicks", tried=2, kept=0, duplicates=0)]
    wider = EVENTS.changed(Field("position", "whole", low=-1, high=2**31 - 1))
    done = redrive(lake, NOW, {"clicks": wider})
    assert done == [Redriven("clicks", tried=2, kept=1, duplicates=0)]
    assert done[0].dead == lake.table("dead_letters").rows == 1
    assert rows(lake, "events", "event_id") == [("a",), ("c",)]


def test_redrive_after_mending_the_records_counts_copies_and_is_idempotent(tmp_path: Path) -> None:
    records = [event("a", watch_seconds=12), event("b", watch_seconds="12 s"), event("a", watch_seconds="12 s")]
    lake = Lake(tmp_path / "lake")
    ingest(lake, [ClickLog(clicks(tmp_path / "clicks", "1.jsonl", *records))], NOW)

    def without_unit(record: bytes) -> bytes:
        return record.replace(b'"12 s"', b"12")

    assert redrive(lake, NOW, BY_SOURCE, without_unit) == [Redriven("clicks", tried=2, kept=1, duplicates=1)]
    assert redrive(lake, NOW, BY_SOURCE, without_unit) == []
    clean = Lake(tmp_path / "clean")
    mended = [event("a", watch_seconds=12), event("b", watch_seconds=12)]
    ingest(clean, [ClickLog(clicks(tmp_path / "mended", "1.jsonl", *mended))], NOW)
    assert content_hash(connect(), lake.table("events")) == content_hash(connect(), clean.table("events"))


def test_a_letter_of_which_only_the_beginning_was_kept_stays(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    bury(lake, "clicks", [refused(b"x" * 70_000, "too long", "1")], NOW)
    assert redrive(lake, NOW) == []
    assert lake.table("dead_letters").rows == 1


def test_a_lake_without_dead_letters_has_nothing_to_redrive(tmp_path: Path) -> None:
    assert redrive(Lake(tmp_path), NOW) == []


def test_a_letter_that_names_an_erased_user_is_not_kept_and_none_comes_back_mended(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    record = json.dumps(event("e1", user_id="ann", clicked="maybe")).encode()
    bury(lake, "clicks", [refused(record, "flag", "1.jsonl")], NOW)
    other = record.replace(b"ann", b"bob").replace(b"e1", b"e2")
    bury(lake, "clicks", [refused(other, "flag", "1.jsonl")], NOW)
    erase(lake, "ann", NOW)
    assert bury(lake, "clicks", [refused(record, "flag", "2.jsonl")], NOW) == 0
    to_ann = redrive(lake, NOW, mend=lambda line: line.replace(b'"maybe"', b"true").replace(b"bob", b"ann"))
    assert to_ann == [Redriven("clicks", tried=1, kept=0, duplicates=0, erased=1)]
    assert (lake.table("events").rows, lake.table("dead_letters").rows) == (0, 0)
