"""Exercise 3.1: the window and the store that a brief asks for, or none."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsd_lab.course.exercise import Case, Exercise

_NAMES = ("dict", "file", "server", "cluster", "nightly")
_DAYS = (1, 2, 3, 7, 14, 28)
_EACH = 12  # cases that catch a confusion, of every confusion
Choice = tuple[int, str] | None


@dataclass(frozen=True)
class _Rules:
    """How a choice is made; each confusion is one rule changed."""

    events: str = "events_a_day"
    longest: bool = False
    aged: bool = True  # a window may not be longer than tastes last
    time: str = "p99_ms"
    fresh: bool = True
    shared: bool = True
    fastest: bool = False
    strict: bool = False
    anything: bool = False  # something is always chosen


_CONFUSIONS = {
    "mean": _Rules(events="mean_events_a_day"),
    "longest": _Rules(longest=True),
    "too long": _Rules(aged=False),
    "median": _Rules(time="p50_ms"),
    "stale": _Rules(fresh=False),
    "alone": _Rules(shared=False),
    "fastest": _Rules(fastest=True),
    "strict": _Rules(strict=True),
    "anything": _Rules(anything=True),
}


def _cases() -> Iterator[Case]:
    """Yield cases for each confusion; those it shares with another one tell the two apart by what they return."""
    rng = np.random.default_rng(31)
    room, kept = dict.fromkeys((*_CONFUSIONS, "none"), _EACH), []
    while any(room.values()):
        case = _drawn(rng)
        right = _chosen(case, _Rules())
        caught = {name: found for name, rules in _CONFUSIONS.items() if (found := _chosen(case, rules)) != right}
        kind = max([*caught, *["none"] * (right is None)], key=room.__getitem__, default="")
        if room.get(kind) and len(set(caught.values())) == len(caught):
            room[kind] -= 1
            kept.append(case)
    yield from sorted(kept, key=lambda case: (len(case["stores"]), len(_shown(case))))


def _drawn(rng: np.random.Generator) -> Case:
    """Draw a brief, and stores of which none is best at everything; numbers are few, so that some meet a limit."""
    typical = float(rng.choice([0.5, 1.0, 2.0, 5.0, 10.0]))
    brief = {
        "events_a_day": typical,
        "mean_events_a_day": typical * float(rng.choice([1, 2, 4])),
        "events_needed": int(rng.choice([5, 10, 20, 30])),
        "tastes_last_days": int(rng.choice([3, 7, 14, 28])),
        "p99_ms": float(rng.choice([1.0, 2.0, 5.0, 10.0])),
        "fresh_seconds": int(rng.choice([1, 60, 3_600, 86_400])),
        "machines": int(rng.choice([1, 1, 4])),
    }
    stores, dollars = [], rng.permutation([10, 20, 50, 100, 200])
    for name, cost in zip(rng.permutation(_NAMES)[: rng.integers(2, 6)], dollars, strict=False):
        p99 = float(rng.choice([0.5, 1.0, 2.0, 5.0, 10.0]))
        store = {"name": str(name), "p50_ms": round(p99 * float(rng.choice([0.2, 0.5])), 2), "p99_ms": p99}
        store |= {"fresh_seconds": int(rng.choice([1, 60, 3_600, 86_400])), "shared": bool(rng.random() < 0.6)}
        stores.append(store | {"dollars": int(cost)})
    return {"brief": brief, "stores": stores}


def _chosen(case: Case, rules: _Rules) -> Choice:
    brief, stores = case["brief"], case["stores"]
    needed, last = brief["events_needed"] + rules.strict / 1000, brief["tastes_last_days"] - rules.strict / 1000
    days = [days for days in _DAYS if days * brief[rules.events] >= needed and (days <= last or not rules.aged)]
    fit = [store for store in stores if not _broken(brief, store, rules)]
    if rules.anything:
        days, fit = days or [7], fit or stores
    if not days or not fit:
        return None
    best = min(fit, key=lambda store: (store["p99_ms"] if rules.fastest else 0, store["dollars"]))
    return (max(days) if rules.longest else min(days)), best["name"]


def _broken(brief: dict[str, Any], store: dict[str, Any], rules: _Rules) -> str:
    """Say which limit a store breaks."""
    name, p50, p99, seconds, shared, _ = store.values()
    if store[rules.time] + rules.strict / 1000 > brief["p99_ms"]:
        helps = f"; that its median of {p50:g} ms keeps the limit helps none of those who wait"
        asked = f"{name}: one lookup in a hundred takes {p99:g} ms or more, and {brief['p99_ms']:g} are allowed"
        return asked + helps * (p50 <= brief["p99_ms"])
    if rules.fresh and seconds + rules.strict > brief["fresh_seconds"]:
        return f"{name}: an event counts {seconds:,} s later, and {brief['fresh_seconds']:,} s are allowed"
    if rules.shared and brief["machines"] > 1 and not shared:
        return f"{name}: each of {brief['machines']} machines would know its own events, and none those of the others"
    return ""


def _judge(case: Case, returned: Any) -> str:
    right, names = _chosen(case, _Rules()), [store["name"] for store in case["stores"]]
    said = [*map(str, returned)] if isinstance(returned, tuple | list) else []
    found = next(((days, name) for days in _DAYS for name in names if said == [str(days), name]), None)
    if found is None and returned is not None:
        asked = f"expected days of {_DAYS} and a store's name, such as (7, {names[0]!r}), or None"
        return f"{asked}, found {str(returned)[:40]}."
    return "" if found == right else _sentence(case, found, right)


def _sentence(case: Case, found: Choice, right: Choice) -> str:
    if found == _chosen(case, _CONFUSIONS["strict"]):
        return f"What stands exactly at a limit is within it: {right} fits, and you have {found}."
    if found is None:
        return f"You found none, and {right} fits: compare each of its numbers with the brief."
    (chosen,) = (store for store in case["stores"] if store["name"] == found[1])
    window, store = _wrong_window(case["brief"], found[0]), _broken(case["brief"], chosen, _Rules())
    if found == _chosen(case, _CONFUSIONS["anything"]):
        return f"Nothing fits here, so say that: somebody can change the brief. {window or store}."
    if window or store or right is None:
        return f"{window or store}."
    if found[0] != right[0]:
        return f"{found[0]} days: {right[0]} are enough, and a longer window is slower to notice a change."
    return f"{found[1]} fits and costs more than {right[1]}, which fits too: nobody asked for more."


def _wrong_window(brief: dict[str, Any], days: int) -> str:
    events, needed = days * brief["events_a_day"], brief["events_needed"]
    if events < needed:
        mean = days * brief["mean_events_a_day"]
        few = f"; the mean of {mean:g} is made by a few who watch all day" * (mean >= needed)
        return f"In {days} days the person in the middle has {events:g} events and {needed} are needed{few}"
    if days > brief["tastes_last_days"]:
        return f"A window of {days} days is mostly of tastes that are gone: they last {brief['tastes_last_days']}"
    return ""


def _shown(case: Case) -> str:
    stores = "; ".join(", ".join(map(str, store.values())) for store in case["stores"])
    return f"brief {case['brief']}, stores ({', '.join(case['stores'][0])}): {stores}"


_FITS = """
def fit(brief, stores, time='p99_ms', fresh=True, shared=True):
    return [s for s in stores if s[time] <= brief['p99_ms'] and (s['shared'] or brief['machines'] == 1 or not shared)
        and (s['fresh_seconds'] <= brief['fresh_seconds'] or not fresh)]
