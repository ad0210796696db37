"""Exercise 2.3: each event once, whenever the process dies."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from mlsd_lab.course.exercise import Case, Exercise
from mlsd_lab.course.exercises.replayed_log import Log, Replay, Table, deliver, replay


@dataclass(repr=False)
class _Empty(Table):
    """The table of a case; it knows the log, as no table does that a sink is given."""

    log: Log = ()


def _run(sink: Callable[..., Any], case: Case) -> tuple[Replay, ...]:
    """Replay a log without a crash, then with one after each call."""
    log = case["table"].log
    calm, again = replay(sink, log), replay(sink, log)
    if replace(calm, calls=()) != replace(again, calls=()):
        return (replace(calm, alike=False),)
    return calm, *(replay(sink, log, at + 1) for at in range(len(calm.calls)))


def _cases() -> Iterator[Case]:
    rng = np.random.default_rng(23)
    logs: list[Log] = [("ab",), ("aa",), ("a", "a"), ("ab", "cd"), ("ab", "bc"), ("ab", "c", "ab")]
    for rows in np.repeat(np.arange(3, 10), 17):
        ids = ""
        while len(ids) < rows:
            copied = ids and rng.random() < 0.4
            ids += str(rng.choice(list(ids))) if copied else chr(ord("a") + len(set(ids)))
        cuts = sorted({0, int(rows), *rng.integers(1, rows, rng.integers(1, 4)).tolist()})
        log = tuple(ids[start:end] for start, end in pairwise(cuts))
        logs.append((*log, log[0]) if rng.random() < 0.3 else log)  # a phone got no answer: all of it again
    for log in sorted(dict.fromkeys(logs), key=lambda log: len("".join(log))):
        yield {"batch": deliver(log, 0), "table": _Empty(log=log)}


def _judge(case: Case, returned: tuple[Replay, ...]) -> str:
    log, calls = case["table"].log, returned[0].calls
    if not returned[0].alike:
        return (
            "On the same log and another empty table your sink did not do the same: it remembers. What you remembered "
            "in Python died with the process; the next one finds the table and nothing else."
        )
    for found in returned:
        at = found.died_after
        if problem := _problem(log, found, crashed=at > 0):
            return f"Crash after call {at}, {calls[at - 1]}: {problem}" if at else problem
    return ""


def _problem(log: Log, found: Replay, crashed: bool) -> str:
    ids = "".join(log)
    if found.stuck:
        start = max(found.offset, 0)
        if start and {row["event_id"] for row in deliver(log, start).rows} <= set(ids[:start]):
            return (
                f"the offset stayed at {start}: a batch with nothing new in it must move it too, or it comes for ever."
            )
        return f"the offset stayed at {found.offset}, and the same batch came again and again: who moves it on?"
    if found.changed:
        return f"the row of {found.changed[0]!r} in the table is not one that came."
    if lost := set(ids) - set(found.ids):
        return f"{_rows(len(lost))} lost, of {len(set(ids))}. {_why_lost(log, lost, crashed)}"
    if twice := [name for name, times in Counter(found.ids).items() if times > 1]:
        return f"{_rows(len(twice))} twice. {_why_twice(log, found, twice, crashed)}"
    return f"the offset is {found.offset}, and the log ends at {len(ids)}." if found.offset != len(ids) else ""


def _why_lost(log: Log, lost: set[str], crashed: bool) -> str:
    if crashed:
        return "The offset had moved past them: nobody sends them again."
    if all(set(batch) & set("".join(log[:at])) for at, batch in enumerate(log) if lost & set(batch)):
        return "There was no crash: each came in one batch with the copy of an earlier row."
    return "There was no crash at all."


def _why_twice(log: Log, found: Replay, twice: list[str], crashed: bool) -> str:
    if any("".join(log).count(name) == 1 for name in twice):
        moved = "had not moved yet, so the batch" if crashed else "moved to less than batch.offset, so a part"
        return f"The offset {moved} came again."
    if crashed:
        return "The copy came after the crash, when what you remembered in Python had died with the process."
    name = twice[0]
    batches = [at for at, batch in enumerate(log) if name in batch]
    if found.ids.count(name) <= len(batches):
        later = min(after - before for before, after in pairwise(batches))
        came = "in the next batch" if later == 1 else f"{later} batches later"
        return f"The copy came {came}: no batch knows what the others brought."
    asked = "and when you asked, the table had neither" if "has" in found.calls else "and both were written"
    return f"Both copies came in one batch, {asked}."


def _rows(number: int) -> str:
    return f"{number} row" if number == 1 else f"{number} rows"


def _shown(case: Case) -> str:
    return f"the log {' | '.join(case['table'].log)} (a letter is an event_id, | ends a batch)"


EXERCISE = Exercise(
    key="2.3",
    title="Each event once",
    name="sink",
    statement="""
