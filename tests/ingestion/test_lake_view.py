from datetime import date
from pathlib import Path

from deltalake import DeltaTable

from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.lake_files import data_files
from mlsd_lab.ingestion.lake_view import make_view
from mlsd_lab.ingestion.parsing import connect
from tests.ingestion.records import NOW, clicks, event


def test_rows_of_some_partitions_are_readable_where_a_path_is_odd(tmp_path: Path) -> None:
    records = [
        event(f"e{day}", occurred_at=f"2026-01-0{day}T10:00:00Z", known_at="2026-01-09T00:00:00Z") for day in (1, 2, 3)
    ]
    lake = Lake(tmp_path / "l'été *? 1")
    ingest(lake, [ClickLog(clicks(tmp_path / "clicks", "1.jsonl", *records))], NOW)
    table, connection = DeltaTable(f"{lake.root}/events"), connect()
    assert all(Path(file).is_file() for file in data_files(table))
    within = " WHERE event_date IN (DATE '2026-01-02')"
    make_view(connection, "days", table, {"event_id": "VARCHAR", "event_date": "DATE"}, within)
    assert connection.sql("FROM days").fetchall() == [("e2", date(2026, 1, 2))]
    make_view(connection, "days", table, {"event_id": "VARCHAR"}, within)
    assert connection.sql("FROM days").fetchall() == [("e2",)]


def test_a_table_without_files_is_an_empty_view(tmp_path: Path) -> None:
    connection = connect()
    Lake(tmp_path).table("users")
    make_view(connection, "nobody", DeltaTable(tmp_path / "users"), {"user_id": "VARCHAR"})
    assert connection.sql("SELECT count(*), min(user_id) FROM nobody").fetchall() == [(0, None)]
