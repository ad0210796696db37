import re
import sys
from pathlib import Path

import pytest

from mlsd_lab.course import say_it
from mlsd_lab.course.my_design import TITLES
from mlsd_lab.course.values import Value, register
from mlsd_lab.errors import ConfigError

ANSWERS = sorted((Path(sys.modules["mlsd_lab.course.say_it"].__file__ or "").parent / "answers").glob("*.md"))


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "04.md").write_text("Found {als.recall} in {4.1}, {4.1} each.\n", encoding="utf-8")
    monkeypatch.setattr(sys.modules["mlsd_lab.course.say_it"], "_ANSWERS", tmp_path)


@pytest.mark.usefixtures("template")
def test_measured_values_are_filled_in_and_live_ones_masked() -> None:
    register("als.recall", Value(0.39123, "", live=False, text="0.392 ± 0.004"))
    register("4.1", Value(0.0172, "s", live=True))
    answer = say_it("04")
    assert repr(answer) == "Found 0.392 ± 0.004 in ⟨17.2 ms⟩, ⟨17.2 ms⟩ each."
    assert answer._repr_markdown_() == repr(answer)


@pytest.mark.usefixtures("template")
def test_what_was_not_measured_is_named() -> None:
    register("4.1", Value(0.0172, "s", live=True))
    with pytest.raises(ConfigError, match=r"04: expected values named als\.recall, found none"):
        say_it("04")


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.stem)
def test_an_answer_is_said_in_90_seconds_and_has_five_questions_with_folded_answers(path: Path) -> None:
    spoken, _, questions = path.read_text(encoding="utf-8").partition("\n---\n")
    assert path.stem in TITLES
    assert 120 <= len(spoken.split()) <= 225
    assert questions.count("<details><summary>") == questions.count("</details>") == 5
    assert not re.search(r"\d", re.sub(r"\{[^}]*\}|90 seconds|100 candidates", "", spoken)), (
        "a number that no cell measured"
    )
