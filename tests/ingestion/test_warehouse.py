from pathlib import Path

import pandas as pd
import pytest

from mlsd_lab.errors import ConfigError, DataError, StorageError
from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.contracts import EVENTS, USERS, VIDEOS
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect, parse
from mlsd_lab.ingestion.stream.correct import correct
from mlsd_lab.ingestion.warehouse import TABLES, Warehouse
from tests.ingestion.records import AT, NOW, clicks, event, lines
from tests.ingestion.test_ingest import Given

LATER = "2026-01-02T10:00:00Z"


def filled(folder: Path) -> Lake:
    lake = Lake(folder / "lake")
    log = clicks(folder / "clicks", "1.jsonl", event("a", clicked=True), event("b", user_id="bob"), "oops")
    users = lines(
        {"user_id": "ann", "updated_at": AT, "region": "east"},
        {"user_id": "ann", "updated_at": LATER, "region": "west"},
        {"user_id": "eve", "updated_at": AT},
        {"user_id": "eve", "updated_at": LATER, "deleted": True},
    )
    videos = lines({"video_id": "v1", "updated_at": AT, "title": "A film", "duration_seconds": 60})
    ingest(lake, [ClickLog(log), Given("profiles", USERS, users), Given("metadata", VIDEOS, videos)], NOW)
    return lake


def test_dimensions_have_each_id_once_as_last_updated_and_none_that_was_deleted(tmp_path: Path) -> None:
    warehouse = Warehouse(filled(tmp_path))
    assert warehouse.query("SELECT user_id, region FROM dim_users").values.tolist() == [["ann", "west"]]
    assert warehouse.query("SELECT title FROM dim_videos").values.tolist() == [["A film"]]
    assert len(warehouse.query("SELECT * FROM users_history")) == 4


def test_all_that_is_promised_can_be_asked(tmp_path: Path) -> None:
    warehouse = Warehouse(filled(tmp_path))
    rows = {name: len(warehouse.query(f"SELECT * FROM {name}")) for name in TABLES}
    assert rows == {
        "fact_events": 2,
        "dim_users": 1,
        "dim_videos": 1,
        "users_history": 4,
        "videos_history": 1,
        "dead_letters": 1,
        "served": 0,
    }


def test_times_come_back_in_utc(tmp_path: Path) -> None:
    found = Warehouse(filled(tmp_path)).query("SELECT occurred_at FROM fact_events LIMIT 1")
    assert found["occurred_at"][0] == pd.Timestamp(AT)


def test_facts_and_dimensions_make_a_log(tmp_path: Path) -> None:
    log = Warehouse(filled(tmp_path)).log()
    assert log.events[["event_id", "user_id"]].values.tolist() == [["a", "ann"], ["b", "bob"]]
    assert log.users["user_id"].tolist() == ["ann", "bob"]
    assert log.labels() == ["A film"]
    assert "rating" not in log.events


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "DROP VIEW fact_events",
        "SELECT 1; SELECT 2",
        "COPY fact_events TO 'x.csv'",
        "SELEC 1",
        "SELECT * FROM nowhere",
    ],
)
def test_sql_that_is_no_select_is_a_sentence(sql: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^sql: "):
        Warehouse(filled(tmp_path)).query(sql)
    assert not Path("x.csv").exists()


def test_an_empty_or_absent_lake_is_a_sentence_and_asking_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"expected a lake at"):
        Warehouse(Lake(tmp_path / "nowhere"))
    lake = Lake(tmp_path / "lake")
    lake.table("users")
    with pytest.raises(DataError, match="holds no events"):
        Warehouse(lake).log()
    assert sorted(path.name for path in (tmp_path / "lake").iterdir()) == ["users"]


def test_a_log_with_late_events_is_what_the_correction_makes_of_it(tmp_path: Path) -> None:
    lake = filled(tmp_path)
    copies = [event("a", clicked=False), event("b", user_id="bob", known_at=LATER), event("c", known_at=LATER)]
    earlier = {"occurred_at": "2026-01-01T09:00:00Z", "known_at": "2026-01-01T09:30:00Z"}
    connection = connect()
    parse(connection, lines(*copies[:2], event("c", **earlier), event("new", known_at=LATER)).encode(), EVENTS, "late")
    lake.table("late_events").append(connection, "SELECT * FROM parsed", {})
    parse(connection, lines(copies[2]).encode(), EVENTS, "on time")
    lake.table("events").append(connection, "SELECT * FROM parsed", {})
    before, late = (Warehouse(lake).log(late=late).events for late in (False, True))
    correct(lake)
    after = Warehouse(lake).log().events
    assert before["event_id"].tolist() == ["a", "b", "c"]
    assert late["event_id"].tolist() == ["c", "a", "b", "new"]
    pd.testing.assert_frame_equal(late, after)
