from datetime import date
from pathlib import Path

from deltalake import DeltaTable

from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.contract import Contract, Field
from mlsd_lab.ingestion.contracts import EVENTS
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.lake_files import data_files
from mlsd_lab.ingestion.lake_view import make_view
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.shape import Shape
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


def test_a_column_that_no_file_has_yet_is_null(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    ingest(lake, [ClickLog(clicks(tmp_path / "clicks", "1.jsonl", event("a")))], NOW)
    wider = EVENTS.changed(Field("speed", "number"))
    lake.table(Shape.of(wider))  # as a run does that is killed before its first rows
    connection = connect()
    lake.view(connection, "events", "events")
    assert connection.sql("SELECT event_id, speed, event_date FROM events").fetchall() == [
        ("a", None, date(2026, 1, 1))
    ]
    lake.table("events").view(connection, "days", ("event_id", "speed"), ["2026-01-02"])
    assert connection.sql("FROM days").fetchall() == []
    ingest(lake, [Clicks(clicks(tmp_path / "clicks", "2.jsonl", event("b", speed=3)), wider)], NOW)
    lake.view(connection, "events", "events")
    assert connection.sql("SELECT event_id, speed FROM events ORDER BY 1").fetchall() == [("a", None), ("b", 3.0)]


class Clicks(ClickLog):
    """A click log under another contract."""

    def __init__(self, folder: Path, contract: Contract) -> None:
        super().__init__(folder)
        self.contract = contract
