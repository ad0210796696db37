import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.stream.open_stream import open_stream
from mlsd_lab.ingestion.stream.stream_status import StreamStatus, stream_status
from tests import needs
from tests.cli.command_line import CommandLine, assert_refused, assert_sentence, assert_usage
from tests.ingestion.records import clicks, event

if TYPE_CHECKING:
    from tests.redis_server import RedisServer

LATE = {"occurred_at": "2025-12-31T10:00:00Z"}
NEWER = dict.fromkeys(("occurred_at", "known_at"), "2026-03-01T10:00:00Z")  # than all of the simulated feed


def found_in(file: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(file).read_text(encoding="utf-8"))
    return found


def test_click_files_go_through_a_stream_into_a_lake(mlsd_lab: CommandLine) -> None:
    clicks(Path("logs"), "1.jsonl", event("a"), event("a"), event("b", **LATE), "oops")
    done = mlsd_lab("stream", "produce", "--clicks", "logs")
    assert (done.code, done.err) == (0, "")
    assert "4 records acknowledged" in done.out
    assert "3 of them new" in done.out
    done = mlsd_lab("stream", "consume", "--json", "found.json")
    assert found_in("found.json") == {"read": 3, "on_time": 1, "late": 1, "dead": 1}
    assert "Late events wait: mlsd-lab stream correct --lake lake" in done.out
    mlsd_lab("stream", "status", "--json", "status.json")
    expected = {"begin": 0, "end": 3, "offset": 3, "lag": 0, "events": 1, "late": 1, "dead": 1}
    assert found_in("status.json") == expected | {"watermark": "2026-01-01 09:00:00+00:00"}
    assert "1 late events: 1 new" in mlsd_lab("stream", "correct").out
    assert mlsd_lab("stream", "status").out.count("for: mlsd-lab") == 1
    assert "still dead" in mlsd_lab("stream", "redrive").out


def test_what_is_sent_again_is_a_copy(mlsd_lab: CommandLine) -> None:
    for new in (100, 0):
        assert f"{new} of them new" in mlsd_lab("stream", "produce", "--events", 100, "--batch", 7).out.replace(
            "101", "100"
        )


def test_a_wider_lateness_lets_more_be_on_time(mlsd_lab: CommandLine) -> None:
    clicks(Path("logs"), "1.jsonl", event("a"), event("b", **LATE))
    mlsd_lab("stream", "produce", "--clicks", "logs")
    mlsd_lab("stream", "consume", "--lateness", 24 * 60, "--json", "found.json")
    assert found_in("found.json")["late"] == 0


