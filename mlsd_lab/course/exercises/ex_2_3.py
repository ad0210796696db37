"""Exercise 2.3: each event once, whenever the process dies."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count, pairwise
from typing import Any

import numpy as np

from mlsd_lab.course.exercise import Case, Exercise
from mlsd_lab.course.exercises.replayed_log import Replay, Table, World, deliver, replay

_numbers = count()  # a mark for each replay, so that no sink knows its ids


def _run(sink: Callable[..., Any], case: Case) -> tuple[Replay, ...]:
    """Replay a log without a crash, then with one after each call."""
    world, mark = case["table"].world, f"-{next(_numbers)}"
    calm, second = replay(sink, world, mark), replay(sink, world, mark)
    if calm != second:
        return (replace(calm, alike=False),)
    return calm, *(replay(sink, world, f"-{next(_numbers)}", at + 1) for at in range(len(calm.calls)))


def _cases() -> Iterator[Case]:
    rng = np.random.default_rng(23)
    worlds = [("ab",), ("aa",), ("a", "a"), ("ab", "cd"), ("ab", "c", "ab")]
    for rows in np.repeat(np.arange(3, 13), 11):
        ids = ""
        while len(ids) < rows:
            copied = ids and rng.random() < 0.4
            ids += str(rng.choice(list(ids))) if copied else chr(ord("a") + len(set(ids)))
        cuts = sorted({0, int(rows), *rng.integers(1, rows, rng.integers(1, 4)).tolist()})
        world = tuple(ids[start:end] for start, end in pairwise(cuts))
        worlds.append((*world, world[0]) if rng.random() < 0.3 else world)  # a phone got no answer: all of it again
    for world in sorted(dict.fromkeys(worlds), key=lambda world: len("".join(world))):
        yield {"batch": deliver(world, 0), "table": Table(world)}


def _judge(case: Case, returned: tuple[Replay, ...]) -> str:
    world, calls = case["table"].world, returned[0].calls
    if not returned[0].alike:
        return (
            "On the same log and another empty table your sink did not do the same: it remembers. What you remembered "
            "in Python died with the process; the next one finds the table and nothing else."
        )
    for found in returned:
        at = found.died_after
        if problem := _problem(world, found, crashed=at > 0):
            return f"Crash after call {at}, {calls[at - 1]}: {problem}" if at else problem
    return ""


def _problem(world: World, found: Replay, crashed: bool) -> str:
    ids = "".join(world)
    if found.stuck:
        start = max(found.offset, 0)
        if start and {row["event_id"] for row in deliver(world, start).rows} <= set(ids[:start]):
            return (
                f"the offset stayed at {start}: a batch with nothing new in it must move it too, or it comes for ever."
            )
        return f"the offset stayed at {found.offset}, and the same batch came again and again: who moves it on?"
    if found.changed:
        return f"the row of {found.changed[0]!r} is not as it came."
    if lost := set(ids) - set(found.ids):
        why = "The offset had moved past them: nobody sends them again." if crashed else "There was no crash at all."
        return f"{_rows(len(lost))} lost, of {len(set(ids))}. {why}"
    if twice := [name for name, times in Counter(found.ids).items() if times > 1]:
        return f"{_rows(len(twice))} twice. {_why_twice(world, found, twice, crashed)}"
    return f"the offset is {found.offset}, and the log ends at {len(ids)}." if found.offset != len(ids) else ""


def _why_twice(world: World, found: Replay, twice: list[str], crashed: bool) -> str:
    if crashed and any("".join(world).count(name) == 1 for name in twice):
        return "The offset had not moved yet, so the batch came again."
    if crashed:
        return "The copy came after the crash, when what you remembered in Python had died with the process."
    name = twice[0]
    batches = [at for at, batch in enumerate(world) if name in batch]
    if found.ids.count(name) <= len(batches):
        later = min(after - before for before, after in pairwise(batches))
        came = "in the next batch" if later == 1 else f"{later} batches later"
        return f"The copy came {came}: no batch knows what the others brought."
    asked = "and when you asked, the table had neither" if "has" in found.calls else "and both were written"
    return f"Both copies came in one batch, {asked}."


def _rows(number: int) -> str:
    return f"{number} row" if number == 1 else f"{number} rows"


def _shown(case: Case) -> str:
    return f"the log {' | '.join(case['table'].world)} (a letter is an event_id, | ends a batch)"


EXERCISE = Exercise(
    key="2.3",
    title="Each event once",
    name="sink",
    statement="""
A log delivers events in batches. Phones that get no answer send again, so a copy may come in the same batch, in the
next, or many batches later. And the process that writes them may die at any moment.

Write `sink(batch, table)`: bring the rows of a batch into the table, so that at the end each `event_id` is there
**once** and none is missing. Of the batch you have:

- `batch.rows`: a list of dicts, each with an `event_id`; copies are equal;
- `batch.offset`: the *offset* after this batch, which is the place in the log up to which it was read.

The table offers five calls, each of them I/O that happens whole or not at all:

- `table.has(ids)`: which of these ids it holds, as a set;
- `table.append(rows)`: adds rows, and looks at nothing;
- `table.write_offset(offset)`: stores the offset;
- `table.commit(rows, offset)`: both in one transaction;
- `table.offset()`: the stored offset.

`sink` is called for one batch after the other, from the stored offset to the end of the log. We replay hidden logs
without a crash, then with one after call 1, after call 2, and so on, counted over all batches: the call takes effect,
then the process dies, and a new one goes on from the stored offset. (To die just before a call is to die just after the
one before it.) No `except` survives that, and what Python's variables held does not either.
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
            "died with the process; the next",
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
        ("def sink(b, t): return b.rows", "who moves it on"),
        ("def sink(b, t): t.write_offset(b.offset)", "no crash at all"),
    ),
    thought="To ask the table about a batch was one call. What does it cost when the table holds a year of events, and "
    "what would you give up so that it need look at a week only?",
    cases=_cases,
    judge=_judge,
    shown=_shown,
    run=_run,
)
