from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mlsd_lab.errors import ConfigError, DataError, SourceError
from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.contract import Field
from mlsd_lab.ingestion.contracts import EVENTS, USERS, VIDEOS
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.intake import Counts
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.source import Batch, Position
from tests.ingestion.records import AT, NOW, clicks, event, lines


class Given:
    """A source that gives these batches, from the one its position names; then it may fail."""

    def __init__(self, name: str, contract: Any, *batches: str, fails: bool = False, present: Any = None) -> None:
        self.name, self.contract, self._batches, self._fails, self._present = name, contract, batches, fails, present

    def since(self, position: Position | None) -> Iterator[Batch]:
        for at in range(position["at"] if position else 0, len(self._batches)):
            last = at == len(self._batches) - 1
            present = self._present if last else None
            yield Batch(self._batches[at].encode(), {"at": at + 1}, f"batch {at}", present=present)
        if self._fails:
            raise SourceError(f"{self.name}: it does not answer")


def rows(lake: Lake, table: str, columns: str) -> list[Any]:
    connection = connect()
    lake.view(connection, table, "found")
    return connection.execute(f"SELECT {columns} FROM found ORDER BY ALL").fetchall()


def test_each_record_lands_once_and_a_second_run_finds_nothing_new(tmp_path: Path) -> None:
    folder = clicks(tmp_path / "clicks", "1.jsonl", event("a"), event("b"), event("a"), "oops")
    lake = Lake(tmp_path / "lake")
    (first,) = ingest(lake, [ClickLog(folder)], NOW)
    assert first.counts == Counts(read=4, kept=2, duplicates=1, dead=1)
    version = lake.table("events").version
    (second,) = ingest(lake, [ClickLog(folder)], NOW)
    assert second.counts == Counts()
    assert lake.table("events").version == version
    clicks(folder, "2.jsonl", event("c"), event("b"))
    (third,) = ingest(lake, [ClickLog(folder)], NOW)
    assert third.counts == Counts(read=2, kept=1, duplicates=1)
    assert rows(lake, "events", "event_id") == [("a",), ("b",), ("c",)]


def test_counts_are_committed_with_the_rows(tmp_path: Path) -> None:
    folder = clicks(tmp_path / "clicks", "1.jsonl", event("a"), event("a"), "oops")
    lake = Lake(tmp_path / "lake")
    ingest(lake, [ClickLog(folder)], NOW)
    clicks(folder, "2.jsonl", event("b"))
    ingest(lake, [ClickLog(folder)], NOW)
    total = lake.table("events").states["clicks"]["counts"]
    assert Counts(**total) == Counts(read=4, kept=2, duplicates=1, dead=1)


