import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from mlsd_lab.cli.app import app
from mlsd_lab.cli.console import CLOSED_PIPE
from tests.cli.command_line import CommandLine, Done, assert_usage, report_in


@pytest.mark.parametrize("arguments", [["run", "--sed", "1"], ["run", "more"], ["walk"], ["data", "fetch"]])
def test_a_command_line_that_cannot_be_read(mlsd_lab: CommandLine, arguments: list[str]) -> None:
    assert_usage(mlsd_lab(*arguments), arguments[-2] if len(arguments) > 2 else "")


def helps(command: Any, name: str = "mlsd-lab") -> dict[str, str | None]:
    inside = getattr(command, "commands", {})
    below = [helps(one, f"{name} {word}") for word, one in inside.items()]
    return {name: command.help} | {key: text for part in below for key, text in part.items()}


def test_each_command_says_what_it_does() -> None:
    found = helps(get_command(app))
    assert {"mlsd-lab run", "mlsd-lab size", "mlsd-lab data fetch"} <= set(found)
    assert [name for name, text in found.items() if not text] == []


def test_help_is_paragraphs_as_wide_as_the_terminal_with_nothing_taken_for_markup() -> None:
    for name, text in helps(get_command(app)).items():
        done = CliRunner().invoke(app, [*name.split()[1:], "--help"], env={"COLUMNS": "1000"})
        said = (text or "").replace("`", "")  # shown by colour
        lines = {" ".join(line.split()) for line in done.output.splitlines()}
        assert {" ".join(paragraph.split()) for paragraph in said.split("\n\n")} <= lines, name


def test_a_pipe_that_is_closed_ends_as_in_other_tools_once_the_file_that_was_asked_for_is_there(tmp_path: Path) -> None:
    file = tmp_path / "feed.json"
    code = "input(); from mlsd_lab.cli import main; main()"
    running = subprocess.Popen(
        [sys.executable, "-c", code, "features", "describe", "retrieval", "--json", file],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert running.stdout is not None
    running.stdout.close()
    assert running.stdin is not None
    running.stdin.write("\n")
    running.stdin.close()
    assert running.stderr is not None
    assert running.stderr.read() == ""
    running.stderr.close()
    assert running.wait() == CLOSED_PIPE == 128 + signal.SIGPIPE
    assert file.exists()


def test_asking_for_help_loads_no_heavy_library() -> None:
    code = "import sys, mlsd_lab.cli; print(*{m.partition('.')[0] for m in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "pandas", "scipy", "sklearn", "matplotlib", "implicit", "annoy", "httpx"} & set(loaded)


class TestAProcessOfItsOwn:
    @staticmethod
    def start(*arguments: str, prepare: Callable[[], None] | None = None, **options: Any) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "mlsd_lab", *arguments],
            preexec_fn=prepare,
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
            **options,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def test_a_full_disk_ends_in_a_sentence_and_leaves_nothing(self, log: Path, tmp_path: Path) -> None:
        def full() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

        before = set(tmp_path.rglob("*"))
        out = tmp_path / "out"
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "MPLCONFIGDIR": str(tmp_path / "mpl")}
        (tmp_path / "mpl").mkdir()
        done = self.start(
            *("run", "--data", "csv", "--path", str(log), "--out", str(out)), prepare=full, env=environment
        )
        assert done.code == 2
        *_, last = done.err.splitlines()
        assert re.fullmatch(
            r"mlsd-lab: /.*clicks: cannot be written \(File too large\); free space or name another", last
        )
        assert "Traceback" not in done.err
        left = set(tmp_path.rglob("*")) - before
        assert not [path for path in left if path != tmp_path / "mpl" and tmp_path / "mpl" not in path.parents]

    def test_a_terminal_without_unicode_is_no_reason_to_stop(self, log: Path, tmp_path: Path) -> None:
        environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
        out = tmp_path / "out"
        done = self.start("run", "--data", "csv", "--path", str(log), "--out", str(out), env=environment)
        assert (done.code, done.err) == (0, "")
        assert "als_annoy" in done.out

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
    def test_output_that_cannot_be_written_ends_in_a_sentence(self) -> None:
        with Path("/dev/full").open("w", encoding="utf-8") as full:
            done = self.start("data", "list", stdout=full)
        assert done.code == 2
        assert "No space left on device" in done.err
        assert "Traceback" not in done.err

    def test_a_name_of_a_folder_that_is_not_text(self, log: Path, tmp_path: Path) -> None:
        name = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
        try:
            log.rename(name)
        except OSError:
            pytest.skip("this file system wants names that are text")
        done = self.start("run", "--data", "csv", "--path", name, "--out", name + "-out")
        assert (done.code, done.err) == (0, "")
        assert report_in(Path(name + "-out"))["data"]["title"] == "The log in caf?"

    def test_the_installed_command_is_this_one(self) -> None:
        command = Path(sys.executable).with_name("mlsd-lab")
        if not command.exists():
            pytest.skip("mlsd_lab is not installed in this environment: pip install -e .")
        done = subprocess.run([command, "data", "list"], capture_output=True, text=True, check=True)
        assert done.stdout == self.start("data", "list").out
