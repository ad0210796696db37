import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlsd_lab.errors import ConfigError, DataError, SourceError
from mlsd_lab.ingestion.contract import Field
from mlsd_lab.ingestion.contracts import USERS
from mlsd_lab.ingestion.profiles import Profiles
from mlsd_lab.ingestion.source import Position
from tests.ingestion.bench import (
    FLAG,
    MINUTE,
    NOON,
    PLAIN,
    TIME,
    Bench,
    Fold,
    fold,
    ids,
    postgres_bench,
    records,
    sqlite_bench,
    times,
)


@pytest.fixture(params=["sqlite", "postgresql"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    if request.param == "sqlite":
        with sqlite_bench(tmp_path) as made:
            yield made
    else:
        with postgres_bench(request.getfixturevalue("postgres")) as made:
            yield made


class TestBothDatabases:
    def test_everything_is_read_once_in_order_and_in_pages(self, bench: Bench) -> None:
        bench.create(FLAG)
        for number in (3, 1, 2, 5, 4, 6, 7):
            bench.put(f"u{number}", NOON + number * MINUTE)
        batches = bench.read()
        assert [len(records([batch])) for batch in batches] == [3, 3, 1]
        assert ids(batches) == [f"u{number}" for number in range(1, 8)]
        assert batches[-1].position == {"updated_at": "2026-01-31T12:07:00Z", "key": "u7"}
        assert [batch.present for batch in batches] == [None] * 3
        assert "2026-01-31T12:01:00Z to 2026-01-31T12:03:00Z" in batches[0].origin

    def test_only_the_columns_of_the_contract_are_read(self, bench: Bench) -> None:
        bench.create(FLAG)
        bench.put("ann", NOON, deleted=False)
        assert records(bench.read()) == [
            {"user_id": "ann", "updated_at": "2026-01-31T12:00:00Z", "deleted": False, "app": "web"}
        ]

    def test_a_position_survives_json_and_only_what_came_after_it_is_read(self, bench: Bench) -> None:
        bench.create(FLAG)
        bench.put("ann", NOON)
        bench.put("bob", NOON + 30 * MINUTE)
        position = json.loads(json.dumps(bench.read()[-1].position))
        bench.put("cid", NOON + 60 * MINUTE)
        bench.put("ann", NOON + 61 * MINUTE, app="ios")
        assert ids(bench.read(position)) == ["bob", "cid", "ann"]  # bob of the overlap

    def test_microseconds_are_kept_and_ordered(self, bench: Bench) -> None:
        bench.create(FLAG)
        for late in (3, 1, 2, 0):
            bench.put(f"u{late}", NOON + timedelta(microseconds=late))
        batches = bench.read(page=1)
        assert ids(batches) == ["u0", "u1", "u2", "u3"]
        assert batches[-1].position["updated_at"] == "2026-01-31T12:00:00.000003Z"
        assert ids(bench.read(batches[2].position, overlap=timedelta(0))) == ["u2", "u3"]

    def test_equal_times_at_the_edge_of_a_page_are_all_read(self, bench: Bench) -> None:
        bench.create(FLAG)
        users = [f"u{number:02}" for number in range(10)]
        for user in users:
            bench.put(user, NOON)
        first = next(iterator := bench.profiles(page=4).since(None))
        iterator.close()  # type: ignore[attr-defined]
        assert ids([first]) == users[:4]
        assert ids(bench.read(first.position, page=4, overlap=timedelta(0))) == users

    def test_a_late_commit_with_an_earlier_time_is_found_in_the_overlap(self, bench: Bench) -> None:
        bench.create(FLAG)
        bench.put("ann", NOON)
        position = bench.read()[-1].position
        bench.put("late", NOON - 9 * MINUTE)
        bench.put("later", NOON - 11 * MINUTE)
        again = bench.read(position)
        assert ids(again) == ["late", "ann"]
        assert again[-1].position == position

    def test_the_position_never_goes_backwards(self, bench: Bench) -> None:
        bench.create(FLAG)
        for number in range(9):
            bench.put(f"u{number}", NOON + number * MINUTE)
        last = bench.read()[-1].position
        assert [batch.position for batch in bench.read(last, page=2)] == [last] * 5
        for user in [f"u{number}" for number in range(9)]:
            bench.drop(user)
        assert bench.read(last) == []

    def test_a_clock_ahead_does_not_move_the_position(self, bench: Bench) -> None:
        bench.create(FLAG)
        bench.put("ann", NOON)
        bench.put("ahead", datetime(2199, 1, 1, tzinfo=UTC))
        position = bench.read()[-1].position
        assert times(position) == NOON
        bench.put("bob", NOON + 30 * MINUTE)
        assert ids(bench.read(position)) == ["ann", "bob", "ahead"]

    def test_a_row_without_a_time_comes_in_every_run_and_is_refused_at_the_door(self, bench: Bench) -> None:
        bench.create(FLAG)
        bench.put("ann", NOON)
        bench.sql(f"INSERT INTO {bench.table} (user_id) VALUES ('timeless')")
        batches = bench.read()
        again = bench.read(batches[-1].position)
        assert batches[-1].position == {"updated_at": "2026-01-31T12:00:00Z", "key": "ann"}
        for line in (batches[-1].lines.splitlines()[-1], again[-1].lines.splitlines()[-1]):
            with pytest.raises(DataError, match="updated_at: expected a time"):
                USERS.read(line)

    def test_a_deleted_flag_is_a_tombstone(self, bench: Bench) -> None:
        bench.create(FLAG)
        bench.put("ann", NOON, deleted=False)
        bench.put("bob", NOON, deleted=None)
        position = bench.read()[-1].position
        bench.put("ann", NOON + 20 * MINUTE, deleted=True)
        batches = bench.read(position)
        assert [(record["user_id"], record["deleted"]) for record in records(batches)] == [("bob", None), ("ann", True)]
        assert batches[-1].present is None

    def test_a_time_of_deletion_is_a_tombstone_found_by_that_time(self, bench: Bench) -> None:
        bench.create(TIME)
        bench.put("ann", NOON)
        bench.put("bob", NOON + 30 * MINUTE)
        position = bench.read()[-1].position
        bench.sql(f"UPDATE {bench.table} SET deleted_at = ? WHERE user_id = 'ann'", NOON + 60 * MINUTE)
        batches = bench.read(position)
        assert [(r["user_id"], r["deleted"], r["updated_at"]) for r in records(batches)] == [
            ("bob", False, "2026-01-31T12:30:00Z"),
            ("ann", True, "2026-01-31T13:00:00Z"),
        ]
        assert batches[-1].position == {"updated_at": "2026-01-31T13:00:00Z", "key": "ann"}
        assert batches[-1].present is None

    def test_a_tombstone_updated_after_its_deletion_keeps_the_later_time(self, bench: Bench) -> None:
        bench.create(TIME)
        bench.put("ann", NOON, deleted_at=NOON - MINUTE)
        assert records(bench.read())[0]["updated_at"] == "2026-01-31T12:00:00Z"

    def test_a_table_that_tells_no_deletes_hands_over_all_its_ids_at_the_end(self, bench: Bench) -> None:
        bench.create(PLAIN)
        for number in range(4):
            bench.put(f"u{number}", NOON + 30 * number * MINUTE)
        batches = bench.read()
        assert [batch.present for batch in batches[:-1]] == [None, None]
        assert batches[-1].present == frozenset({"u0", "u1", "u2", "u3"})
        bench.drop("u1")
        again = bench.read(batches[-1].position)
        assert (ids(again), again[-1].present) == (["u3"], frozenset({"u0", "u2", "u3"}))
        assert again[-1].position == batches[-1].position

    def test_an_empty_table_says_that_everybody_is_gone(self, bench: Bench) -> None:
        bench.create(PLAIN)
        (batch,) = bench.read()
        assert (batch.lines, batch.present) == (b"", frozenset())
        assert "is empty" in batch.notes[0]
        bench.put("ann", NOON)
        assert ids(bench.read(batch.position)) == ["ann"]

    def test_a_run_reads_one_snapshot(self, bench: Bench) -> None:
        bench.create(PLAIN)
        for number in range(4):
            bench.put(f"u{number}", NOON)
        run = bench.profiles(page=2).since(None)
        seen = [next(run)]
        bench.drop("u3")
        bench.put("new", NOON + MINUTE)
        seen += list(run)
        assert ids(seen) == ["u0", "u1", "u2", "u3"]
        assert seen[-1].present == frozenset({"u0", "u1", "u2", "u3"})
        assert ids(bench.read(seen[-1].position)) == ["u0", "u1", "u2", "new"]

    def test_any_text_may_be_an_id(self, bench: Bench) -> None:
        bench.create(PLAIN)
        odd = ["ann", "o'neil", '"q"', "b\\s", "%s", "⁂ 👩‍🚀", "é", "e\u0301", "a\nb", "; DROP TABLE users", "", "Ω"]
        for user in odd:
            bench.put(user, NOON)
        batches = bench.read()
        assert ids(batches) == sorted(odd)
        assert batches[-1].present == frozenset(odd)

    def test_whole_numbers_may_be_ids(self, bench: Bench) -> None:
        bench.sql(f"CREATE TABLE {bench.table} (user_id bigint, updated_at timestamp)")
        for user in (10, 9):
            bench.sql(f"INSERT INTO {bench.table} VALUES ({user}, '2026-01-31 12:00')")
        batches = bench.read()
        assert [USERS.read(line)["user_id"] for line in batches[0].lines.splitlines()] == ["10", "9"]
        assert (batches[-1].present, batches[-1].position["key"]) == (frozenset({"9", "10"}), "9")

    def test_what_json_cannot_hold_is_refused_or_read_as_a_number(self, bench: Bench) -> None:
        contract = USERS.changed(*[Field(name, kind) for name, kind in KINDS.items()])
        postgres = bench.kind == "postgresql"
        columns = "blob bytea, share numeric(6, 3), ratio float8" if postgres else "blob blob, share, ratio"
        bench.create(FLAG, more=f", {columns}")
        bench.put("ann", NOON, share=0.125, ratio=float("inf"), blob=b"\x00\xff")
        (batch,) = Profiles(bench.url, bench.table, contract).since(None)
        record = json.loads(batch.lines)
        assert (record["share"], record["ratio"], record["blob"]) == (0.125, "inf", {"bytes": "00ff"})
        with pytest.raises(DataError, match="blob: expected text"):
            contract.read(batch.lines)

    def test_a_table_that_is_not_there_or_lacks_a_column_is_told(self, bench: Bench) -> None:
        with pytest.raises(SourceError, match=r"expected a table of that name, found none.* from the beginning"):
            bench.read()
        bench.sql(f"CREATE TABLE {bench.table} (user_id text, email text)")
        with pytest.raises(SourceError, match="expected a column updated_at, found email, user_id"):
            bench.read()

    def test_a_view_with_a_strange_name_can_be_read(self, bench: Bench) -> None:
        bench.create(FLAG)
        bench.put("ann", NOON)
        schema = bench.table.rpartition(".")[0] or "main"
        view = '50% of "users".v1'
        bench.sql(f'CREATE VIEW {schema}."{view.replace(chr(34), chr(34) * 2)}" AS SELECT * FROM {bench.table}')
        position = {"updated_at": "2026-01-31T12:00:00Z", "key": "ann"}
        assert ids(list(Profiles(bench.url, f"{schema}.{view}").since(position))) == ["ann"]

    @pytest.mark.parametrize("deletes", [PLAIN, FLAG, TIME])
    def test_any_history_folds_to_the_table(self, bench: Bench, deletes: str) -> None:
        users = st.sampled_from(["ann", "bob", "cid", "dé", "👩‍🚀"])
        change = st.tuples(st.sampled_from(["put", "drop"]), users, st.integers(0, 20), st.integers(0, 9))
        steps = st.lists(st.one_of(change, st.just(("read", "", 0, 0))), max_size=25)

        @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(steps, st.integers(1, 3))
        def holds(series: list[tuple[str, str, int, int]], page: int) -> None:
            bench.sql(f"DROP TABLE IF EXISTS {bench.table}")
            bench.create(deletes)
            replay(bench, deletes, series, page)

        holds()


KINDS: dict[str, Any] = {"blob": "text", "share": "number", "ratio": "number"}


def replay(bench: Bench, deletes: str, series: list[tuple[str, str, int, int]], page: int) -> None:
    """Change and read the table in turn; at each end what was read must be what is there."""
    table: dict[str, str] = {}
    updated: dict[str, datetime] = {}
    held: Fold = {}
    position: Position | None = None
    now = NOON
    for number, (what, user, later, late) in enumerate([*series, ("read", "", 0, 0)]):
        if what == "read":
            batches = bench.read(position, page)
            fold(batches, held)
            for batch in batches:
                assert position is None or position["updated_at"] is None or times(batch.position) >= times(position)
                position = json.loads(json.dumps(batch.position))
            assert {name: row["app"] for name, row in held.items() if not row.get("deleted")} == table
            continue
        now += later * MINUTE
        # committed now, stamped some minutes earlier; the rows of one user follow each other
        at = max(now - late * MINUTE, updated.get(user, NOON) + timedelta(microseconds=1))
        now, updated[user] = max(now, at), at
        if what == "put":
            table[user] = f"app {number}"
            bench.put(user, at, app=table[user])
        elif table.pop(user, None) is not None:
            if deletes == PLAIN:
                bench.drop(user)
            elif deletes == FLAG:
                bench.put(user, at, app="gone", deleted=True)
            else:
                bench.sql(f"UPDATE {bench.table} SET deleted_at = ? WHERE user_id = ?", at, user)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://app:secret@db/crm",
        "sqlite://",
        "sqlite://secret.db",
        "sqlite:///",
        "missing.db",
        "postgresql:",
        "postgresql://app:secret/4@db/crm",
        "postgresql://app:12?secret@db/crm",
        "postgresql://app:12#secret@db/crm",
        "postgresql://app:secret@db:port/crm",
        "postgresql://[secret/crm",
    ],
)
def test_a_url_of_another_kind_is_refused_and_no_password_is_shown(url: str) -> None:
    with pytest.raises(ConfigError, match=r"expected .*postgresql://user:password@host:port/database.* found") as told:
        Profiles(url)
    assert "secret" not in str(told.value)
    assert told.value.__cause__ is None and (told.value.__suppress_context__ or told.value.__context__ is None)


def test_arguments_and_positions_that_make_no_sense_are_refused() -> None:
    for wrong in ({"page": 0}, {"overlap": -MINUTE}, {"table": ""}, {"table": "crm."}, {"table": "a\0"}):
        with pytest.raises(ConfigError, match="expected"):
            Profiles("sqlite:///profiles.db", **wrong)
    for position in ({}, {"updated_at": "soon", "key": "ann"}, {"updated_at": "2026-01-31T12:00:00Z", "key": None}):
        with pytest.raises(ConfigError, match="expected a position"):
            list(Profiles("sqlite:///profiles.db").since(position))
