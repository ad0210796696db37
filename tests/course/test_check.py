import signal
import sys
import threading
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlsd_lab.course.check import Feedback, check
from mlsd_lab.course.learner import read_progress


def right(scores: Any, raters: Any, most: int) -> Any:
    return np.where(raters > most, -np.inf, scores)


def wrong(scores: Any, raters: Any, most: int) -> Any:
    return np.where(raters > most, 0, scores)


def loops(*_: object) -> None:
    for _number in count():
        pass


def swallows(*_: object) -> None:
    while True:
        try:
            loops()
        except Exception:
            continue


def swallows_all(*_: object) -> None:
    while True:
        try:
            int("x")
        except BaseException:
            continue


def test_attempts_and_the_first_success_are_recorded(course: Path) -> None:
    check("0.1", lambda scores, *_: scores)
    assert read_progress(course)["exercises"] == {}, "the starter is no attempt"
    check("0.1", wrong)
    assert read_progress(course)["exercises"]["0.1"] == {"attempts": 1, "solved": False}
    check("0.1", right)
    first = read_progress(course)["exercises"]["0.1"]
    check("0.1", wrong)
    assert read_progress(course)["exercises"]["0.1"] == first | {"attempts": 3}
    assert (first["attempts"], first["solved"], first["first_solved_at"][:2]) == (2, True, "20")


def test_a_broken_record_does_not_cost_the_feedback(course: Path) -> None:
    (course / "progress.json").write_text("{", encoding="utf-8")
    feedback = check("0.1", right)
    assert feedback.state == "solved"
    assert "Not kept: " in feedback.text


@pytest.mark.parametrize("endless", [loops, swallows, swallows_all])
def test_a_loop_without_end_is_stopped_and_told(monkeypatch: pytest.MonkeyPatch, endless: object) -> None:
    monkeypatch.setattr(sys.modules["mlsd_lab.course.check"], "LIMIT_SECONDS", 0.2)
    before = signal.getsignal(signal.SIGALRM)
    feedback = check("0.1", endless)
    assert "did not finish within 0.2 s" in feedback.text
    assert feedback.case.startswith("gems(")
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_outside_the_main_thread_it_checks_without_a_limit() -> None:
    found: list[Feedback] = []
    thread = threading.Thread(target=lambda: found.append(check("0.1", right)))
    thread.start()
    thread.join(timeout=30)
    assert found[0].state == "solved"


@pytest.mark.parametrize("answer", [None, 5, np.zeros(3)])
def test_what_is_no_function_is_a_sentence(answer: object) -> None:
    assert 'the function itself, check("0.1", gems)' in check("0.1", answer).text


def test_a_function_of_other_arguments_is_a_sentence() -> None:
    assert "your function raised TypeError" in check("0.1", lambda: None).text


def test_inputs_that_were_changed_are_named() -> None:
    def changes(scores: Any, raters: Any, most: int) -> Any:
        raters.sort()
        return right(scores, raters, most)

    assert "You changed the raters you were given" in check("0.1", changes).text


def test_an_interrupt_by_the_learner_goes_through() -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("0.1", interrupted)


def test_what_a_learner_wrote_is_escaped() -> None:
    def raises(*_: object) -> None:
        raise ValueError("<script>")

    html = check("0.1", raises)._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
