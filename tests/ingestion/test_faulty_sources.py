"""A source that is cut short, garbled, ahead of its time or changed ends in a sentence or in dead letters."""

import gzip
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mlsd_lab.errors import DataError, SourceError
from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.dead_letters import redrive
from mlsd_lab.ingestion.faulty_api import Faults, FaultyApi
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.metadata_api import MetadataApi
from mlsd_lab.ingestion.parsing import connect
from tests.ingestion.bench import MINUTE, NOON, postgres_bench
from tests.ingestion.faults import Interrupted, events, hash_of
from tests.ingestion.records import NOW, clicks, event, lines

if TYPE_CHECKING:
    from tests.postgres import Server


def test_garbage_from_the_api_leaves_older_videos_in_service(tmp_path: Path) -> None:
    lake, passed = Lake(tmp_path / "lake"), [0.0]
    with FaultyApi([{"video_id": "v1", "updated_at": "2026-01-31T00:00:00Z"}]) as api:
        source = MetadataApi(api.url, deadline=30, timeout=10, sleep=passed.append, clock=lambda: sum(passed))
        garbage = api.faults = Faults(html=0.5, cut_json=0.5)
        with pytest.raises(SourceError, match=r"that is no .* run it again"):
            ingest(lake, [source], NOW)
        api.faults = Faults()
        assert ingest(lake, [source], NOW)[0].counts.kept == 1
        api.faults = garbage
        (old,) = ingest(lake, [source], NOW + timedelta(hours=5))
        assert set(api.served) == {"html", "cut_json", "ok"}
    assert (old.age_seconds, lake.table("videos").rows) == (5 * 3600, 1)
    assert "that is no" in str(old.trouble)


def test_profiles_of_a_server_that_restarts_in_the_middle_come_whole_with_the_next_run(
    postgres: "Server", tmp_path: Path
) -> None:
    with postgres_bench(postgres) as bench:
        bench.create()
        for number in range(10):
            bench.put(f"u{number}", NOON + number * MINUTE)
        ingest(Lake(tmp_path / "undisturbed"), [bench.profiles(page=4)], NOW)
        lake = Lake(tmp_path / "lake")
        with pytest.raises(SourceError, match="run again: it goes on after"):
            ingest(lake, [Interrupted(bench.profiles(page=4), postgres.restart)], NOW)
        assert lake.table("users").rows == 4
        assert ingest(lake, [bench.profiles(page=4)], NOW)[0].counts.kept == 6
        assert hash_of(lake, "users") == hash_of(Lake(tmp_path / "undisturbed"), "users")


ROOT = Path(__file__).parents[2]
COMMAND = """
import re, sys
from pathlib import Path
from mlsd_lab.cli import main
try:
    main()
finally:
    status = Path("/proc/self/status")
    print(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1] if status.exists() else 0, file=sys.stderr)
"""
"""The command line, and at its end the most memory that it held, in kB."""


def test_a_line_of_a_gigabyte_is_a_dead_letter_of_64_kb_and_never_held_whole(tmp_path: Path) -> None:
    folder = clicks(tmp_path / "clicks", "1.jsonl", *events())
    with (folder / "1.jsonl").open("r+b") as file:
        file.seek(0, 2)
        file.write(b'{"user_id": "')
        file.seek(10**9, 1)  # a hole, which takes no room on the disk
        file.write(b"\n" + lines(event("last")).encode())
    command = [sys.executable, "-c", COMMAND, "ingest", "--lake", str(tmp_path / "lake"), "--clicks", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=100)
    (folder / "1.jsonl").unlink()
    assert done.returncode == 0, done.stderr
    assert int(done.stderr.split()[-1]) * 1024 < 500 * 10**6
    lake, connection = Lake(tmp_path / "lake"), connect()
    assert lake.table("events").rows == 61
    lake.view(connection, "dead_letters", "letters")
    assert connection.sql("SELECT octet_length(record), size FROM letters").fetchall() == [(64_000, 10**9 + 13)]


def test_a_gzip_cut_short_is_told_and_completes_when_the_rest_is_there(tmp_path: Path) -> None:
    plain = ClickLog(clicks(tmp_path / "plain", "1.jsonl", *events()))
    ingest(Lake(tmp_path / "undisturbed"), [plain], NOW)
    packed = gzip.compress((plain.folder / "1.jsonl").read_bytes())
    (tmp_path / "packed").mkdir()
    file, lake = tmp_path / "packed" / "1.jsonl.gz", Lake(tmp_path / "lake")
    file.write_bytes(packed[: len(packed) // 2])
    (first,) = ingest(lake, [ClickLog(file.parent)], NOW)
    assert "cut short" in first.notes[0]
    assert 0 < first.counts.kept < 60
    file.write_bytes(packed)
    assert ingest(lake, [ClickLog(file.parent)], NOW)[0].counts.kept == 60 - first.counts.kept
    assert hash_of(lake) == hash_of(Lake(tmp_path / "undisturbed"))


def in_encoding(folder: Path, encoding: str, *records: dict[str, Any]) -> ClickLog:
    folder.mkdir()
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    (folder / "1.jsonl").write_bytes(text.encode(encoding))
    return ClickLog(folder)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "latin-1"])
