"""A storage that is full, closed, damaged or of somebody else ends in a sentence; a rerun completes."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from deltalake import DeltaTable, write_deltalake

from mlsd_lab.errors import ConfigError, DataError, MlsdLabError, StorageError
from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.erase import erase
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.warehouse import Warehouse
from tests.ingestion.faults import Interrupted, events, hash_of, without_rights
from tests.ingestion.records import NOW, clicks


@pytest.fixture
def source(tmp_path: Path) -> ClickLog:
    return ClickLog(clicks(tmp_path / "clicks", "1.jsonl", *events()))


@pytest.fixture
def undisturbed(source: ClickLog, tmp_path: Path) -> str:
    lake = Lake(tmp_path / "undisturbed")
    ingest(lake, [source], NOW)
    return hash_of(lake)


def command(limit: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command line where no file may grow beyond a limit, in bytes."""
    code = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
    code += "from mlsd_lab.cli import main; main()"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=100)


PANIC = re.compile(r"\n?thread '[\w-]+' (\(\d+\) )?panicked at .*\nAlready shut down\n(note: .*\n|stack backtrace:\n)*")
"""What Delta writes of its own where a data file cannot be written: apache/arrow-rs-object-store#810."""


@dataclass(frozen=True)
class Full:
    """When the disk is full, and what the lake then holds: commits and data files."""

    limit: int
    there: tuple[int, int]
    made: bool = True
    """Whether the table was there before."""
    count: int = 12
    blank: int = 0
    """So many empty click files make a long commit of a short one."""


FULL = {
    "the table's first commit": Full(limit=1_500, there=(0, 0), made=False),
    "the lines on their way": Full(limit=5_000, there=(1, 0), count=60),
    "a data file": Full(limit=2_000, there=(1, 0)),
    "the commit": Full(limit=5_000, there=(1, 3), blank=150),
}


@pytest.mark.parametrize("full", FULL.values(), ids=FULL)
def test_a_disk_that_takes_no_more_ends_in_a_sentence_and_a_rerun_completes(tmp_path: Path, full: Full) -> None:
    source = ClickLog(clicks(tmp_path / "clicks", "1.jsonl", *events(full.count)))
    for number in range(full.blank):
        clicks(source.folder, f"blank-{number}.jsonl")
    undisturbed, lake = Lake(tmp_path / "undisturbed"), Lake(tmp_path / "lake")
    ingest(undisturbed, [source], NOW)
    if full.made:
        lake.table("events")
    done = command(full.limit, "ingest", "--lake", lake.root, "--clicks", source.folder)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    said = PANIC.sub("", done.stderr)
    assert said.startswith("mlsd-lab: cannot use ")
    assert "File too large" in said
    assert said.count("\n") == 1, said
    table = tmp_path / "lake" / "events"
    assert (len([*table.glob("_delta_log/*.json")]), len([*table.rglob("*.parquet")])) == full.there
    ingest(lake, [source], NOW)
    assert hash_of(lake) == hash_of(undisturbed)


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
        patch.delattr("os.memfd_create", raising=False)  # as on systems that have no files in memory
        with pytest.raises(StorageError, match=r"cannot use the temporary folder .*No space left"):
            ingest(lake, [source], NOW)
    ingest(lake, [source], NOW)
    assert hash_of(lake) == undisturbed


