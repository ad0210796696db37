"""Two processes on one lake: each ends well or is told that the other was first, and no row is lost, doubled, kept."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mlsd_lab.datasets.click_files import Defects
from mlsd_lab.errors import ConflictError, StorageError
from mlsd_lab.ingestion.admit import admit
from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.content import content_hash
from mlsd_lab.ingestion.contracts import EVENTS
from mlsd_lab.ingestion.erase import erase
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.lake import SHAPES, Lake
from mlsd_lab.ingestion.parsing import connect, parse
from mlsd_lab.ingestion.source import Batch, Position
from mlsd_lab.ingestion.upkeep import compact
from tests.ingestion.killing import NOW, Job, Zygote, click_folder, content, on_disk, zygote

ROUNDS = int(os.environ.get("MLSD_LAB_ROUNDS", "1"))
"""How often each race is run."""
USER = "u7"


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    with zygote(tmp_path_factory.mktemp("temporary")) as running:
        yield running


@pytest.fixture(scope="module")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return click_folder(tmp_path_factory.mktemp("clicks"), events=300, files=4)


def job(do: str, lake: Path, **more: Any) -> Job:
    return {"do": do, "lake": str(lake), **more}


def ingesting(clicks: Path, lake: Path) -> Job:
    return job("clicks", lake, **{"from": str(clicks), "batch": 8_000})


def settle(processes: Zygote, *jobs: Job) -> int:
    """Run jobs side by side, those that were told of a conflict again, until all have ended well; count conflicts."""
    conflicts, left = 0, list(jobs)
    while left:
        ends = processes.run(*left)
        for end in ends:
            assert end.error in (None, "ConflictError"), end.said
            assert end.error is None or "another writer committed first" in end.said
        left = [one for one, end in zip(left, ends, strict=True) if end.error]
        conflicts += len(left)
        needed, there = on_disk(Path(jobs[0]["lake"]))
        assert needed <= there
    return conflicts


@pytest.fixture(scope="module")
def alone(processes: Zygote, clicks: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one process makes of the clicks."""
    lake = tmp_path_factory.mktemp("alone") / "lake"
    processes.done(ingesting(clicks, lake))
    return content(lake)


def test_two_that_ingest_the_same_folder_bring_it_once(
    processes: Zygote, clicks: Path, alone: dict[str, Any], tmp_path: Path
) -> None:
    conflicts = 0
    for number in range(ROUNDS):
        both = ingesting(clicks, tmp_path / f"lake-{number}")
        conflicts += settle(processes, both, both)
        assert content(tmp_path / f"lake-{number}") == alone
    assert conflicts > 0


def test_a_batch_that_another_brought_before_the_table_was_opened_is_counted_once(tmp_path: Path) -> None:
    folder, lake = click_folder(tmp_path / "clicks", events=80, files=1, defects=Defects()), Lake(tmp_path / "lake")
    with suppress(ConflictError):
        ingest(lake, [Interrupted(folder, lambda: ingest(lake, [ClickLog(folder)], NOW), before=0)], NOW)
    ingest(lake, [ClickLog(folder)], NOW)
    assert lake.table("events").states["clicks"]["counts"]["read"] == 80


def test_two_that_make_a_lake_at_once_make_it_once(processes: Zygote, tmp_path: Path) -> None:
    for number in range(3 * ROUNDS):
        both = job("create", tmp_path / f"lake-{number}")
        settle(processes, both, both)
        tables = [Lake(tmp_path / f"lake-{number}").table(name) for name in SHAPES]
        assert {(table.version, table.rows) for table in tables} == {(0, 0)}


@pytest.mark.parametrize("keep_hours", [0, 168])
def test_ingestion_beside_compaction_loses_nothing(
    processes: Zygote, clicks: Path, alone: dict[str, Any], tmp_path: Path, keep_hours: int
) -> None:
    for number in range(ROUNDS):
        lake = tmp_path / f"lake-{number}"
        processes.done(job("create", lake))
        settle(processes, ingesting(clicks, lake), *3 * [job("compact", lake, keep_hours=keep_hours)])
        assert content(lake).items() >= alone.items()  # the other tables are there, and empty


def test_a_user_erased_beside_ingestion_is_gone_and_nobody_else(
    processes: Zygote, clicks: Path, tmp_path: Path
) -> None:
    processes.done(ingesting(clicks, tmp_path / "alone"))
    processes.done(job("erase", tmp_path / "alone", user=USER))
    expected = content(tmp_path / "alone")
    for number in range(ROUNDS):
        lake = tmp_path / f"lake-{number}"
        processes.done(job("create", lake))
        settle(processes, ingesting(clicks, lake), job("erase", lake, user=USER))
        assert content(lake)["events"] == expected["events"]


class Interrupted:
    """A click log, and what happens before one of its batches."""

    name, contract = "clicks", EVENTS

    def __init__(self, folder: Path, happens: Callable[[], object], before: int = 1) -> None:
        self._log, self._happens, self._before = ClickLog(folder, batch_bytes=4_000), happens, before

    def since(self, position: Position | None) -> Iterator[Batch]:
        for number, batch in enumerate(self._log.since(position)):
            if number == self._before:
                self._happens()
            yield batch


def users(lake: Lake) -> set[str]:
    connection = connect()
    lake.table("events").view(connection, "found")
    return {user for (user,) in connection.sql("SELECT DISTINCT user_id FROM found").fetchall()}


