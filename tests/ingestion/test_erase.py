import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from deltalake import DeltaTable, QueryBuilder

from mlsd_lab.errors import ConfigError, StorageError
from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.content import content_hash
from mlsd_lab.ingestion.contracts import USERS
from mlsd_lab.ingestion.dead_letters import bury
from mlsd_lab.ingestion.erase import erase
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect, refused
from mlsd_lab.ingestion.source import Batch, Position
from tests.ingestion.records import NOW, clicks, event, lines

ODD = ["o'brien\"; DROP", "zoë-日本🎬 %_\\*?[a]", "x" * 5000, "a\tb\nc", "4711"]


class Profiles:
    """Users from a list, as a source; its position is the number of those read."""

    name, contract = "profiles", USERS

    def __init__(self, *users: str) -> None:
        self.users = users

    def since(self, position: Position | None) -> Iterator[Batch]:
        assert position is None or position["read"]
        records = [{"user_id": user, "updated_at": "2026-01-01T00:00:00Z", "app": "web"} for user in self.users]
        yield Batch(lines(*records).encode(), {"read": len(self.users)}, "by hand")


def log_of(folder: Path, *users: str, start: int = 0) -> ClickLog:
    """Write 12 events a user over three days."""
    events = [
        event(f"e-{number}-{at}", user_id=user, occurred_at=f"2026-01-0{1 + at % 3}T10:00:00Z")
        | {"known_at": "2026-01-05T00:00:00Z"}
        for number, user in enumerate(users)
        for at in range(start, start + 12)
    ]
    return ClickLog(clicks(folder, f"{start}.jsonl", *events))


def everything(lake: Lake) -> str:
    """Return all that can be read below a local lake: data as text, logs and checkpoints, names of files."""
    found = []
    for path in sorted(Path(lake.root).rglob("*")):
        found.append(str(path.relative_to(lake.root)))
        if path.suffix == ".parquet":
            place = "[[]".join(str(path).replace("'", "''").split("["))
            stored = duckdb.connect().sql(f"SELECT * FROM read_parquet('{place}', hive_partitioning = false)")
            columns = ", ".join(
                f'"{name}"' if str(kind) in ("VARCHAR", "BLOB") else f'CAST("{name}" AS VARCHAR)'
                for name, kind in zip(stored.columns, stored.types, strict=True)
            )
            rows = stored.project(columns).fetchall()
            found += [cell.decode("latin-1") if isinstance(cell, bytes) else str(cell) for row in rows for cell in row]
            found.append(path.read_bytes().decode("latin-1"))  # the footer's statistics are not packed
        elif path.is_file():
            found.append(path.read_text(encoding="utf-8"))
    return "\n".join(found)


def hash_of(lake: Lake, table: str = "events") -> str:
    return content_hash(connect(), lake.table(table))


@pytest.mark.parametrize("user", ODD, ids=lambda user: user[:12].encode("unicode_escape").decode())
def test_after_erasure_no_byte_of_the_lake_holds_the_id(tmp_path: Path, user: str) -> None:
    lake, rest = Lake(tmp_path / "lake"), Lake(tmp_path / "rest")
    others = ("ann", "bob", "somebody else")
    for start in (0, 12):
        ingest(lake, [log_of(tmp_path / "all", *others, user, start=start), Profiles(*others, user)], NOW)
        ingest(rest, [log_of(tmp_path / "some", *others, start=start), Profiles(*others)], NOW)
    bury(lake, "clicks", [refused(json.dumps(event(user_id=user, clicked=1)).encode(), "flag", "f")], NOW)
    forms = {user, json.dumps(user)[1:-1], user.encode().decode("latin-1")}
    assert any(form in everything(lake) for form in forms)
    events, users, letters = erase(lake, user, NOW)
    assert (events.rows, events.partitions, users.rows, letters.rows) == (24, 3, 1, 1)
    assert events.files >= 3
    assert not [form for form in forms if form in everything(lake)]
    assert hash_of(lake) == hash_of(rest)
    assert hash_of(lake, "users") == hash_of(rest, "users")


