import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from mlsd_lab.course import copies
from mlsd_lab.course.copies import lab_command, open_copies, open_lab
from mlsd_lab.errors import ConfigError, DataError, MissingExtraError

NAME = "00_start_here.ipynb"
NEW = "00_start_here.new.ipynb"


@pytest.fixture
def originals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "originals"
    folder.mkdir()
    monkeypatch.setattr(copies, "_PLACES", (folder, tmp_path / "none"))
    edition(folder / NAME, "1 + 1")
    (folder / "notes.ipynb").write_text("{}", encoding="utf-8")
    return folder


def edition(path: Path, source: str, ran: int = 7) -> None:
    """Write a notebook of one cell that was run."""
    cell = {"cell_type": "code", "source": [source], "outputs": [{"text": "2"}], "execution_count": ran, "metadata": {}}
    path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")


def source_of(path: Path) -> str:
    return "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name[0] != ".")


@pytest.mark.usefixtures("originals")
def test_copies_have_no_outputs_and_the_folder_is_the_learners() -> None:
    found = open_copies("mine")
    cell = json.loads(Path("mine", NAME).read_text(encoding="utf-8"))["cells"][0]
    assert (cell["outputs"], cell["execution_count"], cell["source"]) == ([], None, ["1 + 1"])
    assert repr(found) == "mine: 1 new"
    assert names(Path("mine")) == [NAME]
    assert Path("mine", ".mlsd_lab_course").is_file()
    assert Path("mine", ".gitignore").read_text(encoding="utf-8") == "*\n"


@pytest.mark.usefixtures("originals")
def test_opening_again_changes_nothing() -> None:
    open_copies("mine")
    edition(Path("mine", NAME), "my own")
    before = Path("mine", NAME).read_bytes()
    assert repr(open_copies("mine")) == "mine: 1 as you left them"
    assert Path("mine", NAME).read_bytes() == before


def test_a_copy_that_was_only_run_gives_way_to_a_new_edition(originals: Path) -> None:
    open_copies("mine")
    edition(Path("mine", NAME), "1 + 1", ran=99)
    edition(originals / NAME, "2 + 2")
    assert open_copies("mine").replaced == (NAME,)
    assert source_of(Path("mine", NAME)) == "2 + 2"


def test_an_edited_copy_stays_and_the_new_edition_lies_beside_it(originals: Path) -> None:
    open_copies("mine")
    edition(Path("mine", NAME), "my own")
    for new in ("2 + 2", "3 + 3"):
        edition(originals / NAME, new)
        assert open_copies("mine").beside == (NEW,)
        assert (source_of(Path("mine", NAME)), source_of(Path("mine", NEW))) == ("my own", new)
        assert open_copies("mine").kept == (NAME,)
    edition(Path("mine", NEW), "mine too")
    edition(originals / NAME, "4 + 4")
    assert open_copies("mine").kept == (NAME,)
    assert source_of(Path("mine", NEW)) == "mine too"


def test_a_new_edition_that_was_thrown_away_stays_away(originals: Path) -> None:
    open_copies("mine")
    edition(Path("mine", NAME), "my own")
    edition(originals / NAME, "2 + 2")
    open_copies("mine")
    Path("mine", NEW).unlink()
    assert open_copies("mine").kept == (NAME,)
    assert names(Path("mine")) == [NAME]


@pytest.mark.usefixtures("originals")
@pytest.mark.parametrize("text", ["no notebook", '{"cells": 5}'])
def test_a_file_of_ones_own_is_never_overwritten(text: str) -> None:
    Path("mine").mkdir()
    Path("mine", NAME).write_text(text, encoding="utf-8")
    Path("mine", ".mlsd_lab_course").write_text("not JSON", encoding="utf-8")
    assert open_copies("mine").beside == (NEW,)
    assert Path("mine", NAME).read_text(encoding="utf-8") == text


def test_the_originals_are_no_place_for_copies(originals: Path) -> None:
    for folder in (originals, originals.parent):
        with pytest.raises(ConfigError, match="expected a folder of your own"):
            open_copies(folder)
    assert names(originals) == [NAME, "notes.ipynb"]


def test_no_notebooks_is_a_sentence(originals: Path) -> None:
    (originals / NAME).unlink()
    with pytest.raises(DataError, match=r"expected notebooks in .*, found none"):
        open_copies("mine")


def test_jupyterlab_is_for_this_machine_and_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    command = lab_command(Path("mine"))
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert {"--ServerApp.ip=127.0.0.1", "--LabApp.news_url=None"} <= set(command)
    assert f"--ServerApp.root_dir={Path.cwd() / 'mine'}" in command
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mlsd_lab\[course\]'"):
        lab_command(Path("mine"))


def test_the_exit_code_is_jupyterlabs_and_an_interrupt_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "lab_command", lambda _: [sys.executable, "-c", "raise SystemExit(3)"])
    assert open_lab(Path("mine")) == 3

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "run", interrupted)
    assert open_lab(Path("mine")) == 0
