"""Every exercise is held to the same promises; a new one is a file in `exercises/` and inherits them."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlsd_lab.course.exercises
from mlsd_lab.course.check import check
from mlsd_lab.course.exercise import Exercise, exercise

FILES = sorted(Path(mlsd_lab.course.exercises.__path__[0]).glob("ex_*.py"))
ALL = [exercise(path.stem.removeprefix("ex_").replace("_", ".")) for path in FILES]
WRONG = [(one, source, sentence) for one in ALL for source, sentence in one.wrong]
each = pytest.mark.parametrize("one", ALL, ids=lambda one: one.key)


def text_of(one: Exercise, answer: object) -> str:
    """What the learner reads; it never holds the solution's lines."""
    feedback = check(one.key, answer)
    text = f"{feedback!r}\n{feedback._repr_html_()}"
    lines = [line.strip() for line in one.solution.splitlines() if line.strip() and not line.startswith("def ")]
    assert not any(line in text for line in lines)
    return repr(feedback)


@each
def test_the_solution_and_a_right_answer_in_another_style_pass(one: Exercise) -> None:
    for source in (one.solution, one.another):
        assert text_of(one, one.function(source)) == f"Exercise {one.key}: solved. {one.thought}"


@each
def test_the_starter_is_not_answered_yet(one: Exercise) -> None:
    assert text_of(one, one.function(one.starter)) == f"Exercise {one.key}: not answered yet"
    html = check(one.key, one.function(one.starter))._repr_html_()
    assert html.endswith(f"<b>Exercise {one.key}</b>: not answered yet</div>")


@pytest.mark.parametrize(("one", "source", "sentence"), WRONG, ids=lambda x: getattr(x, "key", None))
def test_a_wrong_answer_gets_its_sentence_and_no_other(one: Exercise, source: str, sentence: str) -> None:
    text = text_of(one, one.function(source))
    assert text.startswith(f"Exercise {one.key}: not yet: ")
    assert "\nSeen on " in text
    assert [part for _, part in one.wrong if part in text] == [sentence]


@each
def test_there_are_at_least_three_wrong_answers(one: Exercise) -> None:
    assert len({sentence for _, sentence in one.wrong}) >= 3


@each
def test_cases_are_many_seeded_and_grow(one: Exercise) -> None:
    cases = list(one.cases())
    assert len(cases) >= 100
    assert list(map(one.shown, cases)) == list(map(one.shown, one.cases()))
    assert len(one.shown(cases[0])) <= len(one.shown(cases[-1]))


@each
def test_an_answer_that_remembers_what_it_was_shown_fails(one: Exercise) -> None:
    solution = one.function(one.solution)
    known = {one.shown(case): solution(*case.values()) for case in list(one.cases())[:40]}
    names = list(next(one.cases()))

    def remembers(*given: Any) -> Any:
        return known.get(one.shown(dict(zip(names, given, strict=True))), next(iter(known.values())))

    assert "not yet: " in text_of(one, remembers)


@each
@pytest.mark.parametrize(
    "junk",
    [None, "text", [], {}, np.nan, np.zeros((2, 2)), np.full(3, np.nan), object(), 1j, -1, True, [None], 10**400, b"x"],
    ids=lambda junk: repr(junk).partition(" at ")[0],  # an address would give each process other names of tests
)
def test_junk_gets_a_sentence(one: Exercise, junk: object) -> None:
    text = text_of(one, lambda *_: junk)
    assert re.match(r"Exercise \d+\.\d: not yet: .{20}", text)
    assert "Traceback" not in text


@each
@pytest.mark.parametrize(
    "error", [ValueError("no"), NotImplementedError(), SystemExit(3), RecursionError("deep"), MemoryError()], ids=repr
)
def test_what_it_raises_is_named_with_the_case(one: Exercise, error: BaseException) -> None:
    def raises(*_: object) -> None:
        raise error

    assert f"your function raised {type(error).__name__}" in text_of(one, raises)


@each
def test_the_statement_explains_and_folds_the_rest(one: Exercise) -> None:
    before = one.markdown.partition("<details>")[0]
    assert one.name in one.statement
    assert one.solution.strip() not in before
    assert one.markdown.count("<details>") == one.markdown.count("</details>") == 2
