"""The committed notebooks are what their sources say, run and whole; `pytest --nbval notebooks/` runs them again."""

from pathlib import Path

from mlsd_lab.course.review import review

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"


def test_nothing_is_wrong_with_the_notebooks() -> None:
    assert review(NOTEBOOKS / "source", NOTEBOOKS) == []
    assert list(NOTEBOOKS.glob("00_*.ipynb"))
