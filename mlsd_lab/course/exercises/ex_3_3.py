"""Exercise 3.3: a feature's value at a moment, equal to what a store gives that lived through the log."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, isclose, isnan, nan
from typing import Any

import numpy as np

from mlsd_lab.course.exercise import Case, Exercise

DAY, _EACH = 1_440, 11  # minutes; cases that catch a confusion, of every confusion
Rows = list[list[float]]  # of _COLUMNS
_COLUMNS = ("occurred_at", "known_at", "watch_seconds", "duration_seconds")


@dataclass(frozen=True)
class _Rules:
    """How a value is made; each confusion is one rule changed."""

    clock: int = 1  # column: 0 occurred_at, 1 known_at
    begins: int = 1  # the same, for the window's beginning
    until: int = 0  # minutes after `at`, where `to_midnight` does not say otherwise
    to_midnight: int | None = None  # the end is so many days after the midnight before `at`
    midnight: bool = True  # the window begins at one
    clipped: bool = True
    nulls: bool = False  # count as zero
    by_zero: bool = False  # what was watched of length 0 counts as 1


_CONFUSIONS = {
    "occurred": _Rules(clock=0, begins=0),
    "occurred at the edge": _Rules(begins=0),
    "outcome": _Rules(until=1),
    "whole day": _Rules(to_midnight=1),
    "yesterday": _Rules(to_midnight=0),
    "to the minute": _Rules(midnight=False),
    "not clipped": _Rules(clipped=False),
    "nulls as zero": _Rules(nulls=True),
    "by zero": _Rules(by_zero=True),
    "zero for none": _Rules(),
}


def _cases() -> Iterator[Case]:
    """Yield cases for each confusion; those it shares with another one tell the two apart by their values."""
    import pandas as pd

    rng = np.random.default_rng(33)
    room, kept = dict.fromkeys((*_CONFUSIONS, "none"), _EACH), []
    while any(room.values()):
        rows, at = _drawn(rng)
        right = _replayed(rows, at)
        caught = {name: found for name, found in _confused(rows, at).items() if not _near(found, right)}
        apart = len({9 if isnan(value) else round(value, 5) for value in caught.values()}) == len(caught)
        kind = max([*caught, *["none"] * isnan(right)], key=room.__getitem__, default="")
        if room.get(kind) and apart:
            room[kind] -= 1
            events = pd.DataFrame(rows, columns=list(_COLUMNS)).astype(dict.fromkeys(_COLUMNS[:2], np.int64))
            kept.append({"events": events, "at": at})
    yield from sorted(kept, key=lambda case: (len(case["events"]), len(_shown(case))))


def _drawn(rng: np.random.Generator) -> tuple[Rows, int]:
    """Draw some days of one person: phones that were offline, durations that nobody knows, replays."""
    rows, at = int(rng.integers(1, 7)), int(rng.integers(8 * DAY, 12 * DAY))
    today, minute = at // DAY * DAY, at % DAY
    first = today - 7 * DAY  # the window's midnight
    spots = [at - rng.integers(1, 600), at, at + rng.integers(1, 600), today - rng.integers(1, DAY), first - 9]
    spots += [first, first + rng.integers(1, max(2, minute)), first + rng.integers(minute, DAY)]
    known = np.array(spots)[rng.choice(8, rows, p=[0.15, 0.1, 0.1, 0.15, 0.05, 0.2, 0.1, 0.15])]
    early = known < first + 600  # their phones may have been offline over the window's edge
    occurred = known - np.where((rng.random(rows) < 0.5) & ((known >= at) | early), rng.integers(10, 900, rows), 0)
    seconds = rng.choice([10.0, 20.0, 40.0, 80.0, 0.0, np.nan], rows, p=[0.25, 0.25, 0.2, 0.2, 0.05, 0.05])
    watched = rng.choice([0.0, 3.0, 5.0, 7.0, 10.0, 20.0, 35.0, 60.0], rows)
    return np.column_stack([occurred, known, watched, seconds]).tolist(), at


def _replayed(rows: Rows, at: int) -> float:
    """Return what a store says that takes one event after the other: totals of each day, and no table."""
    totals: dict[int, list[float]] = {}
    for _, known, watched, seconds in sorted(rows, key=lambda row: row[1]):
        if known < at and seconds > 0:
            totals.setdefault(int(known) // DAY, []).append(min(watched / seconds, 1.0))
    shares = [share for day, of_day in totals.items() if day >= at // DAY - 7 for share in of_day]
    return sum(shares) / len(shares) if shares else nan


def _confused(rows: Rows, at: int) -> dict[str, float]:
    found = {name: _value(rows, at, rules) for name, rules in _CONFUSIONS.items()}
    return found | {"zero for none": 0.0 if isnan(found["zero for none"]) else found["zero for none"]}


def _value(rows: Rows, at: int, rules: _Rules) -> float:
    today = at // DAY * DAY
    until = at + rules.until if rules.to_midnight is None else today + rules.to_midnight * DAY
    since = (today if rules.midnight else at) - 7 * DAY
    inside = [row for row in rows if since <= row[rules.begins] and row[rules.clock] < until]
    there = [(watched, seconds) for _, _, watched, seconds in inside if seconds > 0]
    there += [(1.0, 1.0) for _, _, watched, seconds in inside if rules.by_zero and seconds == 0 < watched]
    count = len(inside) if rules.nulls else len(there)
    if not count:
        return nan
    return sum(min(watched / seconds, 1.0 if rules.clipped else inf) for watched, seconds in there) / count


def _rows(case: Case) -> Rows:
    return case["events"][list(_COLUMNS)].to_numpy(np.float64).tolist()


def _near(one: float, other: float) -> bool:
    return isclose(one, other, rel_tol=1e-6, abs_tol=1e-6) or (isnan(one) and isnan(other))


def _judge(case: Case, returned: Any) -> str:
    rows, at = _rows(case), case["at"]
    right = _replayed(rows, at)
    if isinstance(returned, bool) or not isinstance(returned, int | float | np.integer | np.floating):
        return f"expected one number, or NaN where nothing is known, found {type(returned).__name__}."
    value = float(min(max(returned, -1e9), 1e9)) if returned == returned else nan
    if _near(value, right):
        return ""
    for confusion, confused in _confused(rows, at).items():
        if _near(value, confused):
            return _sentence(case, confusion)
    return f"You have {value:.4g}; a store that lived through it has {right:.4g}."


def _sentence(case: Case, confusion: str) -> str:
    """Say what a confusion took in, or left out."""
    events, at = case["events"], case["at"]
    known, begin = events["known_at"], at // DAY * DAY - 7 * DAY
    late = max([*known[(events["occurred_at"] < at) & (known >= at)], at])
    tonight = max([*known[known // DAY == at // DAY], at])
    return {
        "occurred": f"You saw an event that arrived {late - at} min later: at {at} the phone had it, you had not.",
        "occurred at the edge": "What became known in the window counts, whenever seen: one clock for both ends.",
        "outcome": f"What became known at {at} is in your value at {at}. The outcome is inside its own feature.",
        "whole day": f"{_clock(at)} knows {_clock(tonight)}: a total of the whole day contains what was not known yet.",
        "yesterday": f"At {_clock(at)} everything since midnight is missing; the store has absorbed it.",
        "to the minute": f"The window begins at midnight of day {begin // DAY}: totals cannot cut a day in two.",
        "not clipped": "Somebody watched a video more than once, and your share of it is above 1: clip it to 0 to 1.",
        "nulls as zero": "A video without a length counts in your mean as 0, and goes into neither sum nor count.",
        "by zero": "A length of 0 makes a share without end, which clipping turns into 1: there is no share at all.",
        "zero for none": "Nothing is known here, and 0 says that nobody watched anything to the end: return NaN.",
    }[confusion]


def _clock(minute: int) -> str:
    return f"{minute % DAY // 60:02d}:{minute % 60:02d}"


def _shown(case: Case) -> str:
    events = case["events"]
    table = {name: events[name].tolist() for name in events}
    return f"completion_7d(pd.DataFrame({table}), at={case['at']})".replace("nan", "np.nan")


_ENDS = """
def ends(t, at, clock='known_at', low=None, high=None, begins=None, least=0):
    low, high = at // 1440 * 1440 - 7 * 1440 if low is None else low, at if high is None else high
    t = t[(t[begins or clock] >= low) & (t[clock] < high)]
    return t.watch_seconds / t.duration_seconds.where(t.duration_seconds > least)
