"""Exercise 1.2: training rows that nobody could have had when the test began."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from mlsd_lab.course.exercise import Case, Exercise
from mlsd_lab.course.exercises.marked import Mask, marked


def _cases() -> Iterator[Case]:
    rng = np.random.default_rng(12)
    for rows in range(4, 13):
        traps = ("known", "strict", "first" if rows > 9 else "known")
        late = "last" if rows > 7 else "opposite"
        for trap in traps:
            for kind, must in (("random", trap), ("time", "opposite"), ("clean", "opposite"), ("time", late)):
                while not _tells(case := _drawn(rng, rows, kind), kind, must):
                    pass
                yield case


def _drawn(rng: np.random.Generator, rows: int, kind: str) -> Case:
    """Draw a table whose latest rows are the test, with a gap before them (clean), or only some of these (random)."""
    occurred = rng.integers(0, 3 * rows, rows)
    known = occurred + rng.integers(0, np.where(rng.random(rows) < 0.5, 3, 2 * rows))
    test = occurred >= np.quantile(occurred, rng.uniform(0.4, 0.8))
    if kind == "random":
        test &= rng.random(rows) < 0.5
    if test.any() and rng.random() < 0.3:  # one row is known at the very moment
        start = occurred[test].min()
        known[np.flatnonzero(~test & (occurred <= start))[:1]] = start
    if kind == "clean":
        occurred[test] += 2 * rows
        known[test] += 2 * rows
    return {"occurred_at": occurred, "known_at": known, "is_test": test}


def _tells(case: Case, kind: str, trap: str) -> bool:
    """Tell whether a case is of its kind, traps one confusion, and tells each of those it traps from the others."""
    test = case["is_test"]
    if test.all() or not test.any():
        return False
    right, found = _right(case), _confusions(case)
    if right.any() == (kind == "clean") or found["occurred"].any() != (kind == "random") or not found["opposite"].any():
        return False
    if (found[trap] == right).all():
        return False
    wrong = [mask.tobytes() for mask in found.values() if (mask != right).any()]
    late = (found["occurred"] != right).any()  # rows watched before the test and known after
    return len(set(wrong)) == len(wrong) and bool(late) == (kind != "clean")


def _sorted(case: Case) -> bool:
    """Tell whether every training row was watched before the test began."""
    return bool((case["occurred_at"][~case["is_test"]] < _start(case)).all())


def _start(case: Case) -> int:
    return int(case["occurred_at"][case["is_test"]].min())


def _right(case: Case) -> Mask:
    return ~case["is_test"] & (case["known_at"] >= _start(case))


def _confusions(case: Case) -> dict[str, Mask]:
    """Return what each confusion marks."""
    occurred, known, test = case.values()
    return {
        "occurred": ~test & (occurred >= _start(case)),
        "strict": ~test & (known > _start(case)),
        "known": ~test & (known >= known[test].min()),
        "last": ~test & (known >= occurred[test].max()),
        "first": ~test & (known >= occurred[test][0]),
        "opposite": ~test & (known < _start(case)),
    }


def _judge(case: Case, returned: Any) -> str:
    training = int((~case["is_test"]).sum())
    likely = {training: "is how many training rows there are"}
    mask = marked(returned, len(case["is_test"]), likely, ", the test's too.")
    if isinstance(mask, str):
        return mask
    if (mask & case["is_test"]).any():
        row, known = int(np.flatnonzero(mask & case["is_test"])[0]), case["known_at"]
        return f"Row {row}, known at {known[row]}, is a test row: it is there to judge, nothing is learned from it."
    if (mask == _right(case)).all():
        return ""
    for confusion, found in _confusions(case).items():
        if (mask == found).all():
            return _sentence(case, confusion)
    if not mask.any():
        return "Nothing is marked, and rows leak. `&` binds closer than `>=`: does each comparison stand in brackets?"
    row, start = int(np.flatnonzero(mask != _right(case))[0]), _start(case)
    known = case["known_at"][row]
    if mask[row]:
        return f"Row {row} may stay: it was known at {known}, {start - known} min before the test began at {start}."
    return f"Row {row} is not marked: the test began at {start}, and it was known {_since(known - start)}."


def _sentence(case: Case, confusion: str) -> str:
    occurred, known, test = case.values()
    start, found = _start(case), _confusions(case)[confusion]
    row = int(np.where(found != _right(case), known, -1).argmax())  # the latest known of those judged wrongly
    before, after = start - occurred[row], _since(known[row] - start)
    if confusion == "occurred" and _sorted(case):
        return (
            f"Every training row was watched before the test began at {start}, and row {row} leaks all the same: "
            f"watched {before} min before, it was known only {after}."
        )
    return {
        "occurred": f"Row {row} was watched {before} min before the test began, but known only {after}: until then "
        "nobody could learn from it.",
        "strict": f"Row {row} was known at {known[row]}, the very moment the test began: 'before' is strict.",
        "known": f"Row {row}, known at {known[row]}, is missing: the test begins when its earliest row is watched, at "
        f"{start}, and not when one is known, at {known[test].min()}.",
        "last": f"Row {row}, known at {known[row]}, is missing. At {occurred[test].max()} the last test row is "
        f"watched; the test begins with the earliest, at {start}.",
        "first": f"Row {row}, known at {known[row]}, is missing. The table is in no order: the test row that stands "
        f"first in it was watched at {occurred[test][0]}, the earliest at {start}.",
        "opposite": f"The other way round: row {int(found.argmax())} was known {start - known[found.argmax()]} min "
        "before the test began, and you marked it.",
    }[confusion]


def _since(minutes: int) -> str:
    return f"{minutes} min after" if minutes else "in that same minute"


def _shown(case: Case) -> str:
    return f"leaks({', '.join(f'{name}={value.tolist()}' for name, value in case.items())})"


EXERCISE = Exercise(
    key="1.2",
    title="Find the leak",
    name="leaks",
    statement="""