def days(brief, events='events_a_day', last=None):
    last = brief['tastes_last_days'] if last is None else last
    return [d for d in (1, 2, 3, 7, 14, 28) if d * brief[events] >= brief['events_needed'] and d <= last]
def pair(ds, ss, pick=min, key='dollars'):
    return (pick(ds), min(ss, key=lambda s: s[key])['name']) if ds and ss else None
"""  # what the wrong answers share

EXERCISE = Exercise(
    key="3.1",
    title="A window and a store for a brief",
    name="choose",
    statement="""
A team wants a feature of each person's taste, and describes what for. Write `choose(brief, stores)`: return a pair, the
window in days and the **name** of the store, or `None` when no window or no store fits.

The window is one of `1, 2, 3, 7, 14, 28` days: the **shortest** in which the person in the middle has enough events.

- `brief["events_a_day"]`: of the person in the middle; `brief["mean_events_a_day"]`: of all people together, a person;
- `brief["events_needed"]`: so many a value must rest on, or chance outweighs taste;
- `brief["tastes_last_days"]`: a window longer than that averages over tastes that are gone.

The store is the **cheapest** that keeps the brief. Each is a dict with `name`, `p50_ms` and `p99_ms` of a lookup,
`fresh_seconds` (from an event to a value that counts it), `shared` by several machines or not, and `dollars` a month.

