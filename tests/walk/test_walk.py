"""A learner's first hour, walked by a machine: a real JupyterLab, a real browser, Run All, two answers, a guess.

Look at tests/walk/screenshots/ afterwards: whether it is readable, no test can tell.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mlsd_lab.course.copies import open_copies
from tests.needs import chromium
from tests.walk.lab import environment, running_lab

if TYPE_CHECKING:
    from tests.walk.open_notebook import OpenNotebook

SCREENSHOTS = Path(__file__).with_name("screenshots")
WRONG = ("def gems(scores, raters, most):", "return np.where(raters > most, 0, scores)")
RIGHT = ("def gems(scores, raters, most):", "return np.where(raters > most, -np.inf, scores)")


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A learner's folder, as `mlsd-lab lab` makes it."""
    return open_copies(tmp_path / "my_course").folder


@pytest.fixture
def notebook(tmp_path: Path, course: Path) -> "Iterator[OpenNotebook]":
    executable = chromium()
    from playwright.sync_api import sync_playwright

    from tests.walk.open_notebook import OpenNotebook

    home = tmp_path / "home"
    home.mkdir()
    SCREENSHOTS.mkdir(exist_ok=True)
    for old in SCREENSHOTS.glob("*.png"):
        old.unlink()
    with running_lab(course, home) as lab, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, env=dict(environment(home)))
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        try:
            yield OpenNotebook(page, lab, course / "00_start_here.ipynb", SCREENSHOTS)
        finally:
            page.screenshot(path=SCREENSHOTS / "6_where_it_ended.png")
            browser.close()


def test_a_learner_runs_all_errs_solves_and_guesses(notebook: "OpenNotebook", course: Path) -> None:
    from playwright.sync_api import expect

    from tests.walk.open_notebook import COMPLAINTS, output

    notebook.photograph("1_opened")
    notebook.run_all()
    notebook.photograph_all("2_all_ran")
    assert notebook.texts(COMPLAINTS) == []
    assert all(re.search(r"\[\d+\]", prompt) for prompt in notebook.texts(".jp-CodeCell .jp-InputPrompt"))

    exercise, its_slate = notebook.cell("def gems("), output(notebook.cell("slate(start, films, rescore=gems"))
    verdict, films = output(notebook.cell('check("0.1"')), its_slate.locator("td:nth-child(2)")
    famous = films.all_inner_texts()
    assert "not answered yet" in verdict.inner_text()
    notebook.rewrite("def gems(", *WRONG)
    notebook.run(cells=2)
    expect(verdict).to_contain_text("Scores can be negative")
    notebook.photograph("3_a_wrong_answer", exercise)

    notebook.rewrite("def gems(", *RIGHT)
    notebook.run(cells=2)
    expect(verdict).to_contain_text("solved")
    notebook.run()
    expect(films.first).not_to_have_text(famous[0])
    expect(films).to_have_count(10)
    assert not set(famous) & set(films.all_inner_texts())
    assert all(int(count) <= 50 for count in its_slate.locator("td:last-child").all_inner_texts())
    notebook.photograph("4_solved", exercise)

    predict = "from mlsd_lab.course import claim, compare, measure, predict"
    notebook.overtype(predict, "None", "1")
    notebook.overtype(predict, "None", "50")
    notebook.run(cells=2)
    guess, held = notebook.cell(predict), notebook.cell('whole_slate = measure("0.1"')
    expect(output(guess)).to_contain_text("your 80 % range: 1 to 50 ms")
    expect(output(held).locator("img")).to_be_visible()
    notebook.photograph("5_a_guess", held)

    assert notebook.strayed == []
    assert notebook.broken == []
    assert json.loads((course / "progress.json").read_text(encoding="utf-8"))["exercises"]["0.1"]["solved"] is True
    command = [str(Path(sys.executable).with_name("mlsd-lab")), "progress", "--folder", str(course)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.search(r"^ *00 .* 1 of 1 +\d+ *$", printed, re.MULTILINE)  # exercises solved, then words of design
