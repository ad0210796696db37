from pathlib import Path

import pytest

from tests.cli.command_line import CommandLine


def test_the_doctor_finds_everything(mlsd_lab: CommandLine) -> None:
    done = mlsd_lab("doctor")
    assert done.code == 0
    assert "Everything is there." in done.out


def test_the_doctor_ends_with_1_where_something_is_missing(
    mlsd_lab: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = mlsd_lab("doctor")
    assert done.code == 1
    assert "C++ compiler: none" in done.out
    assert "mend it with: apt-get install g++" in done.out
