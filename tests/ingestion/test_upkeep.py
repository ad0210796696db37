from datetime import date
from pathlib import Path

import pytest
from deltalake import DeltaTable, QueryBuilder

from mlsd_lab.errors import ConfigError, StorageError
from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.content import content_hash
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.upkeep import compact
from tests.ingestion.records import NOW, clicks, event


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake of three commits, each with a file a day for three days."""
    made = Lake(tmp_path / "lake")
    for part in range(3):
        events = [event(f"e{part}-{at}", occurred_at=f"2026-01-0{1 + at % 3}T10:00:00Z") for at in range(9)]
        known = [one | {"known_at": "2026-01-05T00:00:00Z"} for one in events]
        ingest(made, [ClickLog(clicks(tmp_path / "clicks", f"{part}.jsonl", *known))], NOW)
    return made


def hash_of(lake: Lake) -> str:
    return content_hash(connect(), lake.table("events"))


def test_small_files_become_few_and_rows_and_positions_stay(lake: Lake, tmp_path: Path) -> None:
    before, states = hash_of(lake), lake.table("events").states
    (done,) = compact(lake)
    assert (done.table, done.files_before, done.files_after, done.removed, done.rows_dropped) == ("events", 9, 3, 0, 0)
    assert (hash_of(lake), lake.table("events").states) == (before, states)
    assert ingest(lake, [ClickLog(tmp_path / "clicks")], NOW)[0].counts.read == 0


def test_versions_of_the_kept_hours_can_still_be_read_and_older_ones_not(lake: Lake) -> None:
    uri = f"{lake.root}/events"
    versions = [DeltaTable(uri, version=at) for at in range(DeltaTable(uri).version() + 1)]
    compact(lake, keep_hours=1)
    counts = [
        QueryBuilder().register("t", one).execute("SELECT user_id FROM t").read_all().num_rows for one in versions
    ]
    assert counts == [0, 9, 18, 27]
    assert compact(lake, keep_hours=0)[0].removed == 9
    assert len(list(Path(lake.root, "events").rglob("*.parquet"))) == 3
    with pytest.raises(Exception, match="part-"):
        QueryBuilder().register("t", versions[1]).execute("SELECT user_id FROM t").read_all()


def test_days_before_a_date_go_and_that_day_stays(lake: Lake) -> None:
    (done,) = compact(lake, keep_hours=0, drop_before=date(2026, 1, 3))
    assert (done.rows_dropped, done.files_after) == (18, 1)
    connection = connect()
    lake.view(connection, "events", "events")
    assert connection.sql("SELECT DISTINCT event_date FROM events").fetchall() == [(date(2026, 1, 3),)]
    assert [one.rows_dropped for one in compact(lake, drop_before=date(2026, 1, 3))] == [0]


def test_files_of_broken_off_writes_go(lake: Lake) -> None:
    data = Path(lake.table("events").files[0])
    orphan = data.with_name("part-orphan.parquet")
    orphan.write_bytes(data.read_bytes())
    before = hash_of(lake)
    compact(lake, keep_hours=0)
    assert hash_of(lake) == before
    assert not orphan.exists()


def test_an_empty_table_and_a_second_time_change_nothing(lake: Lake) -> None:
    lake.table("users")
    compact(lake, keep_hours=0)
    before = hash_of(lake)
    files = [(one.table, one.files_before, one.files_after) for one in compact(lake, keep_hours=0)]
    assert files == [("events", 3, 3), ("users", 0, 0)]
    assert hash_of(lake) == before


def test_a_wrong_number_of_hours_and_no_lake_are_refused(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--keep-hours"):
        compact(lake, keep_hours=-1)
    with pytest.raises(StorageError, match="expected a lake"):
        compact(Lake(tmp_path / "none"))
