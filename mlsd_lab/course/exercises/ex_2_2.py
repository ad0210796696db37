"""Exercise 2.2: which events are late, by the watermark and by nothing else."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.course.exercise import Case, Exercise
from mlsd_lab.course.exercises.marked import Mask, marked, mistaken

Minutes = NDArray[np.int64]


def _cases() -> Iterator[Case]:
    rng = np.random.default_rng(22)
    for rows in range(4, 15):
        for trap in ("clock", "future", "piece", "before", "equal", "twice", "last", "none", "first", "opposite"):
            while not _tells(case := _drawn(rng, max(rows, 5) if trap == "piece" else rows), trap):
                pass
            yield case


def _drawn(rng: np.random.Generator, rows: int) -> Case:
    """Draw events of which some came much later than they occurred, cut into pieces."""
    known = np.cumsum(rng.integers(0, 5, rows)) + 20
    slow = np.where(rng.random(rows) < 0.4, rng.integers(2, 20, rows), rng.integers(0, 3, rows))
    piece = np.cumsum(np.append(0, rng.random(rows - 1) < 0.4))
    return {"occurred_at": known - slow, "known_at": known, "piece": piece, "lateness": int(rng.integers(2, 6))}


def _tells(case: Case, trap: str) -> bool:
    """Tell whether a case has late events, and traps one confusion and tells each that it traps from the others."""
    right, found = _right(case), _confusions(case)
    wrong = [mask.tobytes() for mask in found.values() if (mask != right).any()]
    return bool(right.any() and (found[trap] != right).any()) and len(set(wrong)) == len(wrong)


def _newest(case: Case) -> list[int | None]:
    """Return for each event when the newest occurred that came before it: the rule, one record at a time."""
    seen: list[int | None] = [None]
    for at in case["occurred_at"].tolist():
        seen.append(at if seen[-1] is None else max(seen[-1], at))
    return seen[:-1]


def _right(case: Case) -> Mask:
    pairs = zip(case["occurred_at"].tolist(), _newest(case), strict=True)
    return np.array([newest is not None and at < newest - case["lateness"] for at, newest in pairs])


def _confusions(case: Case) -> dict[str, Mask]:
    """Return what each confusion marks."""
    occurred, known, piece, lateness = case.values()
    newest, last = np.maximum.accumulate(occurred), np.append(occurred[0], occurred[:-1])
    by_piece, before = occurred.copy(), occurred.copy()
    for number in np.unique(piece):
        of, earlier = piece == number, piece < number
        by_piece[of] = np.maximum.accumulate(occurred[of])
        before[of] = occurred[earlier].max() if earlier.any() else occurred[of]
    return {
        "clock": known - occurred > lateness,
        "future": occurred < occurred.max() - lateness,
        "piece": occurred < by_piece - lateness,
        "before": occurred < before - lateness,
        "equal": (occurred <= newest - lateness) & (occurred < newest),
        "twice": occurred < newest - 2 * lateness,
        "last": occurred < last - lateness,
        "none": occurred < newest,
        "first": occurred < occurred[0] - lateness,
        "opposite": occurred >= newest - lateness,
    }


def _judge(case: Case, returned: Any) -> str:
    right = _right(case)
    mask = marked(returned, len(right), {int(right.sum()): "is how many are late"}, ".")
    if isinstance(mask, str):
        return mask
    if (mask == right).all():
        return ""
    row, confusion = mistaken(mask, right, _confusions(case))
    if confusion:
        return _sentence(case, confusion, row)
    if not mask.any():
        return f"Nothing is marked, and row {row} is late: {_why(case, row)}."
    return f"Row {row} is {'late and not marked' if right[row] else 'marked and not late'}: {_why(case, row)}."


def _why(case: Case, row: int) -> str:
    newest, at = _newest(case)[row], case["occurred_at"][row]
    if newest is None:
        return "nothing came before it"
    behind = f"{newest - at} min after it" if newest > at else "no later than it"
    return f"the newest that came before it occurred {behind}, and {case['lateness']} min are allowed"


def _sentence(case: Case, confusion: str, row: int) -> str:
    """Say what a confusion did to the first event that it judges wrongly."""
    occurred, known, piece, lateness = case.values()
    at, newest, mask = int(occurred[row]), _newest(case)[row], bool(_confusions(case)[confusion][row])
    which = int(np.flatnonzero(occurred == newest)[0]) if newest is not None else row
    return {
        "clock": f"Row {row} came {known[row] - at} min after it occurred and is on time: {_why(case, row)}. "
        "How slow a phone is does not matter, only what came before.",
        "future": f"Row {row} is on time: when it came nobody knew row {int(occurred.argmax())}, which occurred at "
        f"{occurred.max()} and came later.",
        "piece": f"Row {row} is late: row {which}, in piece {piece[which]}, occurred at {newest}. What was seen must "
        "outlive the piece.",
        "before": f"Row {row} is late: row {which} of the same piece came before it and occurred at {newest}. Where a "
        "piece ends is chance, and nobody is late by chance.",
        "equal": f"Row {row} is exactly {lateness} min behind the newest: that many are allowed.",
        "twice": f"Row {row} is late: {_why(case, row)}. Was the lateness taken off twice?",
        "last": f"Row {row} is late: row {which} occurred at {newest}. "
        "The event that came last is not always the newest.",
        "none": f"Row {row} is older than one that came before it, by no more than is allowed: {_why(case, row)}.",
        "first": f"Row {row} is late: the watermark has moved since row 0, which occurred at {occurred[0]}; "
        f"row {which} occurred at {newest}.",
        "opposite": f"The other way round: row {row} is {'on time' if mask else 'late'}, {_why(case, row)}.",
    }[confusion]


def _shown(case: Case) -> str:
    parts = (f"{name}={value if isinstance(value, int) else value.tolist()}" for name, value in case.items())
    return f"late({', '.join(parts)})"


EXERCISE = Exercise(
    key="2.2",
    title="A watermark",
    name="late",
    statement="""
