"""A learner's function against hidden cases: feedback in sentences, whatever the function does."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

from mlsd_lab import clock
from mlsd_lab.course.exercise import Case, Exercise, exercise
from mlsd_lab.course.learner import change_progress
from mlsd_lab.errors import MlsdLabError

LIMIT_SECONDS = 5.0
_COLOURS = {"unanswered": "#8a8a8a", "solved": "#5f8f3a", "wrong": "#9c3d1a"}


@dataclass(frozen=True)
class Feedback:
    """What a check found: solved, not yet and why, or not answered yet.

    >>> Feedback("0.1", "unanswered", "not answered yet")
    Exercise 0.1: not answered yet
    """

    key: str
    state: Literal["unanswered", "solved", "wrong"]
    text: str
    case: str = ""  # the smallest that failed

    def __repr__(self) -> str:
        return f"Exercise {self.key}: {self.text}" + (f"\nSeen on {self.case}" if self.case else "")

    def _repr_html_(self) -> str:
        case = f"<br>Seen on <code>{escape(self.case)}</code>" if self.case else ""
        edge = f"border-left:4px solid {_COLOURS[self.state]};padding:.2em .8em"
        return f'<div style="{edge}"><b>Exercise {self.key}</b>: {escape(self.text)}{case}</div>'


def check(key: str, answer: object) -> Feedback:
    """Run a learner's function on the hidden cases of an exercise, at most 5 s; whatever it does becomes a sentence.

    An answer is *not answered yet* while it gives what the starter gives on every case: source text is not compared,
    so a renamed variable or a comment is no attempt, and pasted or decorated functions are judged like any other.

    >>> check("0.1", lambda scores, raters, most: scores)
    Exercise 0.1: not answered yet
    """
    asked = exercise(key)
    if not callable(answer):
        found = type(answer).__name__
        return Feedback(key, "wrong", f'expected the function itself, check("{key}", {asked.name}), found {found}.')
    feedback = _feedback(asked, answer)
    if feedback.state == "unanswered":
        return feedback
    try:
        _record(feedback)
    except MlsdLabError as error:
        return Feedback(key, feedback.state, f"{feedback.text} (Not kept: {error})", feedback.case)
    return feedback


def _feedback(asked: Exercise, answer: Callable[..., Any]) -> Feedback:
    starter, cases = asked.function(asked.starter), list(asked.cases())  # made before the clock runs
    limit = LIMIT_SECONDS * asked.patience
    problem, failed, untouched = "", "", True
    current: Case = {}
    try:
        with _time_limit(limit):
            for current in cases:
                outcome = _outcome(asked, answer, current)
                untouched = untouched and _same(outcome, _outcome(asked, starter, current))
                if not problem:
                    problem = outcome.problem or asked.judge(current, outcome.value)
                    failed = asked.shown(current) if problem else ""
                if problem and not untouched:
                    break
    except _OutOfTimeError:
        text = f"not yet: your function did not finish within {limit:g} s. Does its loop come to an end?"
        return Feedback(asked.key, "wrong", text, asked.shown(current))
    if untouched:
        return Feedback(asked.key, "unanswered", "not answered yet")
    if problem:
        return Feedback(asked.key, "wrong", f"not yet: {problem}", failed)
    return Feedback(asked.key, "solved", f"solved. {asked.thought}")


@dataclass(frozen=True)
class _Outcome:
    value: Any = None
    problem: str = ""


def _outcome(asked: Exercise, function: Callable[..., Any], case: Case) -> _Outcome:
    given = deepcopy(case)
    try:
        value = asked.run(function, given)
    except (Exception, SystemExit) as error:  # whatever a learner's function raises is feedback
        return _Outcome(problem=f"your function raised {type(error).__name__}: {error}")
    for name, before in case.items():
        if not _equal(before, given[name]):
            text = f"You changed the {name} you were given; whoever called still needs them: work on a copy."
            return _Outcome(value, text)
    return _Outcome(value)


def _same(one: _Outcome, other: _Outcome) -> bool:
    return one.problem == other.problem and _equal(one.value, other.value)


def _equal(one: Any, other: Any) -> bool:
    """Tell whether two values are the same thing to a learner: type apart for numbers, NaN equal to itself."""
    import numpy as np

    if one is None or other is None:
        return one is other
    try:
        return bool(np.array_equal(np.asarray(one, float), np.asarray(other, float), equal_nan=True))
    except (Exception, SystemExit):  # anything may be returned, numeric or not
        return _equal_things(one, other)


def _equal_things(one: Any, other: Any) -> bool:
    try:
        return type(one) is type(other) and bool(one == other)
    except (Exception, SystemExit):  # comparable or not
        return False


def _record(feedback: Feedback) -> None:
    with change_progress() as progress:
        kept = progress["exercises"].setdefault(feedback.key, {"attempts": 0, "solved": False})
        kept["attempts"] += 1
        if feedback.state == "solved" and not kept["solved"]:
            kept |= {"solved": True, "first_solved_at": clock.now().isoformat(timespec="seconds")}


class _OutOfTimeError(BaseException):
    """Raised inside a learner's function; no `except Exception` of theirs catches it."""


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Interrupt the block after so many seconds, where the system can: in the main thread, not on Windows."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise _OutOfTimeError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.1)  # again and again: a bare `except:` in a loop swallows some
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