def test_files_in_another_encoding_are_refused(tmp_path: Path, encoding: str) -> None:
    lake = Lake(tmp_path / "lake")
    source = in_encoding(tmp_path / "clicks", encoding, *(one | {"user_id": "zoë"} for one in events()))
    with pytest.raises(DataError, match=r"60 of 60 .* expected UTF-8.* Nothing of this batch was written"):
        ingest(lake, [source], NOW)
    assert not lake.has("dead_letters")
    assert not lake.has("events") or lake.table("events").rows == 0


def test_a_file_whose_newlines_are_none_here_is_told_and_read_when_it_is_mended(tmp_path: Path) -> None:
    lake, source = Lake(tmp_path / "lake"), in_encoding(tmp_path / "clicks", "cp037", *events())
    (found,) = ingest(lake, [source], NOW)
    assert (found.counts.read, "half a line" in found.notes[0]) == (0, True)
    clicks(source.folder, "1.jsonl", *events())
    assert ingest(lake, [source], NOW)[0].counts.kept == 60


def test_a_few_lines_in_latin_1_are_dead_letters_and_can_be_mended(tmp_path: Path) -> None:
    records = [*events(), event("latin", user_id="zoë")]
    lake, undisturbed = Lake(tmp_path / "lake"), Lake(tmp_path / "undisturbed")
    (found,) = ingest(lake, [in_encoding(tmp_path / "latin", "latin-1", *records)], NOW)
    assert (found.counts.kept, found.counts.dead) == (60, 1)
    ingest(undisturbed, [in_encoding(tmp_path / "right", "utf-8", *records)], NOW)
    assert redrive(lake, NOW)[0].dead == 1
    assert redrive(lake, NOW, mend=lambda record: record.decode("latin-1").encode())[0].kept == 1
    assert hash_of(lake) == hash_of(undisturbed)


@pytest.mark.parametrize("changes", [("known_at",), ("occurred_at",), ("occurred_at", "known_at")], ids="+".join)
def test_a_clock_a_year_ahead_ends_in_dead_letters_until_that_time_has_come(
    tmp_path: Path, changes: tuple[str, ...]
) -> None:
    ahead = (NOW + timedelta(days=365)).isoformat()
    last = event("ahead") | dict.fromkeys(changes, ahead)
    lake, source = Lake(tmp_path / "lake"), ClickLog(clicks(tmp_path / "clicks", "1.jsonl", *events(), last))
    (found,) = ingest(lake, [source], NOW)
    assert (found.counts.kept, found.counts.dead) == (60, 1)
    assert redrive(lake, NOW + timedelta(days=300))[0].kept == 0
    (done,) = redrive(lake, NOW + timedelta(days=366))
    assert done.kept == ("known_at" in changes)  # what occurred after it was known stays impossible


TYPES: list[tuple[str, Any, Any]] = [
    ("watch_seconds", 12.0, "12 s"),
    ("clicked", True, 1),
    ("user_id", "ann", {"id": "ann"}),
]


@pytest.mark.parametrize(("field", "right", "wrong"), TYPES, ids=[name for name, _, _ in TYPES])
def test_a_field_of_another_type_from_one_hour_on_stops_the_run_and_can_be_mended(
    tmp_path: Path, field: str, right: Any, wrong: Any
) -> None:
    good, bad = ([one | {field: value} for one in events()] for value in (right, wrong))
    clean, lake = Lake(tmp_path / "clean"), Lake(tmp_path / "lake")
    ingest(clean, [ClickLog(clicks(tmp_path / "good", "1.jsonl", *good))], NOW)
    source = ClickLog(clicks(tmp_path / "bad", "1.jsonl", *good[:20], *bad[20:]))
    with pytest.raises(DataError, match=rf"40 of 60 .*{field}: expected.* Nothing of this batch was written"):
        ingest(lake, [source], NOW)
    assert not lake.has("dead_letters")
    assert not lake.has("events") or lake.table("events").rows == 0
    (borne,) = ingest(lake, [source], NOW, bad_share=1)
    assert (borne.counts.kept, borne.counts.dead) == (20, 40)
    (done,) = redrive(lake, NOW, mend=lambda record: json.dumps(json.loads(record) | {field: right}).encode())
    assert (done.kept, done.dead) == (40, 0)
    assert hash_of(lake) == hash_of(clean)