A log delivers events in batches. Phones that get no answer send again, so a copy may come in the same batch, in the
next, or many batches later. And the process that writes them down may die at any moment.

Write `sink(batch, table)`. It is called for one batch after the other; bring the rows into the table and move the
offset on, so that at the end of the log each `event_id` is there **once** and none is missing. Of the batch you have

- `batch.rows`: a list of dicts, each with an `event_id`, a text; copies are equal;
- `batch.offset`: the place in the log behind this batch, a whole number.

The table offers five calls; each is I/O and happens whole or not at all:

- `table.has(ids)`: which of these ids it holds, as a set;
- `table.append(rows)`: adds rows, even those that it holds;
- `table.write_offset(offset)`: stores the offset, from which on the log is delivered;
- `table.commit(rows, offset)`: both in one transaction;
- `table.offset()`: the stored offset, at first 0.

We replay hidden logs without a crash, then with one after call 1, after call 2, and so on, counted over all batches:
the call takes effect, the process dies, and a new one goes on from the stored offset. (To die just before a call is to
die just after the one before it.) What Python's variables held is gone then, and no `except` helps.
""",
    starter="""
def sink(batch, table):
    table.append(batch.rows)  # change this line
""",
    hint="Put your finger between any two calls. What is in the table, what does the offset say, and what will the "
    "next process do with that? Then take a batch that holds a copy, and one that holds nothing else.",
    solution="""
def sink(batch, table):
    rows = {row["event_id"]: row for row in batch.rows}
    there = table.has(rows)
    table.commit([row for name, row in rows.items() if name not in there], batch.offset)
""",
    another="""
def sink(batch, table):
    for row in batch.rows:
        if not table.has([row["event_id"]]):
            table.append([row])
    table.write_offset(batch.offset)
""",
    wrong=(
        (
            """
def sink(batch, table):
    rows = {row["event_id"]: row for row in batch.rows}
    new = set(rows) - table.has(rows)
    table.write_offset(batch.offset)
    table.append(rows[name] for name in new)
""",
            "Crash after call 2, write_offset: 2 rows lost",
        ),
        (
            "def sink(b, t):\n    t.write_offset(b.offset)\n    t.append(b.rows)",
            "after call 1, write_offset: 2 rows lost",
        ),
        (
            "def sink(b, t):\n    t.append(b.rows)\n    t.write_offset(b.offset)",
            "Crash after call 1, append: 2 rows twice",
        ),
        ("def sink(b, t): t.commit(b.rows, b.offset)", "one batch, and both were written"),
        ("def sink(b, t): t.commit({r['event_id']: r for r in b.rows}.values(), b.offset)", "came in the next batch"),
        (
            """
def sink(batch, table):
    there = table.has(row["event_id"] for row in batch.rows)
    table.commit([row for row in batch.rows if row["event_id"] not in there], batch.offset)
""",
            "the table had neither",
        ),
        (
            """
seen = set()
def sink(batch, table):
    rows = {row["event_id"]: row for row in batch.rows if row["event_id"] not in seen}
    seen.update(rows)
    table.commit(rows.values(), batch.offset)
""",
            "what you remembered in Python",
        ),
        (
            """
def sink(batch, table):
    rows = {row["event_id"]: row for row in batch.rows}
    for name in table.has(rows):
        del rows[name]
    if rows:
        table.commit(rows.values(), batch.offset)
""",
            "nothing new in it",
        ),
        (
            """
def sink(batch, table):
    rows = {row["event_id"]: row for row in batch.rows}
    table.commit([] if table.has(rows) else rows.values(), batch.offset)
""",
            "with the copy of an earlier row",
        ),
        ("def sink(b, t): return b.rows", "who moves it on"),
        ("def sink(b, t): t.write_offset(b.offset)", "no crash at all"),
    ),
    thought="To ask the table about a batch was one call. What does it cost when the table holds a year of events, and "
    "what would you give up so that it need look at a week only?",
    cases=_cases,
    judge=_judge,
    shown=_shown,
    patience=4,
    run=_run,
)
