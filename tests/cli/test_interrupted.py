import os
import signal
import threading
from collections.abc import Iterator

import pytest

from mlsd_lab.cli import app
from mlsd_lab.cli.interrupted import until_interrupted
from mlsd_lab.ingestion.parsing import connect
from tests.cli.command_line import CommandLine


@pytest.fixture
def heard() -> Iterator[None]:
    """Hear Ctrl-C, also where whoever began the tests ignores it, as a shell does for what runs in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_ctrl_c_ends_a_query_as_it_ends_anything_else() -> None:
    connection = connect()
    for _ in range(5):  # now and then it comes between two queries
        with until_interrupted():
            threading.Timer(0.01, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
            while True:
                connection.execute("SELECT sum(range) FROM range(3_000_000)").fetchall()


def test_a_bug_is_not_taken_for_ctrl_c() -> None:
    with pytest.raises(RuntimeError, match="dictionary changed size"), until_interrupted():
        raise RuntimeError("dictionary changed size during iteration")


def test_a_command_that_is_stopped_while_duckdb_is_at_work_ends_without_a_trace(
    mlsd_lab: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(**_settings: object) -> None:
        raise RuntimeError("Query interrupted")

    monkeypatch.setattr(app, "app", stopped)
    assert mlsd_lab("stream", "correct") == (130, "", "")