def test_a_user_erased_before_their_first_row_came_stays_out(tmp_path: Path) -> None:
    folder = click_folder(tmp_path / "clicks", events=80, files=1, defects=Defects())
    file, lake = folder / "clicks-0000.jsonl", Lake(tmp_path / "lake")
    *others, last = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*others, json.dumps({**json.loads(last), "user_id": "zoe"}).encode() + b"\n"]))
    with suppress(ConflictError):
        ingest(lake, [Interrupted(folder, lambda: erase(lake, "zoe", NOW))], NOW)
    ingest(lake, [ClickLog(folder)], NOW)
    assert "zoe" not in users(lake)
    assert lake.table("events").rows == 79


def test_an_erasure_keeps_what_another_writer_committed_since_it_began(tmp_path: Path) -> None:
    folder = click_folder(tmp_path / "clicks", events=80, files=1, defects=Defects())
    lake = Lake(tmp_path / "lake")
    stale = lake.table("events")
    ingest(lake, [ClickLog(folder, batch_bytes=4_000)], NOW)
    states = lake.table("events").states
    with suppress(ConflictError):
        stale.vacuum(0)
    needed, there = on_disk(tmp_path / "lake")
    assert needed <= there
    assert lake.table("events").states == states


def test_removing_old_files_does_not_set_positions_back(tmp_path: Path) -> None:
    folder = click_folder(tmp_path / "clicks", events=80, files=1, defects=Defects())
    lake = Lake(tmp_path / "lake")
    ingest(lake, [ClickLog(folder, batch_bytes=4_000)], NOW)
    compact(lake)
    stale = lake.table("events")
    (folder / "more.jsonl").write_bytes((folder / "clicks-0000.jsonl").read_bytes().replace(b'"0-', b'"1-'))
    ingest(lake, [ClickLog(folder)], NOW)
    states = lake.table("events").states
    with suppress(ConflictError):
        stale.vacuum(0)
    assert lake.table("events").states == states
    assert lake.table("events").rows == 160


def test_two_compactions_at_once_keep_each_row_once(processes: Zygote, clicks: Path, tmp_path: Path) -> None:
    """Delta's own OPTIMIZE lets both commit, and doubles the rows: decision 0017."""
    lake = Lake(tmp_path / "lake")
    ingest(lake, [ClickLog(clicks, batch_bytes=8_000)], NOW)
    both = [lake.table("events"), lake.table("events")]
    connections = [connect(), connect()]
    for table, connection in zip(both, connections, strict=True):
        table.view(connection, "joined")
    days = [day for (day,) in connections[0].sql("SELECT DISTINCT event_date::VARCHAR FROM joined").fetchall()]
    both[0].overwrite(connections[0], "SELECT * FROM joined", days, {})
    with pytest.raises(ConflictError):
        both[1].overwrite(connections[1], "SELECT * FROM joined", days, {})
    for _ in range(ROUNDS):
        settle(processes, *4 * [job("compact", tmp_path / "lake", keep_hours=0)])
        assert lake.table("events").rows == 300


@pytest.mark.parametrize("do", ["read", "hash", "join", "admit"])
def test_a_version_whose_files_another_removed_is_a_lost_race_and_not_a_broken_table(tmp_path: Path, do: str) -> None:
    folder = click_folder(tmp_path / "clicks", events=80, files=1, defects=Defects())
    lake, connection = Lake(tmp_path / "lake"), connect()
    ingest(lake, [ClickLog(folder, batch_bytes=4_000)], NOW)
    stale = lake.table("events")
    parse(connection, (folder / "clicks-0000.jsonl").read_bytes(), EVENTS, "again", NOW)
    compact(lake, keep_hours=0)
    with pytest.raises(ConflictError, match="another writer committed first"):
        if do == "hash":
            content_hash(connection, stale)
        elif do == "admit":
            admit(connection, stale)
        else:
            stale.view(connection, "seen")
            if do == "join":
                stale.overwrite(connection, "FROM seen", ["2026-01-01"], {})


def test_a_file_lost_without_a_newer_version_is_a_broken_table(tmp_path: Path) -> None:
    folder, lake = click_folder(tmp_path / "clicks", events=80, files=1, defects=Defects()), Lake(tmp_path / "lake")
    ingest(lake, [ClickLog(folder)], NOW)
    table = lake.table("events")
    Path(table.files[0]).unlink()
    with pytest.raises(StorageError, match="cannot use"):
        content_hash(connect(), table)


def test_two_folders_of_one_source_come_whole_in_turns(processes: Zygote, tmp_path: Path) -> None:
    folders = [click_folder(tmp_path / name, 100, files=2, seed=seed) for seed, name in enumerate(("one", "two"))]
    for file in list(folders[1].iterdir()):
        file.rename(file.with_name(f"other-{file.name}"))
    lake = tmp_path / "lake"
    settle(processes, *(ingesting(folder, lake) for folder in folders))
    settle(processes, *(ingesting(folder, lake) for folder in folders))
    assert content(lake)["events"][0] == 200


def test_two_folders_with_equal_file_names_come_whole(processes: Zygote, tmp_path: Path) -> None:
    folders = [click_folder(tmp_path / name, 100, files=2, seed=seed) for seed, name in enumerate(("one", "two"))]
    lake = tmp_path / "lake"
    for folder in folders:
        processes.done(ingesting(folder, lake))
    assert content(lake)["events"][0] == 200
