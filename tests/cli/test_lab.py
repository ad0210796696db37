import json
import re
from pathlib import Path

import pytest

from tests.cli.command_line import CommandLine, assert_refused


class TestTheCourse:
    """The notebooks' own folder: made, opened, and how far its learner is."""

    @pytest.fixture(autouse=True)
    def one_notebook(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "originals").mkdir()
        (tmp_path / "originals" / "00_start_here.ipynb").write_text('{"cells": []}', encoding="utf-8")
        monkeypatch.setattr("mlsd_lab.course.copies._PLACES", (tmp_path / "originals",))

    def test_copies_are_made_once(self, mlsd_lab: CommandLine) -> None:
        assert mlsd_lab("lab", "--no-open")[:2] == (
            0,
            "my_course: 1 new. How far you are: mlsd-lab progress --folder my_course\n",
        )
        assert "my_course: 1 as you left them" in mlsd_lab("lab", "--no-open").out

    def test_jupyterlab_is_opened_there_and_its_exit_code_is_ours(
        self, mlsd_lab: CommandLine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("mlsd_lab.course.copies.open_lab", {Path("mine"): 3}.__getitem__)
        assert mlsd_lab("lab", "--folder", "mine").code == 3

    def test_progress_is_a_table_and_a_sentence(self, mlsd_lab: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
        mlsd_lab("lab", "--no-open")
        kept = {"0.1": {"low": 1, "high": 2, "unit": "ms", "after_reveal": False, "measured": 1.5, "held": True}}
        solved = {"0.2": {"attempts": 2, "solved": True}}
        text = json.dumps({"predictions": kept, "exercises": solved})
        Path("my_course", "progress.json").write_text(text, encoding="utf-8")
        Path("my_course", "my_design.md").write_text("## 00 The whole picture\n\nTwo stages.\n", encoding="utf-8")
        monkeypatch.chdir("my_course")  # where one stands is one's folder
        done = mlsd_lab("progress")
        assert done.out.strip().endswith("your 80 % ranges held the truth 1 of 1 times")
        assert re.search(r"00 +1 of 1 +1 of 1 +2\b", done.out)

    def test_no_folder_and_a_broken_one_are_sentences(self, mlsd_lab: CommandLine) -> None:
        assert_refused(mlsd_lab("progress"), "my_course is not a course folder", "mlsd-lab lab")
        mlsd_lab("lab", "--no-open")
        Path("my_course", "progress.json").write_text("{", encoding="utf-8")
        done = mlsd_lab("progress")
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
        assert "progress.json: expected JSON" in done.err

    def test_the_originals_are_refused(self, mlsd_lab: CommandLine, tmp_path: Path) -> None:
        assert_refused(mlsd_lab("lab", "--folder", tmp_path), "expected a folder of your own")


def test_no_command_at_all_gives_the_help(mlsd_lab: CommandLine) -> None:
    done = mlsd_lab()
    assert done.code in (0, 2)
    assert "run" in done.out + done.err
    assert "doctor" in done.out + done.err