def test_the_earlier_copy_takes_the_place_of_the_stored_one_in_its_own_partition(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    late = event("a", occurred_at="2026-01-03T00:00:00Z", known_at="2026-01-03T00:00:00Z")
    folder = clicks(tmp_path / "clicks", "1.jsonl", late, event("b"))
    ingest(lake, [ClickLog(folder)], NOW)
    clicks(folder, "2.jsonl", event("a", watch_seconds=3), event("c"))
    (intake,) = ingest(lake, [ClickLog(folder)], NOW)
    assert intake.counts == Counts(read=2, kept=1, duplicates=1)
    found = rows(lake, "events", "event_id, CAST(event_date AS VARCHAR), watch_seconds")
    assert found == [("a", "2026-01-01", 3.0), ("b", "2026-01-01", None), ("c", "2026-01-01", None)]


def test_too_many_bad_records_stop_the_run_and_write_nothing_of_the_batch(tmp_path: Path) -> None:
    bad = [event(f"x{at}", watch_seconds="12 s") for at in range(20)]
    folder = clicks(tmp_path / "clicks", "1.jsonl", *(event(f"e{at}") for at in range(80)), *bad)
    lake = Lake(tmp_path / "lake")
    with pytest.raises(DataError, match=r"20 of 100 records.*limit of 5%.*watch_seconds: expected a number.*'12 s'"):
        ingest(lake, [ClickLog(folder)], NOW, bad_share=0.05)
    assert lake.table("events").rows == 0
    assert not lake.has("dead_letters")
    (intake,) = ingest(lake, [ClickLog(folder)], NOW, bad_share=1)
    assert intake.counts == Counts(read=100, kept=80, dead=20)


def test_a_share_is_a_share(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="bad_share"):
        ingest(Lake(tmp_path), [], NOW, bad_share=10)


def test_users_who_vanish_from_a_source_without_tombstones_are_deleted(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    both = lines({"user_id": "ann", "updated_at": AT}, {"user_id": "bob", "updated_at": AT})
    ingest(lake, [Given("profiles", USERS, both, present=frozenset({"ann", "bob"}))], NOW)
    ingest(lake, [Given("profiles", USERS, both, "", present=frozenset({"bob"}))], NOW)
    assert rows(lake, "users", "user_id, deleted") == [("ann", True), ("ann", None), ("bob", None)]
    again = ingest(lake, [Given("profiles", USERS, both, "", "", present=frozenset({"bob"}))], NOW + timedelta(hours=1))
    assert again[0].counts.kept == 0


def test_when_the_api_fails_the_lakes_videos_serve_on_with_their_age(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    page = lines({"video_id": "v", "updated_at": AT})
    with pytest.raises(SourceError, match="does not answer"):
        ingest(lake, [Given("metadata", VIDEOS, fails=True)], NOW)
    ingest(lake, [Given("metadata", VIDEOS, page)], NOW)
    (intake,) = ingest(lake, [Given("metadata", VIDEOS, page, fails=True)], NOW + timedelta(hours=3))
    assert (intake.trouble, intake.age_seconds) == ("metadata: it does not answer", 3 * 3600)
    with pytest.raises(SourceError):
        ingest(lake, [Given("profiles", USERS, fails=True)], NOW)


def test_what_came_before_a_source_failed_is_kept(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    first = lines({"user_id": "ann", "updated_at": AT})
    with pytest.raises(SourceError):
        ingest(lake, [Given("profiles", USERS, first, fails=True)], NOW)
    assert rows(lake, "users", "user_id") == [("ann",)]
    second = lines({"user_id": "bob", "updated_at": AT})
    (intake,) = ingest(lake, [Given("profiles", USERS, first, second)], NOW)
    assert intake.counts == Counts(read=1, kept=1)


def test_a_field_that_the_contract_does_not_name_is_told(tmp_path: Path) -> None:
    folder = clicks(tmp_path / "clicks", "1.jsonl", event("a"), event("b", watchSeconds=3))
    (intake,) = ingest(Lake(tmp_path / "lake"), [ClickLog(folder)], NOW)
    assert intake.notes == ("field 'watchSeconds' is not in the contract 'events' and was dropped",)


def test_a_contract_may_gain_a_field_and_old_rows_have_none(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    folder = clicks(tmp_path / "clicks", "1.jsonl", event("a", speed=2))
    ingest(lake, [ClickLog(folder)], NOW)
    clicks(folder, "2.jsonl", event("b", speed=1.5), event("a", speed=1.5, known_at="2026-01-01T09:00:00Z"))
    wider = EVENTS.changed(Field("speed", "number"))
    (intake,) = ingest(lake, [ClickLog(folder, contract=wider)], NOW)
    assert intake.counts == Counts(read=2, kept=1, duplicates=1)
    clicks(folder, "0.jsonl", event("z"))
    ingest(lake, [ClickLog(folder, contract=wider)], NOW)
    assert rows(lake, "events", "event_id, speed") == [("a", 1.5), ("b", 1.5), ("z", None)]
    clicks(folder, "3.jsonl", event("c"))
    with pytest.raises(DataError, match="'speed' too: this contract is older"):
        ingest(lake, [ClickLog(folder)], NOW)


def test_progress_names_the_source_and_what_was_read(tmp_path: Path) -> None:
    heard: list[tuple[str, float]] = []
    folder = clicks(tmp_path / "clicks", "1.jsonl", event("a"))
    ingest(Lake(tmp_path / "lake"), [ClickLog(folder)], NOW, on_progress=lambda *said: heard.append(said))
    assert heard == [("clicks: 0 read", 0.0), ("clicks: 1 read", 0.0), ("done", 1.0)]
