from pathlib import Path

from tests import needs
from tests.cli.command_line import CommandLine
from tests.cli.test_stream import found_in
from tests.ingestion.records import clicks, event


def test_before_the_first_event_there_is_no_watermark(mlsd_lab: CommandLine) -> None:
    assert "none yet" in mlsd_lab("stream", "status", "--json", "status.json").out
    assert found_in("status.json")["watermark"] is None


def test_only_what_the_lake_has_read_is_trimmed(mlsd_lab: CommandLine) -> None:
    clicks(Path("logs"), "1.jsonl", *(event(f"e{at}") for at in range(10)))
    mlsd_lab("stream", "produce", "--clicks", "logs")
    assert "0 records are gone, 10 are left" in mlsd_lab("stream", "trim", "--keep", 0).out
    mlsd_lab("stream", "consume")
    assert "0 records are gone, 10 are left" in mlsd_lab("stream", "trim", "--keep", 10**30).out
    assert "6 records are gone, 4 are left" in mlsd_lab("stream", "trim", "--keep", 4).out


def test_no_command_shows_the_password_of_a_server(mlsd_lab: CommandLine, tmp_path: Path) -> None:
    needs.redis()
    from tests.redis_server import binary, redis_server

    (tmp_path / "redis").mkdir()
    with redis_server(str(binary()), tmp_path / "redis") as server:
        with server.client() as client:
            client.acl_setuser("app", enabled=True, passwords=["+secret"], commands=["+@all"], keys=["*"])
        url = server.url.replace("//", "//app:secret@")
        for command in (["produce", "--events", 100], ["consume"], ["status"], ["trim"], ["status"]):
            done = mlsd_lab("stream", *command, "--stream", url)
            assert done.code == 0
            assert "secret" not in done.out + done.err
