import hashlib
from pathlib import Path

from mlsd_lab.ingestion.contracts import USERS
from mlsd_lab.ingestion.erase import erase
from mlsd_lab.ingestion.erased_users import ErasedUsers, user_digest
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect, parse
from tests.ingestion.records import NOW, lines


def test_rows_and_broken_records_of_the_erased_are_known_and_no_others(tmp_path: Path) -> None:
    lake, connection = Lake(tmp_path), connect()
    lake.table("users")
    erase(lake, "zoë", NOW)
    erased = ErasedUsers(lake)
    records = [{"user_id": user, "updated_at": "2026-01-01T00:00:00Z"} for user in ("zoë", "ann", "zoë")]
    assert parse(connection, lines(*records).encode(), USERS, "by hand") == []
    assert erased.drop(connection) == 2
    assert connection.sql("SELECT user_id FROM parsed").fetchall() == [("ann",)]
    assert erased.are_named('{"user_id": "zoë'.encode())
    assert not erased.are_named(b'{"user_id": "ann')


def test_the_digest_is_that_of_the_bytes_and_any_text_has_one() -> None:
    assert user_digest("zoë") == hashlib.sha256("zoë".encode()).hexdigest()
    assert connect().execute("SELECT sha256(?)", ["zoë"]).fetchall() == [(user_digest("zoë"),)]
    assert user_digest("\ud83c") != user_digest("?")
