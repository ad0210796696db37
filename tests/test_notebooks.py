"""The committed notebooks are what their sources say, run and whole; `pytest --nbval notebooks/` runs them again."""

from pathlib import Path

import pytest

from mlsd_lab.course.review import review
from tests.planted_changes import CHANGES, Change

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"


def test_nothing_is_wrong_with_the_notebooks() -> None:
    assert review(NOTEBOOKS / "source", NOTEBOOKS) == []
    assert list(NOTEBOOKS.glob("00_*.ipynb"))


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.what)
def test_a_change_to_plant_finds_its_line(change: Change) -> None:
    code = NOTEBOOKS.parent / "mlsd_lab" / change.file
    assert code.read_text(encoding="utf-8").count(change.old) == 1
