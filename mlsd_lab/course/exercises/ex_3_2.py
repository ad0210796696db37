"""Exercise 3.2: which joined feature values have seen the future."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from mlsd_lab.course.exercise import Case, Exercise
from mlsd_lab.course.exercises.marked import Mask, marked, mistaken

_TRAPS = ("stamped", "written", "occurred", "strict", "either", "all of them", "opposite")


def _cases() -> Iterator[Case]:
    rng = np.random.default_rng(32)
    for rows in range(4, 19):
        for trap in _TRAPS:
            while not _tells(case := _drawn(rng, rows), trap):
                pass
            yield case


def _drawn(rng: np.random.Generator, rows: int) -> Case:
    """Draw joined rows: streamed, totals of a day stamped at its midnight, made anew weeks later, late phones."""
    as_of = rng.integers(5, 9, rows) * 1440 + rng.integers(60, 1400, rows)
    known = as_of - rng.integers(1, 900, rows)
    kind = rng.integers(0, 5, rows)
    known = np.where(kind == 0, as_of + rng.integers(1, 600, rows), known)  # it counts what came later
    known = np.where((kind == 1) & (rng.random(rows) < 0.5), as_of, known)  # and this the very outcome
    slow = np.where(rng.random(rows) < 0.4, rng.integers(20, 900, rows), rng.integers(0, 3, rows))
    stamped = np.where(rng.random(rows) < 0.5, known, known // 1440 * 1440)
    stamped = np.where(rng.random(rows) < 0.15, as_of + rng.integers(1, 60, rows), stamped)
    written = known + np.where(rng.random(rows) < 0.5, rng.integers(1, 20, rows), rng.integers(9_000, 30_000, rows))
    return {
        "as_of": as_of,
        "stamped_at": stamped,
        "written_at": written,
        "occurred_at": known - slow,
        "known_at": known,
    }


def _tells(case: Case, trap: str) -> bool:
    """Tell whether some rows leak and some do not, and the trap catches and is told apart from all others."""
    right, found = _right(case), _confusions(case)
    wrong = [mask.tobytes() for mask in found.values() if (mask != right).any()]
    return 0 < right.sum() < len(right) and bool((found[trap] != right).any()) and len(set(wrong)) == len(wrong)


def _right(case: Case) -> Mask:
    return case["known_at"] >= case["as_of"]


def _confusions(case: Case) -> dict[str, Mask]:
    """Return what each confusion marks."""
    as_of, stamped, written, occurred, known = case.values()
    return {
        "stamped": stamped >= as_of,
        "written": written >= as_of,
        "occurred": occurred >= as_of,
        "strict": known > as_of,
        "either": (stamped >= as_of) | (known >= as_of),
        "all of them": (stamped >= as_of) & (known >= as_of),
        "opposite": known < as_of,
    }


def _judge(case: Case, returned: Any) -> str:
    right = _right(case)
    mask = marked(returned, len(right), {int(right.sum()): "is how many leak"}, ".")
    if isinstance(mask, str):
        return mask
    if (mask == right).all():
        return ""
    row, confusion = mistaken(mask, right, _confusions(case))
    if confusion:
        return _sentence(case, confusion, row)
    return f"Row {row} is {'a leak and not marked' if right[row] else 'marked and no leak'}: {_why(case, row)}."


def _why(case: Case, row: int) -> str:
    before = int(case["as_of"][row] - case["known_at"][row])
    if before > 0:
        return f"the newest event that it counts was known {before} min before the label's moment"
    return f"it counts an event that became known {f'{-before} min after' if before else 'at'} the label's moment"


def _sentence(case: Case, confusion: str, row: int) -> str:
    """Say what a confusion did to the first row that it judges wrongly."""
    as_of, stamped, written, occurred, _ = (values[row] for values in case.values())
    stamp = f"stamped {abs(stamped - as_of)} min {'before' if stamped < as_of else 'after'} the label's moment"
    return {
        "stamped": f"Row {row} is {stamp}, and {_why(case, row)}. A stamp is what the job claims: a day's total "
        "carries its midnight.",
        "written": f"Row {row} was written {written - as_of} min after the label's moment, and is no leak: "
        f"{_why(case, row)}. A backfill writes today what could have been known then.",
        "occurred": f"Row {row} leaks: {_why(case, row)}, though it occurred {as_of - occurred} min before. Until it "
        "came nobody had it.",
        "strict": f"Row {row} leaks: {_why(case, row)}. It may be the outcome itself: 'before' is strict.",
        "either": f"Row {row} is {stamp}, and no leak: {_why(case, row)}. A wrong stamp is another defect.",
        "all of them": f"Row {row} leaks: {_why(case, row)}. That it is {stamp} does not help.",
        "opposite": f"The other way round: row {row} {'leaks' if _right(case)[row] else 'is safe'}, {_why(case, row)}.",
    }[confusion]


def _shown(case: Case) -> str:
    return f"leaks({', '.join(f'{name}={value.tolist()}' for name, value in case.items())})"


EXERCISE = Exercise(
    key="3.2",
    title="Spot the leak",
    name="leaks",
    statement="""
Somebody hands you a training set, joined from several feature tables, and for each value the times that belong to it.
Write `leaks(as_of, stamped_at, written_at, occurred_at, known_at)`: return an array of `True` and `False`, one a row,
`True` for each value that **could not have been served** at its label's moment.

All five are arrays of whole minutes, one entry a row:

- `as_of`: the label's moment, when the model would have been asked;
- `stamped_at`: the time that the feature's row carries, as its job wrote it;
- `written_at`: when that job ran;
- `occurred_at`, `known_at`: of the **newest event that the value counts**, when it happened on the phone, and when it
  reached us.

A value could have been served if everything that it counts was known *before* the label's moment. Whether somebody did
compute it by then does not matter here: a store that absorbs the stream would have.
""",
    starter="""
def leaks(as_of, stamped_at, written_at, occurred_at, known_at):
    return [False for moment in as_of]  # change this line
""",
    hint="Four of the times answer other questions: what a job claims, when it ran, what a phone's clock said. "
    "Which one says since when *we* could have used the event? Then one comparison; and where both are equal?",
    solution="""
def leaks(as_of, stamped_at, written_at, occurred_at, known_at):
    return known_at >= as_of
""",
    another="""
def leaks(as_of, stamped_at, written_at, occurred_at, known_at):
    return [not bool(known < moment) for known, moment in zip(known_at, as_of)]
""",
    wrong=(
        ("def leaks(a, s, w, o, k): return s >= a", "A stamp is what the job claims"),
        ("def leaks(a, s, w, o, k): return w >= a", "A backfill writes today"),
        ("def leaks(a, s, w, o, k): return o >= a", "Until it came nobody had it"),
        ("def leaks(a, s, w, o, k): return k > a", "'before' is strict"),
        ("def leaks(a, s, w, o, k): return (s >= a) | (k >= a)", "A wrong stamp is another defect"),
        ("def leaks(a, s, w, o, k): return (s >= a) & (k >= a)", "does not help"),
        ("def leaks(a, s, w, o, k): return k < a", "The other way round"),
        ("def leaks(a, s, w, o, k): return np.flatnonzero(k >= a)", "looks like a list of row numbers"),
        ("def leaks(a, s, w, o, k): return (k >= a)[k >= a]", "a mask keeps the place"),
    ),
    thought="Feature tables in the field seldom keep `known_at` of the newest event. What would you have to store so "
    "that this check can run each night, and how large would that be?",
    cases=_cases,
    judge=_judge,
    shown=_shown,
)
