import json
from importlib.resources import files
from pathlib import Path

import pytest

from mlsd_lab.course.real_log import QUESTIONS, on_the_real_log
from mlsd_lab.errors import ConfigError
from tests.needs import kuairand_folder

STORED = json.loads(files("mlsd_lab.course").joinpath("real_log.json").read_text("utf-8"))


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory from which no data is found."""
    monkeypatch.delenv("MLSD_LAB_KUAIRAND", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("question", QUESTIONS)
def test_without_the_files_the_stored_answer_says_its_day_and_how_to_repeat_it(question: str) -> None:
    answer = on_the_real_log(question)
    assert list(answer.sentences) == STORED[question]["sentences"]
    assert "; again: python -m benchmarks.real_log" in repr(answer).splitlines()[-1]
    assert answer._repr_html_().count("<li>") == len(answer.sentences) > 2


@pytest.mark.parametrize("question", QUESTIONS)
def test_with_the_files_it_is_asked_anew_and_says_what_is_stored(
    question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLSD_LAB_KUAIRAND", str(kuairand_folder()))
    answer = on_the_real_log(question)
    assert repr(answer).endswith("Measured just now, on the files that are here")
    if answer.sentences[0] == STORED[question]["sentences"][0]:  # the same excerpt
        assert [told.split(" (")[0] for told in answer.sentences[-2:]] == [
            told.split(" (")[0] for told in STORED[question]["sentences"][-2:]
        ]


def test_files_are_found_from_a_folder_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = kuairand_folder().resolve()
    monkeypatch.delenv("MLSD_LAB_KUAIRAND", raising=False)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "kuairand").symlink_to(source)
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert on_the_real_log("framing").date == ""


def test_a_question_that_was_never_asked_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected a question of framing, features, candidates, found 'weather'"):
        on_the_real_log("weather")