A row of the log is made when somebody starts a video (`occurred_at`), and is known to us when the watch has ended and
the phone has reported it (`known_at`, the same minute or later). A training row **leaks** when nobody could have had
it at the moment the test begins.

Write `leaks(occurred_at, known_at, is_test)`: return an array of `True` and `False`, one a row, `True` for every
training row that leaks. All three are arrays with one entry a row, in no particular order; times are whole minutes, and
rows where `is_test` is `False` are the training rows.

The test begins at the earliest `occurred_at` of its own rows. A training row is safe when it was known *before* that
moment. A test row never leaks. Rows are counted from 0.
""",
    starter="""
def leaks(occurred_at, known_at, is_test):
    return is_test  # change this line
""",
    hint="Two steps: the minute at which the test begins, one number; then a comparison for all rows at once. "
    "`~mask` turns a mask round, `one & other` is true where both are.",
    solution="""
def leaks(occurred_at, known_at, is_test):
    start = occurred_at[is_test].min()
    return ~is_test & (known_at >= start)
""",
    another="""
def leaks(occurred_at, known_at, is_test):
    begins = min(at for at, test in zip(occurred_at, is_test) if test)
    return [bool(not test and at >= begins) for at, test in zip(known_at, is_test)]
""",
    wrong=(
        ("def leaks(o, k, t): return ~t & (o >= o[t].min())", "nobody could learn from it"),
        (
            "def leaks(o, k, t): return ~t & (k >= o[t].min()) & (o[~t].max() >= o[t].min())",
            "leaks all the same",
        ),
        ("def leaks(o, k, t): return ~t & (k > o[t].min())", "the very moment"),
        ("def leaks(o, k, t): return k >= o[t].min()", "is a test row"),
        ("def leaks(o, k, t): return ~t & (k >= k[t].min())", "and not when one is known"),
        ("def leaks(o, k, t): return ~t & (k >= o[t].max())", "the last test row is"),
        ("def leaks(o, k, t): return ~t & (k >= o[t][0])", "The table is in no order"),
        ("def leaks(o, k, t): return ~t & (k < o[t].min())", "The other way round"),
        ("def leaks(o, k, t): return np.flatnonzero(~t & (k >= o[t].min()))", "looks like a list of row numbers"),
        ("def leaks(o, k, t): return k[~t] >= o[t].min()", "keeps the place of every row"),
    ),
    thought="Drop these rows and the freshest are gone. How long a gap before the test would leave none to drop?",
    cases=_cases,
    judge=_judge,
    shown=_shown,
)