@pytest.fixture
def open_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that another user can reach: those above `tmp_path` are closed to others."""
    with TemporaryDirectory(prefix="mlsd-lab-") as name:
        Path(name).chmod(0o755)
        Path(name, "temporary").mkdir()
        Path(name, "temporary").chmod(0o777)
        monkeypatch.setattr("tempfile.tempdir", str(Path(name, "temporary")))
        yield Path(name)


def test_a_right_to_write_that_is_lost_in_the_middle_ends_in_a_sentence_and_a_rerun_completes(
    open_folder: Path,
) -> None:
    source = ClickLog(clicks(open_folder / "clicks", "1.jsonl", *events()), batch_bytes=3_000)
    clicks(source.folder, "2.jsonl", *events(90))
    ingest(Lake(open_folder / "undisturbed"), [source], NOW)
    lake = Lake(open_folder / "lake")
    with ExitStack() as stack:
        interrupted = Interrupted(source, lambda: stack.enter_context(without_rights(open_folder / "lake")))
        with pytest.raises(StorageError, match=r"cannot use .*/lake/events.*Permission denied"):
            ingest(lake, [interrupted], NOW)
    assert 0 < lake.table("events").rows < 90
    ingest(lake, [source], NOW)
    assert hash_of(lake) == hash_of(Lake(open_folder / "undisturbed"))


@pytest.mark.parametrize("part", ["", "events", "events/_delta_log", "events/event_date=2026-01-01"])
def test_a_lake_that_may_not_be_read_is_told_and_not_taken_for_an_empty_one(open_folder: Path, part: str) -> None:
    source = ClickLog(clicks(open_folder / "clicks", "1.jsonl", *events()))
    lake = Lake(open_folder / "lake")
    ingest(lake, [source], NOW)
    held = hash_of(lake)
    clicks(source.folder, "2.jsonl", *events(70))
    with without_rights(open_folder / "lake" / part, 0):
        with pytest.raises(StorageError):
            Warehouse(lake).query("SELECT count(user_id) FROM fact_events")
        with pytest.raises(StorageError):
            ingest(lake, [source], NOW)
    assert hash_of(lake) == held
    assert ingest(lake, [source], NOW)[0].counts.kept == 10


def test_a_file_where_a_table_belongs_ends_in_a_sentence(source: ClickLog, undisturbed: str, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "events").write_text("in the way", encoding="utf-8")
    with pytest.raises(StorageError, match="cannot use"):
        ingest(lake, [source], NOW)
    (tmp_path / "lake" / "events").unlink()
    ingest(lake, [source], NOW)
    assert hash_of(lake) == undisturbed


def _newer(table: Path) -> None:
    file = table / "_delta_log" / f"{0:020}.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"mlsd_lab.format":"1"', '"mlsd_lab.format":"2"'), "utf-8")


def _corrupt(table: Path) -> None:
    (table / "_delta_log" / f"{1:020}.json").write_bytes(b'{"commitInfo": \x00\xff')


def _without_data(table: Path) -> None:
    for file in table.rglob("*.parquet"):
        file.unlink()


def _emptied(table: Path) -> None:
    max(table.rglob("*.parquet")).write_bytes(b"")


def _garbled(table: Path) -> None:
    file = max(table.rglob("*.parquet"))
    data = file.read_bytes()
    file.write_bytes(data[:4] + bytes(byte ^ 0x5A for byte in data[4 : len(data) // 3]) + data[len(data) // 3 :])


@pytest.mark.parametrize("harm", [_emptied, _garbled])
def test_a_stored_file_that_turns_out_damaged_only_when_it_is_read_is_told_in_a_sentence(
    source: ClickLog, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    lake = Lake(tmp_path / "lake")
    ingest(lake, [source], NOW)
    ingest(lake, [ClickLog(clicks(tmp_path / "more", "2.jsonl", *events(61)), name="more")], NOW)
    harm(tmp_path / "lake" / "events")
    clicks(source.folder, "3.jsonl", *events(70))
    for use in (
        lambda: Warehouse(lake).query("SELECT count(user_id) FROM fact_events"),
        lambda: Warehouse(lake).log(),
        lambda: ingest(lake, [source], NOW),
        lambda: hash_of(lake),
        lambda: erase(lake, "ann", NOW),
    ):
        with pytest.raises(StorageError, match=r"cannot use .*lake.*\. Mend it"):
            use()


@pytest.mark.parametrize(
    ("harm", "told"),
    [(_newer, "install a newer"), (_corrupt, "cannot use"), (_without_data, "cannot use .*No files found")],
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