Events stand in the order in which they came. Each has the minute in which it happened (`occurred_at`, by the phone's
clock), the minute in which it came (`known_at`), and the number of the `piece` in which the consumer read it; a piece
is whatever had come since it last looked.

Write `late(occurred_at, known_at, piece, lateness)`: return an array of `True` and `False`, one an event, `True` for
each that is **late**. All but `lateness` are arrays with one entry an event; `lateness` is a number of minutes.

An event is late if it occurred *more than* `lateness` minutes before the newest of the events that came before it. The
newest is the one that occurred last. Whoever reads the same events in other pieces must find the same ones late. Events
are counted from 0.
""",
    starter="""
def late(occurred_at, known_at, piece, lateness):
    return [False for at in occurred_at]  # change this line
""",
    hint="Go through the events with one finger and keep one number in mind: what is the newest so far? Which of the "
    "four arguments do you need for that? `np.maximum.accumulate` does it for a whole array.",
    solution="""
def late(occurred_at, known_at, piece, lateness):
    newest = np.maximum.accumulate(occurred_at)
    return occurred_at < newest - lateness
""",
    another="""
def late(occurred_at, known_at, piece, lateness):
    newest, found = float("-inf"), []
    for at in occurred_at:
        found.append(bool(at < newest - lateness))
        newest = max(newest, at)
    return found
""",
    wrong=(
        ("def late(o, k, p, lateness): return k - o > lateness", "How slow a phone is"),
        ("def late(o, k, p, lateness): return o < o.max() - lateness", "nobody knew row"),
        (
            """
def late(occurred_at, known_at, piece, lateness):
    found = np.zeros(len(piece), bool)
    for number in np.unique(piece):
        of = occurred_at[piece == number]
        found[piece == number] = of < np.maximum.accumulate(of) - lateness
    return found
""",
            "must outlive the piece",
        ),
        (
            """
def late(occurred_at, known_at, piece, lateness):
    watermark, found = float("-inf"), []
    for number in np.unique(piece):
        of = occurred_at[piece == number]
        found.extend(of < watermark)
        watermark = max(watermark, of.max() - lateness)
    return found
""",
            "Where a piece ends is chance",
        ),
        (
            """
def late(occurred_at, known_at, piece, lateness):
    newest = np.maximum.accumulate(np.append(-1000, occurred_at[:-1]))
    return occurred_at <= newest - lateness
""",
            "that many are allowed",
        ),
        (
            """
def late(occurred_at, known_at, piece, lateness):
    watermark = np.maximum.accumulate(occurred_at) - lateness
    return occurred_at < watermark - lateness
""",
            "taken off twice",
        ),
        (
            "def late(o, k, p, lateness): return o < np.append(o[0], o[:-1]) - lateness",
            "came last is not always the newest",
        ),
        ("def late(o, k, p, lateness): return o < np.maximum.accumulate(o)", "by no more than is allowed"),
        ("def late(o, k, p, lateness): return o < o[0] - lateness", "the watermark has moved"),
        ("def late(o, k, p, lateness): return o >= np.maximum.accumulate(o) - lateness", "The other way round"),
        (
            "def late(o, k, p, lateness): return np.flatnonzero(o < np.maximum.accumulate(o) - lateness)",
            "looks like a list of row numbers",
        ),
        ("def late(o, k, p, lateness): return [o[0] - lateness - 1 > at for at in o[1:]]", "a mask keeps the place"),
    ),
    thought="Other pieces changed nothing. Let two of the events change places on their way: can one be late that was "
    "on time before? What must then still be equal, and when?",
    cases=_cases,
    judge=_judge,
    shown=_shown,
)
