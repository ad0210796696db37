from datetime import timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable

from mlsd_lab import clock
from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.erase import erase
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.lake_files import data_files, delete_files, file_sizes, staged_files
from mlsd_lab.ingestion.upkeep import compact
from tests.ingestion.records import NOW, clicks, event


@pytest.fixture
def events(tmp_path: Path) -> DeltaTable:
    """Two days of events under an odd path, the second in two files."""
    lake = Lake(tmp_path / "l'été *? 1")
    for name, day in (("1", 1), ("2", 2), ("3", 2)):
        at = f"2026-01-0{day}T10:00:00Z"
        record = event(f"e{name}", occurred_at=at, known_at=at)
        ingest(lake, [ClickLog(clicks(tmp_path / f"clicks-{name}", f"{name}.jsonl", record))], NOW)
    return DeltaTable(f"{lake.root}/events")


def test_sizes_are_those_of_the_files_by_partition(events: DeltaTable) -> None:
    found = file_sizes(events)
    assert {day: len(sizes) for day, sizes in found.items()} == {"2026-01-01": 1, "2026-01-02": 2}
    on_disk = [Path(file).stat().st_size for file in data_files(events)]
    assert sorted(on_disk) == sorted(size for sizes in found.values() for size in sizes)


def test_a_file_that_is_gone_already_is_not_counted(events: DeltaTable) -> None:
    folder = Path(data_files(events)[0]).parents[1]
    inside = [Path(file).relative_to(folder).as_posix() for file in data_files(events)]
    assert delete_files(str(folder), {}, [*inside[:2], "event_date=2026-01-09/none.parquet"]) == 2
    assert [Path(file).exists() for file in data_files(events)] == [False, False, True]


def test_what_a_killed_write_left_half_written_goes_and_what_is_fresh_stays(events: DeltaTable) -> None:
    lake = Lake(Path(data_files(events)[0]).parents[2])
    folder = Path(lake.root, "events")
    left = [folder / "event_date=2026-01-02" / "part-0.zstd.parquet#1", folder / "_delta_log" / "9.json#12"]
    for path in left:
        path.write_bytes(b"ann")
    other = folder / "notes#about.txt"
    other.write_bytes(b"")
    assert sorted(staged_files(str(folder), clock.now() + timedelta(hours=1))) == sorted(left)
    compact(lake, keep_hours=1)
    assert all(path.exists() for path in left)
    erase(lake, "nobody", NOW)
    assert not any(path.exists() for path in left)