"""  # what the wrong answers share

EXERCISE = Exercise(
    key="3.3",
    title="As a store would answer",
    name="completion_7d",
    statement="""
`events` has all events of one person, in no order: `occurred_at` (the phone's clock) and `known_at` (when it reached
us), both in whole minutes since a midnight, `watch_seconds` and `duration_seconds`. Write `completion_7d(events, at)`:
the mean share of each video that was watched, as an online store would answer at minute `at`.

- A share lies between 0 and 1; a video that was watched twice over counts as 1. Where the duration is unknown (NaN) or
  0 there is no share: such an event goes into neither sum nor count.
- An event counts if it was known **before** `at`.
- The window begins at a midnight: that of `at`'s own day, less seven days. What became known at that minute is inside.
- Where nothing is known, return NaN.

`events` is a pandas table; a day has `1440` minutes. You are compared with a store that took one event after the other.
""",
    starter="""
def completion_7d(events, at):
    return 0.0  # change this line
""",
    hint="Three questions of each event: when could we *first* have used it; is that before `at`; is it on or after "
    "the window's first midnight, `at // 1440 * 1440 - 7 * 1440`? Then a mean, and pandas' `mean` leaves out NaN.",
    solution="""
def completion_7d(events, at):
    begin = at // 1440 * 1440 - 7 * 1440
    known = events[(events.known_at >= begin) & (events.known_at < at)]
    duration = known.duration_seconds.where(known.duration_seconds > 0)
    return (known.watch_seconds / duration).clip(0, 1).mean()
