import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from deltalake import DeltaTable, write_deltalake

from mlsd_lab.errors import ConfigError, DataError, MlsdLabError, SourceError, StorageError
from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.content import content_hash
from mlsd_lab.ingestion.dead_letters import redrive
from mlsd_lab.ingestion.faulty_api import Faults, FaultyApi
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.metadata_api import MetadataApi
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.warehouse import Warehouse
from tests.ingestion.records import NOW, clicks, event, lines


def hash_of(lake: Lake) -> str:
    return content_hash(connect(), lake.table("events"))


def events(count: int = 60, start: int = 0) -> list[dict[str, Any]]:
    return [event(f"e{at}", occurred_at=f"2026-01-0{1 + at % 3}T10:00:00Z", known_at="2026-01-09T00:00:00Z")
            for at in range(start, start + count)]  # fmt: skip


@pytest.fixture
def source(tmp_path: Path) -> ClickLog:
    return ClickLog(clicks(tmp_path / "clicks", "1.jsonl", *events()))


@pytest.fixture
def undisturbed(source: ClickLog, tmp_path: Path) -> str:
    lake = Lake(tmp_path / "undisturbed")
    ingest(lake, [source], NOW)
    return hash_of(lake)


def command(limit: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command line where no file may grow beyond a limit."""
    code = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
    code += "from mlsd_lab.cli import main; main()"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=100)


@pytest.mark.parametrize("limit", [100, 1500, 6000])
def test_a_disk_that_takes_no_more_ends_in_a_sentence_and_a_rerun_completes(
    source: ClickLog, undisturbed: str, tmp_path: Path, limit: int
) -> None:
    done = command(limit, "ingest", "--lake", tmp_path / "lake", "--clicks", source.folder)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "File too large" in done.stderr
    ingest(Lake(tmp_path / "lake"), [source], NOW)
    assert hash_of(Lake(tmp_path / "lake")) == undisturbed


@contextmanager
def mounted(place: Path, size: str) -> Iterator[None]:
    place.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(place)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can be mounted by root alone")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_under_the_lake_ends_in_a_sentence_and_a_rerun_completes(
    source: ClickLog, undisturbed: str, tmp_path: Path
) -> None:
    with mounted(tmp_path / "disk", "64k"):
        filler = tmp_path / "disk" / "filler"
        filler.write_bytes(b"x" * 60_000)
        with pytest.raises(StorageError, match="No space left"):
            ingest(Lake(tmp_path / "disk" / "lake"), [source], NOW)
        filler.unlink()
        ingest(Lake(tmp_path / "disk" / "lake"), [source], NOW)
        assert hash_of(Lake(tmp_path / "disk" / "lake")) == undisturbed


def test_a_full_temporary_folder_ends_in_a_sentence(
    source: ClickLog, undisturbed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(tmp_path / "lake")
    with mounted(tmp_path / "disk", "4k"), monkeypatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(tmp_path / "disk"))
        with pytest.raises((MlsdLabError, OSError), match="No space left"):
            ingest(lake, [source], NOW)
    ingest(lake, [source], NOW)
    assert hash_of(lake) == undisturbed


def test_a_folder_that_may_not_be_written_ends_in_a_sentence_and_a_rerun_completes() -> None:
    if os.geteuid():
        pytest.skip("another user can be taken on by root alone")
    with TemporaryDirectory(prefix="mlsd-lab-") as name:
        Path(name).chmod(0o755)
        source = ClickLog(clicks(Path(name, "clicks"), "1.jsonl", *events()))
        lake = Lake(Path(name, "lake"))
        lake.table("events")
        os.seteuid(65534)
        try:
            with pytest.raises(StorageError, match="Permission denied"):
                ingest(lake, [source], NOW)
        finally:
            os.seteuid(0)
        assert ingest(lake, [source], NOW)[0].counts.kept == 60


def test_a_file_where_a_table_belongs_ends_in_a_sentence(source: ClickLog, undisturbed: str, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "events").write_text("in the way", encoding="utf-8")
    with pytest.raises(StorageError, match="cannot use"):
        ingest(lake, [source], NOW)
    (tmp_path / "lake" / "events").unlink()
    ingest(lake, [source], NOW)
    assert hash_of(lake) == undisturbed


def test_garbage_from_the_api_leaves_older_videos_in_service(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    with FaultyApi([{"video_id": "v1", "updated_at": "2026-01-31T00:00:00Z"}]) as api:
        source = MetadataApi(api.url, deadline=0.2, timeout=0.2, sleep=lambda _: None)
        api.faults = Faults(html=0.5, cut_json=0.5)
        with pytest.raises(SourceError, match="run it again"):
            ingest(lake, [source], NOW)
        api.faults = Faults()
        ingest(lake, [source], NOW)
        api.faults = Faults(html=0.5, cut_json=0.5)
        (old,) = ingest(lake, [source], NOW + timedelta(hours=5))
    assert old.age_seconds == 5 * 3600
    assert "that is no" in str(old.trouble)


def test_a_huge_line_is_a_dead_letter_of_64_kb(tmp_path: Path) -> None:
    size = int(os.environ.get("MLSD_LAB_HUGE_LINE", 200 * 10**6))
    source = ClickLog(clicks(tmp_path / "clicks", "1.jsonl", *events(), '{"user_id": "' + "x" * size, event("last")))
    lake = Lake(tmp_path / "lake")
    assert ingest(lake, [source], NOW)[0].counts.kept == 61
    connection = connect()
    lake.view(connection, "dead_letters", "letters")
    assert connection.sql("SELECT octet_length(record), size FROM letters").fetchall() == [(64_000, size + 13)]


def test_a_gzip_cut_short_is_told_and_completes_when_the_rest_is_there(
    source: ClickLog, undisturbed: str, tmp_path: Path
) -> None:
    packed = gzip.compress((source.folder / "1.jsonl").read_bytes())
    (tmp_path / "packed").mkdir()
    file = tmp_path / "packed" / "1.jsonl.gz"
    lake = Lake(tmp_path / "lake")
    file.write_bytes(packed[: len(packed) // 2])
    (first,) = ingest(lake, [ClickLog(file.parent)], NOW)
    assert "cut short" in first.notes[0]
    file.write_bytes(packed)
    ingest(lake, [ClickLog(file.parent)], NOW)
    assert hash_of(lake) == undisturbed


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "cp037"])
def test_files_in_another_encoding_are_refused(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "clicks").mkdir()
    (tmp_path / "clicks" / "1.jsonl").write_bytes(lines(*events()).encode(encoding))
    lake = Lake(tmp_path / "lake")
    try:
        ingest(lake, [ClickLog(tmp_path / "clicks")], NOW)
    except DataError as error:
        assert "Nothing of this batch was written" in str(error)
    assert not lake.has("events") or lake.table("events").rows == 0


@pytest.mark.parametrize("field", ["occurred_at", "known_at"])
def test_a_clock_a_year_ahead_ends_in_dead_letters(tmp_path: Path, field: str) -> None:
    ahead = (NOW + timedelta(days=365)).isoformat()
    source = ClickLog(clicks(tmp_path / "clicks", "1.jsonl", *events(), event("ahead") | {field: ahead}))
    (found,) = ingest(Lake(tmp_path / "lake"), [source], NOW)
    assert (found.counts.kept, found.counts.dead) == (60, 1)


TYPES: list[tuple[str, Any, Any]] = [
    ("watch_seconds", 12.0, "12 s"),
    ("clicked", True, 1),
    ("user_id", "ann", {"id": "ann"}),
]


@pytest.mark.parametrize(("field", "right", "wrong"), TYPES, ids=[name for name, _, _ in TYPES])
def test_a_field_of_another_type_stops_the_run_and_can_be_mended(
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


def _newer(table: Path) -> None:
    file = table / "_delta_log" / f"{0:020}.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"mlsd_lab.format":"1"', '"mlsd_lab.format":"2"'), "utf-8")


def _corrupt(table: Path) -> None:
    (table / "_delta_log" / f"{1:020}.json").write_bytes(b'{"commitInfo": \x00\xff')


def _without_data(table: Path) -> None:
    for file in table.rglob("*.parquet"):
        file.unlink()


@pytest.mark.parametrize(
    ("harm", "told"), [(_newer, "install a newer"), (_corrupt, "cannot use"), (_without_data, "cannot|sql: ")]
)
def test_a_lake_that_cannot_be_read_is_told_in_a_sentence(
    source: ClickLog, tmp_path: Path, harm: Callable[[Path], None], told: str
) -> None:
    lake = Lake(tmp_path / "lake")
    ingest(lake, [source], NOW)
    harm(tmp_path / "lake" / "events")
    with pytest.raises(MlsdLabError, match=told):
        Warehouse(lake).query("SELECT count(user_id) FROM fact_events")
    clicks(source.folder, "2.jsonl", *events(70))
    with pytest.raises(MlsdLabError, match=told):
        ingest(lake, [source], NOW)


def test_a_delta_table_of_somebody_else_is_refused(source: ClickLog, tmp_path: Path) -> None:
    write_deltalake(tmp_path / "lake" / "events", connect().sql("SELECT 1 AS a"))
    with pytest.raises(DataError, match="found another Delta table"):
        ingest(Lake(tmp_path / "lake"), [source], NOW)


def test_the_positions_outlive_the_upkeep_of_other_tools(source: ClickLog, undisturbed: str, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    ingest(lake, [source], NOW)
    table = DeltaTable(tmp_path / "lake" / "events")
    table.optimize.compact()
    table.vacuum(0, dry_run=False, enforce_retention_duration=False)
    assert ingest(lake, [source], NOW)[0].counts.read == 0
    assert hash_of(lake) == undisturbed


def test_without_the_log_the_sources_are_read_again_and_nothing_comes_twice(
    source: ClickLog, undisturbed: str, tmp_path: Path
) -> None:
    lake = Lake(tmp_path / "lake")
    ingest(lake, [source], NOW)
    table = DeltaTable(tmp_path / "lake" / "events")
    table.alter.set_table_properties({"delta.logRetentionDuration": "interval 0 seconds"})
    table.create_checkpoint()
    table.cleanup_metadata()
    ingest(lake, [source], NOW)
    assert hash_of(lake) == undisturbed
    assert ingest(lake, [source], NOW)[0].counts.read == 0


@pytest.mark.parametrize("name", ["a b", "it's", 'say "hi"', "zoë 日本", "x*?", "a#b&c=d"])
def test_a_lake_lies_at_any_path(source: ClickLog, undisturbed: str, tmp_path: Path, name: str) -> None:
    lake = Lake(tmp_path / name / "lake")
    ingest(lake, [source], NOW)
    assert hash_of(lake) == undisturbed
    assert Warehouse(lake).query("SELECT count(*) AS n FROM fact_events")["n"].to_list() == [60]


@pytest.mark.parametrize("name", ["100%25", "[x]"])
def test_a_path_that_delta_would_read_otherwise_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"without [%\[] in its path"):
        Lake(tmp_path / name)
