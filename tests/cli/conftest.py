import sys
from pathlib import Path

import pytest

from mlsd_lab.cli import main
from tests.cli.command_line import CommandLine, Done, write_log


@pytest.fixture
def mlsd_lab(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    """The command line in this process, in an empty working folder, at a terminal of 100 columns."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("COLUMNS", "100")

    def call(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["mlsd-lab", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        code = ended.value.code
        return Done(code if isinstance(code, int) else int(bool(code)), out, err)

    return call


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of three days, 30 people and 150 videos."""
    return write_log(tmp_path / "log", people=30, videos=150)