""",
    another="""
def completion_7d(events, at):
    total, count = 0.0, 0
    for _, row in events.iterrows():
        days_back = at // 1440 - row.known_at // 1440
        if row.known_at < at and days_back <= 7 and row.duration_seconds > 0:
            total, count = total + min(1.0, row.watch_seconds / row.duration_seconds), count + 1
    return total / count if count else np.nan
""",
    wrong=(
        *(
            (f"{_ENDS}def completion_7d(t, at): return {value}", sentence)
            for value, sentence in (
                ("ends(t, at, 'occurred_at').clip(0, 1).mean()", "You saw an event that arrived"),
                ("ends(t, at, begins='occurred_at').clip(0, 1).mean()", "one clock for both ends"),
                ("ends(t, at, high=at + 1).clip(0, 1).mean()", "The outcome is inside its own feature"),
                ("ends(t, at, high=at // 1440 * 1440 + 1440).clip(0, 1).mean()", "contains what was not known yet"),
                ("ends(t, at, high=at // 1440 * 1440).clip(0, 1).mean()", "everything since midnight is missing"),
                ("ends(t, at, low=at - 7 * 1440).clip(0, 1).mean()", "begins at midnight of day"),
                ("ends(t, at).mean()", "your share of it is above 1"),
                ("ends(t, at).clip(0, 1).fillna(0).mean()", "goes into neither sum nor count"),
                ("ends(t, at, least=-1).clip(0, 1).mean()", "there is no share at all"),
                ("np.nan_to_num(ends(t, at).clip(0, 1).mean())", "return NaN"),
            )
        ),
        ("def completion_7d(t, at): return t.watch_seconds / t.duration_seconds", "expected one number"),
    ),
    thought="You read all of a person's events for one value. Which numbers could a store keep, so that this answer "
    "costs the same however long the past is, and what does it then no longer know?",
    cases=_cases,
    judge=_judge,
    shown=_shown,
    patience=2,
)