def test_a_line_too_long_for_a_record_is_told_and_the_rest_is_sent(mlsd_lab: CommandLine) -> None:
    clicks(Path("logs"), "1.jsonl", event("a"), "x" * (2**20 + 1), event("b"))
    done = mlsd_lab("stream", "produce", "--clicks", "logs")
    assert "not sent: 1.jsonl: expected a line of at most 1048576 bytes" in done.out
    assert "2 records acknowledged" in done.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["produce", "--stream", "kafka://broker"], "expected a file or redis://HOST:PORT/NUMBER"),
        (["produce", "--stream", "nowhere/stream.db"], "unable to open database file"),
        (["consume", "--stream", "redis://:secret@127.0.0.1:9/0"], "cannot use redis://127.0.0.1:9/0"),
        (["consume", "--json", "nowhere/x.json"], "--json: expected a folder"),
        (["correct"], "expected a lake"),
        (["redrive"], "expected a lake"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(mlsd_lab: CommandLine, arguments: list[str], sentence: str) -> None:
    done = mlsd_lab("stream", *arguments)
    assert "secret" not in done.err
    assert_refused(done, sentence)


@pytest.mark.parametrize("setting", [("--lateness", "inf"), ("--lateness", "1e9"), ("--batch", 2**63)])
def test_a_setting_beyond_all_measure_is_refused(mlsd_lab: CommandLine, setting: tuple[str, Any]) -> None:
    assert_usage(mlsd_lab("stream", "consume", *setting), setting[0])


@pytest.mark.parametrize(
    "arguments", [("produce", "--events", 100, "--rate", 1e-300), ("consume", "--follow", "--every", "inf")]
)
def test_a_pause_of_centuries_is_one_that_can_be_stopped(
    mlsd_lab: CommandLine, arguments: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(seconds: float) -> None:
        assert timedelta(seconds=seconds) > timedelta(days=1)  # as the system does, it refuses what is too long
        raise KeyboardInterrupt

    mlsd_lab("stream", "produce", "--events", 100)
    monkeypatch.setattr("mlsd_lab.cli.stream.sleep", stopped)
    done = mlsd_lab("stream", *arguments)
    assert (done.code, done.err) == (0, "")


def test_clicks_that_are_not_there_are_one_sentence(mlsd_lab: CommandLine) -> None:
    assert_sentence(mlsd_lab("stream", "produce", "--clicks", "nowhere"), "nowhere")


def test_a_stream_made_anew_is_refused_before_anything_is_read_or_trimmed(mlsd_lab: CommandLine) -> None:
    mlsd_lab("stream", "produce", "--events", 100)
    mlsd_lab("stream", "consume")
    for file in Path().glob("stream.db*"):
        file.unlink()
    mlsd_lab("stream", "produce", "--events", 100)
    for command in ("consume", "status", "trim"):
        assert_sentence(mlsd_lab("stream", command), "it was made anew or is another")


@contextmanager
def following(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Run `mlsd-lab stream consume --follow` until it is interrupted as by Ctrl-C."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-m", "mlsd_lab", "stream", "consume", "--follow", "--every", "0.05", *arguments]
    process = subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(process: "subprocess.Popen[str]", stream: str, reached: Callable[[StreamStatus], bool]) -> None:
    """Look at stream and lake, time and again, until a state is reached; a process that ends meanwhile is a failure."""
    while process.poll() is None:
        source = open_stream(stream)
        found = stream_status(source, Lake("lake"))
        source.close()
        if reached(found):
            return
    raise AssertionError(process.communicate())


def interrupted(process: "subprocess.Popen[str]") -> str:
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    return out


def test_a_consumer_that_follows_reads_on_until_it_is_stopped(mlsd_lab: CommandLine) -> None:
    mlsd_lab("stream", "produce", "--events", 100)
    with following() as process:
        until(process, "stream.db", lambda found: found.events + found.late == 100)
        clicks(Path("logs"), "1.jsonl", event("more", **NEWER))
        mlsd_lab("stream", "produce", "--clicks", "logs")
        until(process, "stream.db", lambda found: found.events + found.late == 101)
        assert "on time" in interrupted(process)


def test_a_consumer_outlives_a_writer_that_was_first_and_a_server_that_was_gone(
    mlsd_lab: CommandLine, tmp_path: Path
) -> None:
    needs.redis()
    from tests.redis_server import binary, redis_server

    (tmp_path / "redis").mkdir()
    with redis_server(str(binary()), tmp_path / "redis") as server:
        mlsd_lab("stream", "produce", "--stream", server.url, "--events", 100)
        with following("--stream", server.url) as process:
            until(process, server.url, lambda found: found.events + found.late == 100)
            assert mlsd_lab("stream", "correct").code == 0
            _produced_over_a_crash(mlsd_lab, server)
            until(process, server.url, lambda found: found.lag == 0)
            interrupted(process)
    assert Lake("lake").table("events").rows == 101


def _produced_over_a_crash(mlsd_lab: CommandLine, server: "RedisServer") -> None:
    server.kill()
    clicks(Path("logs"), "1.jsonl", event("more", **NEWER))
    gone = mlsd_lab("stream", "produce", "--stream", server.url, "--clicks", "logs", "--patience", 0)
    assert_sentence(gone, "cannot use redis://")
    server.start()
    assert mlsd_lab("stream", "produce", "--stream", server.url, "--clicks", "logs").code == 0