- `brief["p99_ms"]` and `brief["fresh_seconds"]` must not be exceeded by the value of the same name;
- `brief["machines"]` answer requests; where there is more than one, all must read the same store.
- What stands exactly at a limit is within it.
""",
    starter="""
def choose(brief, stores):
    return 7, stores[0]["name"]  # change this line
""",
    hint="The two choices do not depend on each other: list the windows that fit and the stores that fit, then choose.",
    solution="""
def choose(brief, stores):
    def keeps(store):
        quick = store["p99_ms"] <= brief["p99_ms"] and store["fresh_seconds"] <= brief["fresh_seconds"]
        return quick and (store["shared"] or brief["machines"] == 1)

    enough = [days for days in (1, 2, 3, 7, 14, 28) if days * brief["events_a_day"] >= brief["events_needed"]]
    good = sorted(filter(keeps, stores), key=lambda store: store["dollars"])
    return (enough[0], good[0]["name"]) if good and enough and enough[0] <= brief["tastes_last_days"] else None
""",
    another="""
def choose(brief, stores):
    window = next((d for d in (1, 2, 3, 7, 14, 28) if d >= brief["events_needed"] / brief["events_a_day"]), 10**9)
    best, cost = None, 10**9
    for s in stores:
        slow, old = s["p99_ms"] > brief["p99_ms"], s["fresh_seconds"] > brief["fresh_seconds"]
        if not (slow or old or (brief["machines"] > 1 and not s["shared"])) and s["dollars"] < cost:
            best, cost = s["name"], s["dollars"]
    return None if best is None or window > brief["tastes_last_days"] else [window, best]
""",
    wrong=(
        *(
            (f"{_FITS}def choose(b, s): return {chosen}", sentence)
            for chosen, sentence in (
                ("pair(days(b, 'mean_events_a_day'), fit(b, s))", "is made by a few who watch all day"),
                ("pair(days(b), fit(b, s), max)", "slower to notice a change"),
                ("pair(days(b, last=99), fit(b, s))", "mostly of tastes that are gone"),
                ("pair(days(b), fit(b, s, 'p50_ms'))", "helps none of those who wait"),
                ("pair(days(b), fit(b, s, fresh=False))", "an event counts"),
                ("pair(days(b), fit(b, s, shared=False))", "none those of the others"),
                ("pair(days(b), fit(b, s), key='p99_ms')", "nobody asked for more"),
                ("pair(days(b, last=b['tastes_last_days'] - 1), fit(b, s))", "What stands exactly at a limit"),
                ("(days(b)[:1] or [28])[0], (fit(b, s)[:1] or s)[0]", "expected days of"),
            )
        ),
        (f"{_FITS}def choose(b, s): return pair(days(b) or [7], fit(b, s) or s)", "so say that"),
    ),
    thought="You chose one window for everybody. Who would be served better by a longer one, and what would it cost to "
    "keep both and let the ranker weigh them?",
    cases=_cases,
    judge=_judge,
    shown=_shown,
)
