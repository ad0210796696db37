from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable, Schema, write_deltalake
from deltalake import Field as Column
from deltalake.schema import PrimitiveType

from mlsd_lab.errors import ConflictError, DataError
from mlsd_lab.ingestion.delta_schema import FORMAT
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.lake_table import LakeTable
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.shape import ERASED, Shape
from mlsd_lab.ingestion.upkeep import compact

STATE = {"by hand": {"position": {"at": 1}}}


def row(user: str) -> str:
    return f"SELECT '{user}' AS user, TIMESTAMPTZ '2026-01-01 00:00:00Z' AS erased_at"


def users(table: LakeTable) -> list[Any]:
    connection = connect()
    table.view(connection, "found")
    return [user for (user,) in connection.execute("SELECT user FROM found ORDER BY ALL").fetchall()]


def test_rows_and_positions_are_one_commit(tmp_path: Path) -> None:
    table = Lake(tmp_path).table("erased")
    before = table.version
    table.append(connect(), row("ann"), STATE)
    again = Lake(tmp_path).table("erased")
    assert (again.version, users(again), again.states) == (before + 1, ["ann"], STATE)


def test_other_sources_positions_outlive_every_kind_of_commit(tmp_path: Path) -> None:
    connection, table = connect(), Lake(tmp_path).table("erased")
    table.append(connection, row("ann"), STATE)
    table.append(connection, row("bob"), {"another": {"position": 7}})
    both = STATE | {"another": {"position": 7}}
    compact(Lake(tmp_path), keep_hours=0)
    assert Lake(tmp_path).table("erased").states == both
    table = Lake(tmp_path).table("erased")
    table.merge(connection, row("ann"), [], {})
    table.overwrite(connection, row("eve"), None, {})
    assert Lake(tmp_path).table("erased").states == both


def test_a_second_writer_that_opened_earlier_gets_a_conflict_and_writes_nothing(tmp_path: Path) -> None:
    first, second = Lake(tmp_path).table("erased"), Lake(tmp_path).table("erased")
    first.append(connect(), row("ann"), STATE)
    first_said = "another writer committed first"
    with pytest.raises(ConflictError, match=first_said):
        second.append(connect(), row("bob"), {})
    with pytest.raises(ConflictError, match=first_said):
        second.merge(connect(), row("bob"), [], {})
    with pytest.raises(ConflictError, match=first_said):
        second.overwrite(connect(), row("bob"), None, {})
    assert users(Lake(tmp_path).table("erased")) == ["ann"]


def test_positions_are_found_behind_another_tools_commit(tmp_path: Path) -> None:
    table = Lake(tmp_path).table("erased")
    table.append(connect(), row("ann"), STATE)
    table.append(connect(), row("bob"), {})
    DeltaTable(str(tmp_path / "erased")).optimize.compact()
    assert Lake(tmp_path).table("erased").states == STATE


def test_a_newer_format_and_a_foreign_table_are_refused_with_a_sentence(tmp_path: Path) -> None:
    columns = Schema([Column("user", PrimitiveType("string")), Column("erased_at", PrimitiveType("timestamp"))])
    for name, configuration in (("newer", {"mlsd_lab.format": str(FORMAT + 1)}), ("foreign", {})):
        DeltaTable.create(str(tmp_path / name), columns, configuration=configuration, raise_if_key_not_exists=False)
    with pytest.raises(DataError, match=f"format {FORMAT} or older, found 2.*pip install -U mlsd_lab"):
        LakeTable.open(str(tmp_path / "newer"), ERASED)
    with pytest.raises(DataError, match="another Delta table; name another lake"):
        LakeTable.open(str(tmp_path / "foreign"), ERASED)


def test_the_log_holds_statistics_of_times_and_never_of_ids(tmp_path: Path) -> None:
    table = Lake(tmp_path).table("erased")
    table.append(connect(), row("someone-special"), {})
    log = "".join(path.read_text() for path in (tmp_path / "erased" / "_delta_log").glob("*.json"))
    assert "minValues" in log
    assert "2026-01-01" in log
    assert "someone-special" not in log


def test_a_column_is_added_to_the_table_and_never_taken_away(tmp_path: Path) -> None:
    wide = Shape("erased", ERASED.columns | {"why": "VARCHAR"}, ERASED.key, ERASED.first)
    lake = Lake(tmp_path)
    lake.table("erased").append(connect(), row("ann"), STATE)
    lake.table(wide).append(connect(), f"{row('bob')}, 'asked' AS why", {})
    connection = connect()
    lake.view(connection, "erased", "found")
    assert connection.execute("SELECT user, why FROM found ORDER BY user").fetchall() == [
        ("ann", None),
        ("bob", "asked"),
    ]
    assert lake.table(wide).states == STATE
    with pytest.raises(DataError, match="'why' too"):
        lake.table(ERASED)


def test_another_tool_may_read_the_table(tmp_path: Path) -> None:
    table = Lake(tmp_path).table("erased")
    table.append(connect(), row("ann"), STATE)
    write_deltalake(str(tmp_path / "copy"), connect().sql(row("bob")))
    assert DeltaTable(str(tmp_path / "erased")).count() == 1
