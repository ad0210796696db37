import json
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from mlsd_lab.errors import MissingExtraError, SourceError
from mlsd_lab.ingestion.profiles import Profiles
from tests.ingestion.bench import (
    FLAG,
    MINUTE,
    NOON,
    NUMBERS,
    PLAIN,
    TIME,
    Fold,
    fold,
    ids,
    postgres_bench,
    records,
    times,
)

if TYPE_CHECKING:
    from tests.postgres import Server


def test_a_server_that_restarts_between_two_pages_is_told_and_a_rerun_completes(postgres: "Server") -> None:
    with postgres_bench(postgres) as bench:
        bench.create(PLAIN)
        for number in range(10):
            bench.put(f"u{number}", NOON + number * MINUTE)
        held: Fold = {}
        run = bench.profiles(page=4).since(None)
        first = next(run)
        postgres.restart()
        with pytest.raises(SourceError) as told:
            next(run)
        assert "expected a server that stays until the end" in str(told.value)
        assert "run again: it goes on after 2026-01-31T12:03:00Z (id u3)" in str(told.value)
        fold([first, *bench.read(first.position)], held)
        assert sorted(held) == [f"u{number}" for number in range(10)]


def test_a_server_that_is_not_there_is_told() -> None:
    pytest.importorskip("psycopg")
    from tests.postgres import free_port

    source = Profiles(f"postgresql://app:secret@127.0.0.1:{free_port()}/crm")
    with pytest.raises(SourceError, match=r"expected a PostgreSQL server that lets us in, found: .*refused") as told:
        list(source.since(None))
    assert "secret" not in str(told.value)


def test_a_wrong_password_is_told_and_not_shown(postgres: "Server") -> None:
    url = postgres.url(password="wr%2Fo%40ng")
    with pytest.raises(SourceError, match="password authentication failed") as told:
        list(Profiles(url).since(None))
    assert "wr/o@ng" not in str(told.value) and "ng" not in str(told.value).split("found")[0].split("//")[1]
    assert f"admin@127.0.0.1:{postgres.port}/postgres" in str(told.value)


def test_no_right_to_the_table_is_told_and_a_right_to_the_columns_is_enough(postgres: "Server") -> None:
    with postgres_bench(postgres) as bench:
        bench.create(FLAG)
        bench.put("ann", NOON)
        reader = f"reader_{next(NUMBERS)}"
        bench.sql(f"CREATE ROLE {reader} LOGIN PASSWORD 'pass word'")
        try:
            schema = bench.table.partition(".")[0]
            source = Profiles(postgres.url(reader, "pass%20word"), bench.table)
            for grant in (
                f"USAGE ON SCHEMA {schema}",
                f"SELECT (user_id, updated_at, deleted, app) ON {bench.table}",
            ):
                with pytest.raises(SourceError, match=r"expected the right to SELECT .*permission denied"):
                    list(source.since(None))
                bench.sql(f"GRANT {grant} TO {reader}")
            assert ids(list(source.since(None))) == ["ann"]
        finally:
            bench.sql(f"DROP OWNED BY {reader}")
            bench.sql(f"DROP ROLE {reader}")


def test_times_that_python_cannot_hold_are_refused_at_the_door(postgres: "Server") -> None:
    with postgres_bench(postgres) as bench:
        bench.create(TIME, more=", signed_up_at date")
        for odd in ("infinity", "-infinity", "0044-03-15 BC"):
            bench.sql(f"INSERT INTO {bench.table} (user_id, updated_at, signed_up_at) VALUES (?, ?, ?)", *[odd] * 3)
        bench.put("ann", NOON)
        batches = bench.read(page=10)
        lines = [json.loads(line) for line in batches[0].lines.splitlines()]
        assert [line["user_id"] for line in lines] == ["-infinity", "0044-03-15 BC", "ann", "infinity"]
        assert [line["updated_at"] for line in lines][::3] == ["-infinity", "infinity"]
        assert times(batches[-1].position) == NOON


def test_a_time_without_an_offset_is_utc_whatever_the_server_thinks(postgres: "Server") -> None:
    with postgres_bench(postgres) as bench:
        bench.sql(f"CREATE TABLE {bench.table} (user_id text, updated_at timestamp, deleted boolean)")
        bench.sql(f"INSERT INTO {bench.table} VALUES ('ann', '2026-01-31 12:00', false)")
        position = {"updated_at": "2026-01-31T12:00:00Z", "key": "ann"}
        (record,) = records(bench.read(position, overlap=timedelta(0)))
        assert record["updated_at"] == "2026-01-31T12:00:00Z"


def test_an_update_time_of_another_type_is_told(postgres: "Server") -> None:
    with postgres_bench(postgres) as bench:
        bench.sql(f"CREATE TABLE {bench.table} (user_id text, updated_at bigint)")
        with pytest.raises(SourceError, match="expected updated_at to be a timestamp with time zone"):
            bench.read()


def test_an_answer_that_takes_too_long_is_told(postgres: "Server") -> None:
    with postgres_bench(postgres) as bench:
        bench.sql(
            f"CREATE VIEW {bench.table} AS SELECT 'ann' AS user_id, now() + pg_sleep(60)::text::interval AS updated_at"
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("mlsd_lab.ingestion.profile_postgresql.STATEMENT_SECONDS", 1)
            with pytest.raises(SourceError, match="expected an answer within 1 s"):
                bench.read()


def test_without_the_driver_the_message_holds_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mlsd_lab\[postgres\]'") as told:
        Profiles("postgres://app:secret@db/crm")
    assert "secret" not in str(told.value)
