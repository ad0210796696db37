from pathlib import Path

import pytest

from mlsd_lab.course import learner, values


@pytest.fixture(autouse=True)
def a_fresh_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing guessed, nothing measured, and an empty working folder that is nobody's course folder."""
    monkeypatch.setattr(learner, "_memory", {"predictions": {}, "exercises": {}})
    monkeypatch.setattr(values, "_named", {})
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """The working folder as a learner's own."""
    (tmp_path / learner.MARKER).write_text("{}\n", encoding="utf-8")
    return tmp_path
