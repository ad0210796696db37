from pathlib import Path
from threading import Event, Thread

import pytest

from mlsd_lab.errors import ArtifactError, ConflictError, StorageError
from mlsd_lab.features.access.held_files import held_files


def test_who_comes_second_waits_for_the_first(tmp_path: Path) -> None:
    log, anchor, order, held = tmp_path / "log", tmp_path / "anchor", list[str](), Event()

    def second() -> None:
        held.wait()
        with held_files(log, anchor):
            order.append("second")

    other = Thread(target=second)
    other.start()
    with held_files(log, anchor):
        held.set()
        other.join(timeout=0.1)
        order.append("first")
    other.join()
    assert order == ["first", "second"]


def test_who_waited_too_long_is_told_and_readers_do_not_keep_each_other_waiting(tmp_path: Path) -> None:
    log, anchor = tmp_path / "log", tmp_path / "anchor"
    refused = pytest.raises(ConflictError, match=r"another process holds the log, for 0\.01 s or more")
    with held_files(log, anchor):
        for write in (True, False):
            with refused, held_files(log, anchor, write, patience=0.01):
                pass
    with held_files(log, anchor, write=False), held_files(log, anchor, write=False, patience=0):
        pass


def test_to_read_both_must_be_there_and_to_write_they_are_made(tmp_path: Path) -> None:
    log, anchor = tmp_path / "new" / "log", tmp_path / "new" / "anchor"
    with (
        pytest.raises(ArtifactError, match="expected a log and its anchor, found one of them"),
        held_files(log, anchor, write=False),
    ):
        pass
    with held_files(log, anchor):
        pass
    with held_files(log, anchor, write=False):
        assert log.stat().st_mode & 0o777 == anchor.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_opened_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(StorageError, match=r"cannot use .*What cannot be logged is not read"),
        held_files(tmp_path / "file" / "log", tmp_path / "file" / "anchor"),
    ):
        pass