def test_a_checkpoint_of_the_log_does_not_hold_the_id_either(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    ingest(lake, [log_of(tmp_path / "clicks", "zz-ann", "bob")], NOW)
    DeltaTable(f"{lake.root}/events").create_checkpoint()
    erase(lake, "zz-ann", NOW)
    DeltaTable(f"{lake.root}/events").create_checkpoint()
    assert list(Path(lake.root, "events", "_delta_log").glob("*.checkpoint.parquet"))
    assert "zz-ann" not in everything(lake)
    assert "bob" in everything(lake)


def test_no_earlier_version_gives_the_user_back(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    for start in (0, 12):
        ingest(lake, [log_of(tmp_path / "clicks", "ann", "bob", start=start)], NOW)
    erase(lake, "ann", NOW)
    uri = f"{lake.root}/events"
    for version in range(DeltaTable(uri).version() + 1):
        try:
            found = _users(uri, version)
        except Exception as error:  # Delta's queries raise no better one
            assert "part-" in str(error)  # a data file that is no longer there
        else:
            assert "ann" not in found


def _users(uri: str, version: int) -> set[str]:
    handle = DeltaTable(uri, version=version)
    found = QueryBuilder().register("t", handle).execute("SELECT user_id FROM t").read_all()
    return {str(user) for user in found.column("user_id").to_pylist()}


def test_late_copies_and_a_reading_from_the_start_do_not_bring_the_user_back(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    ingest(lake, [log_of(tmp_path / "clicks", "ann", "bob"), Profiles("ann", "bob")], NOW)
    erase(lake, "ann", NOW)
    before = hash_of(lake)
    late, profiles = ingest(lake, [log_of(tmp_path / "clicks", "ann", start=12), Profiles("ann", "bob")], NOW)
    assert (late.counts.erased, late.counts.kept) == (12, 0)
    assert (profiles.counts.erased, profiles.counts.kept) == (1, 0)
    lake.table("events").append(connect(), lake.table("events").shape.nothing, {"clicks": {"position": None}})
    (again,) = ingest(lake, [ClickLog(tmp_path / "clicks")], NOW)
    assert (again.counts.erased, again.counts.kept, again.counts.duplicates) == (24, 0, 12)
    assert hash_of(lake) == before
    assert "ann" not in everything(lake)


def letters_of(user: str) -> list[bytes]:
    """Return records that name a user in every state that bytes are found in."""
    text, ascii_only = (json.dumps(user, ensure_ascii=flag) for flag in (False, True))
    whole = json.dumps({"user_id": user, "clicked": 1}).encode()
    every = "".join(f"\\u{ord(letter):04X}" for letter in user if ord(letter) < 65536)
    return [
        whole,
        f'{{"clicked": 1, "user_id" : {text}}}'.encode(),
        f'{{"user_id":{ascii_only},"clicked'.encode(),
        f'{{"user_id": "{every}", "clicked": 1}}'.encode(),
        f'{{"user_id": {text[:-1]}'.encode(),
        b'{"note": "caf\xe9", ' + whole[1:],
        f'{{"user_id": {{"id": {text}}}}}'.encode(),
        f'{{"user_id": [{text}]}}'.encode(),
        f'{{"deep": {{"user_id": {text}}}}}'.encode(),
    ]


@pytest.mark.parametrize("user", ["u1", "zoë", 'say "hi"', "a.b*c"])
def test_dead_letters_that_name_the_user_go_in_whatever_state_they_are(tmp_path: Path, user: str) -> None:
    lake = Lake(tmp_path / "lake")
    theirs = letters_of(user)
    others = [letter for other in (f"{user}2", f"x{user}") for letter in letters_of(other)]
    others.append(json.dumps({"user_id": "bob", "video_id": "v", "clicked": 2}).encode())
    found = [refused(record, "by hand", "a.jsonl") for record in dict.fromkeys([*theirs, *others])]
    bury(lake, "clicks", found, NOW)
    (done,) = erase(lake, user, NOW)
    connection = connect()
    lake.table("dead_letters").view(connection, "letters")
    left = {record for (record,) in connection.execute("SELECT record FROM letters").fetchall()}
    assert [record for record in theirs if record in left] == []
    assert [record for record in others if record not in left] == []
    assert done.rows == len(theirs)


@pytest.mark.parametrize("record", [b'{"user_id": 42, "clicked": 1}', b'{"a": 1, "user_id":42}', b'{"user_id": 42'])
def test_an_id_that_was_written_as_a_number_goes_too(tmp_path: Path, record: bytes) -> None:
    lake = Lake(tmp_path / "lake")
    bury(lake, "clicks", [refused(one, "r", "f") for one in (record, record.replace(b"42", b"421"))], NOW)
    assert [one.rows for one in erase(lake, "42", NOW)] == [1]


def test_erasing_twice_or_somebody_unknown_changes_nothing(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    ingest(lake, [log_of(tmp_path / "clicks", "ann", "bob")], NOW)
    before = hash_of(lake)
    assert [one.rows for one in erase(lake, "nobody", NOW)] == [0]
    assert hash_of(lake) == before
    assert [one.rows for one in erase(lake, "ann", NOW)] == [12]
    rows = lake.table("erased").rows
    assert [one.rows for one in erase(lake, "ann", NOW + timedelta(days=1))] == [0]
    assert (lake.table("erased").rows, lake.table("events").rows) == (rows, 12)


def test_a_run_that_was_killed_before_the_files_went_is_completed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(tmp_path / "lake")
    ingest(lake, [log_of(tmp_path / "clicks", "zz-ann", "bob")], NOW)
    with monkeypatch.context() as patch:
        patch.setattr("mlsd_lab.ingestion.lake_table.LakeTable.vacuum", _killed)
        with pytest.raises(KeyboardInterrupt):
            erase(lake, "zz-ann", NOW)
    assert "zz-ann" in everything(lake)
    erase(lake, "zz-ann", NOW)
    assert "zz-ann" not in everything(lake)


def _killed(*_: Any, **__: Any) -> int:
    raise KeyboardInterrupt


def test_a_file_of_a_broken_off_write_that_holds_the_user_goes(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    ingest(lake, [log_of(tmp_path / "clicks", "zz-ann", "bob")], NOW)
    (data, *_) = lake.table("events").files
    Path(data).with_name("part-orphan.parquet").write_bytes(Path(data).read_bytes())
    erase(lake, "zz-ann", NOW)
    assert "zz-ann" not in everything(lake)


def test_no_lake_and_no_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="expected a lake at"):
        erase(Lake(tmp_path / "none"), "ann", NOW)
    with pytest.raises(ConfigError, match="expected the id of a user"):
        erase(Lake(tmp_path / "none"), "", NOW)
    with pytest.raises(ConfigError, match=r"text in UTF-8, found 'ann\\udcff'"):
        erase(Lake(tmp_path / "none"), "ann\udcff", NOW)


def test_the_log_that_was_read_keeps_its_place(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    source = log_of(tmp_path / "clicks", "ann", "bob")
    ingest(lake, [source], NOW)
    erase(lake, "ann", NOW)
    (again,) = ingest(lake, [source], NOW)
    assert again.counts.read == 0
