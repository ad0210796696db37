import shutil
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from mlsd_lab.errors import ConflictError, StorageError
from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.erase import erase
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.upkeep import compact
from mlsd_lab.ingestion.warehouse import Warehouse
from tests.cli.command_line import CommandLine
from tests.ingestion.faults import Interrupted, hash_of
from tests.ingestion.records import NOW, clicks, event

if TYPE_CHECKING:
    from tests.s3 import Server


@pytest.fixture
def root(s3: "Server", monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in s3.variables.items():
        monkeypatch.setenv(name, value)
    return f"{s3.place()}/a lake"


def written(folder: Path, name: str, *numbers: int, **changes: Any) -> ClickLog:
    records = [event(f"e{at}", user_id=f"u{at % 3}", occurred_at=f"2026-01-0{1 + at % 3}T10:00:00Z") for at in numbers]
    usual = {"known_at": "2026-01-09T00:00:00Z"}
    return ClickLog(clicks(folder, name, *(record | usual | changes for record in records)))


def test_a_lake_in_s3_holds_what_a_local_one_does(root: str, tmp_path: Path) -> None:
    lakes = [Lake(root), Lake(tmp_path / "lake")]
    for name, numbers, changes in (
        ("1.jsonl", range(9), {}),
        ("2.jsonl", range(5, 12), {}),
        ("3.jsonl", range(4), {"known_at": "2026-01-08T00:00:00Z", "clicked": True}),
    ):
        source = written(tmp_path / "clicks", name, *numbers, **changes)
        far, near = (ingest(lake, [source], NOW)[0].counts for lake in lakes)
        assert far == near
        assert hash_of(lakes[0]) == hash_of(lakes[1])
    assert (far.kept, far.duplicates) == (0, 4)
    clicked = "SELECT count(*) AS n, count(*) FILTER (clicked) AS c FROM fact_events"
    assert Warehouse(lakes[0]).query(clicked).to_dict("list") == {"n": [12], "c": [4]}
    assert ingest(lakes[0], [source], NOW)[0].counts.read == 0
    done = compact(lakes[0], keep_hours=0)
    assert done[0].files_after < done[0].files_before
    assert hash_of(lakes[0]) == hash_of(lakes[1])
    assert [one.rows for lake in lakes for one in erase(lake, "u1", NOW)] == [4, 4]
    assert hash_of(lakes[0]) == hash_of(lakes[1])
    assert ingest(lakes[0], [source], NOW)[0].counts.read == 0


def test_of_two_writers_one_is_told_that_the_other_was_first(root: str) -> None:
    lake = Lake(root)
    lake.table("users")
    one, other = lake.table("users"), lake.table("users")
    row = "SELECT 'ann' AS user_id, now() AS updated_at, false AS deleted"
    row += ", NULL AS signed_up_at, NULL AS app, NULL AS region"
    one.append(connect(), row, {"a": {}})
    with pytest.raises(ConflictError, match="another writer committed first"):
        other.append(connect(), row, {"b": {}})
    assert (lake.table("users").rows, lake.table("users").states) == (1, {"a": {}})


def test_the_commands_work_on_s3(root: str, tmp_path: Path, mlsd_lab: CommandLine) -> None:
    written(tmp_path / "clicks", "1.jsonl", *range(9))
    done = mlsd_lab("ingest", "--lake", root, "--clicks", tmp_path / "clicks")
    assert (done.code, done.err.count("Traceback")) == (0, 0)
    asked = mlsd_lab("sql", "--lake", root, "SELECT count(*) AS events FROM fact_events")
    assert (asked.code, "9" in asked.out) == (0, True)


def test_a_wrong_secret_is_told_at_once_and_not_shown(
    root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mlsd_lab: CommandLine
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wr0ng-s3cret")
    written(tmp_path / "clicks", "1.jsonl", 1)
    done = mlsd_lab("ingest", "--lake", root, "--clicks", tmp_path / "clicks")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "SignatureDoesNotMatch" in done.err
    assert not [secret for secret in ("wr0ng-s3cret", "labsecret") if secret in done.err]


@pytest.mark.usefixtures("root")
def test_a_bucket_that_is_not_there_is_told() -> None:
    with pytest.raises(StorageError, match="NoSuchBucket"):
        Lake("s3://no-such-bucket/lake").table("events")


def test_a_server_that_is_not_there_is_told_soon(root: str, s3: "Server", monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.s3 import free_ports

    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_ports(['s3'])['s3']}")
    began = monotonic()
    with pytest.raises(StorageError, match="refused") as told:
        Lake(root).table("events")
    assert monotonic() - began < 30
    assert s3.variables["AWS_SECRET_ACCESS_KEY"] not in str(told.value)


def test_a_server_that_stops_in_the_middle_is_told_and_a_rerun_completes(
    root: str, s3: "Server", tmp_path: Path
) -> None:
    written(tmp_path / "clicks", "1.jsonl", *range(6))
    written(tmp_path / "clicks", "2.jsonl", *range(4, 12))
    source = ClickLog(tmp_path / "clicks", batch_bytes=500)
    began = monotonic()
    try:
        with pytest.raises(StorageError, match="cannot use s3://"):
            impatient = {"retry_timeout": "3s", "max_retries": "1"}
            ingest(Lake(root, impatient), [Interrupted(source, s3.stop)], datetime(2026, 6, 1, tzinfo=UTC))
        assert monotonic() - began < 40
    finally:
        s3.restart()
    (rest,) = ingest(Lake(root), [source], NOW)
    assert rest.counts.read < 14
    ingest(Lake(tmp_path / "lake"), [source], NOW)
    assert hash_of(Lake(root)) == hash_of(Lake(tmp_path / "lake"))


def test_nothing_is_written_beside_the_lake(root: str, tmp_path: Path) -> None:
    source = written(tmp_path / "clicks", "1.jsonl", 1)
    ingest(Lake(root), [source], NOW)
    shutil.rmtree(tmp_path / "clicks")
    assert list(tmp_path.iterdir()) == []
