"""Exercise 4.1: the point of a frontier that a budget buys, or none."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from mlsd_lab.course.exercise import Case, Exercise

Point = dict[str, Any]
_P99 = (0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0)  # few values, so that some stand exactly at a limit
_MB = (25, 50, 100, 200, 400)
_RECALL = (0.60, 0.70, 0.75, 0.80, 0.85, 0.90, 0.95)
_EACH = 13  # cases that catch a confusion, of every confusion


def _cases() -> Iterator[Case]:
    """Yield cases for each confusion; those it shares with another one tell the two apart by what they return."""
    rng = np.random.default_rng(41)
    room, kept = dict.fromkeys((*_CONFUSIONS, "none"), _EACH), []
    while any(room.values()):
        case = _drawn(rng)
        if len({(point["recall"], point["p99_ms"]) for point in case["points"]}) < len(case["points"]):
            continue  # no two are equally good
        right = _right(case)
        caught = {name: found for name, confused in _CONFUSIONS.items() if (found := confused(case)) != right}
        kind = max(caught or ["none"], key=room.__getitem__)
        if room[kind] and len(set(caught.values())) == len(caught) and (right is None or caught):
            room[kind] -= 1
            kept.append(case)
    yield from sorted(kept, key=lambda case: (len(case["points"]), len(_shown(case))))


def _drawn(rng: np.random.Generator) -> Case:
    points: list[Point] = []
    for at in range(int(rng.integers(2, 6))):
        recall, p99 = float(rng.choice(_RECALL)), float(rng.choice(_P99))
        low = round(recall - float(rng.choice([0.01, 0.02, 0.05])), 2)
        named = {"name": f"annoy {10 * (at + 1)}", "recall": recall, "recall_low": low}
        points.append(named | {"ms": round(p99 * 0.6, 2), "p99_ms": p99, "mb": int(rng.choice(_MB))})
    order = rng.permutation(len(points))
    budget = {"p99_ms": float(rng.choice(_P99[1:])), "mb": int(rng.choice(_MB[1:])), "recall": rng.choice(_RECALL[:5])}
    return {"points": [points[at] for at in order], "budget": {name: float(limit) for name, limit in budget.items()}}


def _best(points: list[Point]) -> str | None:
    return max(points, key=lambda point: (point["recall"], -point["p99_ms"]))["name"] if points else None


def _fitting(case: Case, time: str = "p99_ms", recall: str = "recall_low", memory: bool = True) -> list[Point]:
    limit = case["budget"]
    return [
        point
        for point in case["points"]
        if point[time] <= limit["p99_ms"]
        and (point["mb"] <= limit["mb"] or not memory)
        and point[recall] >= limit["recall"]
    ]


def _right(case: Case) -> str | None:
    return _best(_fitting(case))


def _strict(case: Case) -> str | None:
    limit = case["budget"]
    return _best([p for p in _fitting(case) if p["p99_ms"] < limit["p99_ms"] and p["mb"] < limit["mb"]])


_CONFUSIONS: dict[str, Callable[[Case], str | None]] = {
    "fastest": lambda case: min(_fitting(case), key=lambda p: p["p99_ms"], default={"name": None})["name"],
    "median": lambda case: _best(_fitting(case, time="ms")),
    "memory": lambda case: _best(_fitting(case, memory=False)),
    "interval": lambda case: _best(_fitting(case, recall="recall")),
    "strict": _strict,
    "first of equals": lambda case: max(_fitting(case), key=lambda p: p["recall"], default={"name": None})["name"],
    "lower end": lambda case: max(
        _fitting(case), key=lambda p: (p["recall_low"], -p["p99_ms"]), default={"name": None}
    )["name"],
}


def _judge(case: Case, returned: Any) -> str:
    points, right = {point["name"]: point for point in case["points"]}, _right(case)
    if isinstance(returned, dict) and returned in case["points"]:
        return f"You returned a whole point; asked is its name, here {returned['name']!r}."
    if returned is not None and not (isinstance(returned, str) and returned in points):
        return f"expected the name of a point, such as {case['points'][0]['name']!r}, or None, found {returned!r:.40}."
    if returned == right:
        return ""
    if returned == _strict(case):
        return f"{right} stands exactly at a limit, and that is within it: you found {returned}."
    if returned is None:
        return f"You found none, and {right} fits: compare each of its numbers with the budget."
    chosen = points[returned]
    if broken := _broken(chosen, case["budget"]):
        overlooked = returned in [_CONFUSIONS[name](case) for name in ("median", "memory", "interval")]
        if right is None and not overlooked:
            plainly = broken.partition(";")[0]
            return f"Nothing fits here, so say that: somebody can change the budget. {returned} breaks it: {plainly}."
        return f"{returned} breaks it: {broken}."
    mistaken = [name for name in ("fastest", "lower end") if _CONFUSIONS[name](case) == returned]
    return _not_best(chosen, points[str(right)], mistaken)


def _broken(point: Point, limit: dict[str, float]) -> str:
    """Say which limit a point breaks."""
    if point["p99_ms"] > limit["p99_ms"]:
        found = f"one query in a hundred takes {point['p99_ms']:g} ms or more, and {limit['p99_ms']:g} are allowed"
        helps = f"; that its median of {point['ms']:g} ms keeps the limit helps none of those who wait"
        return found + (helps if point["ms"] <= limit["p99_ms"] else "")
    if point["mb"] > limit["mb"]:
        return f"it is fast enough and needs {point['mb']} MB where {limit['mb']:g} are there"
    if point["recall_low"] < limit["recall"]:
        found = f"its recall may be as low as {point['recall_low']:g}, and {limit['recall']:g} was asked"
        less = f"; {point['recall']:g} is what these queries gave, others will give less"
        return found + (less if point["recall"] >= limit["recall"] else "")
    return ""


def _not_best(chosen: Point, right: Point, mistaken: list[str]) -> str:
    more = f"{right['name']} fits too and finds {right['recall']:g}"
    if "fastest" in mistaken and chosen["recall"] < right["recall"]:
        return f"{chosen['name']} is fast and finds {chosen['recall']:g}; {more}: a budget is there to be spent."
    if "lower end" in mistaken:
        return f"The lower end decides whether a point fits; of those that do, recall and then time decide: {more}."
    if chosen["recall"] == right["recall"]:
        return f"{chosen['name']} finds as much as {right['name']} and is the slower one: {chosen['p99_ms']:g} ms."
    return f"{chosen['name']} fits and finds {chosen['recall']:g}; {more}."


def _shown(case: Case) -> str:
    keys = ("name", "recall", "recall_low", "ms", "p99_ms", "mb")
    points = "; ".join(", ".join(str(point[key]) for key in keys) for point in case["points"])
    return f"budget {case['budget']}, points ({', '.join(keys)}): {points}"


_FITS = """
def good(ps, b, time='p99_ms', recall='recall_low'):
    return [p for p in ps if p[time] <= b['p99_ms'] and p['mb'] <= b['mb'] and p[recall] >= b['recall']]
def best(ps):
    return max(ps, key=lambda p: (p['recall'], -p['p99_ms']), default=None)
"""  # what the wrong answers share

EXERCISE = Exercise(
    key="4.1",
    title="Meet a budget",
    name="pick",
    statement="""
Somebody has measured a frontier, and the product has a budget. Write `pick(points, budget)`: return the **name** of the
point to build, or `None` when none fits.

A point is a dict:

- `name`; `recall`, the share of exact search's list that it found; `recall_low`, the lower end of its 95 % interval;
- `ms` and `p99_ms`, milliseconds of the median query and of the slowest in a hundred; `mb`, megabytes.

The budget is a dict too: `p99_ms` and `mb` must not be exceeded by the value of the same name, and `recall` must be
reached even by the lower end. What stands exactly at a limit is within it. Of the points that fit take the one of
highest `recall`, of equal ones that of lower `p99_ms`.
""",
    starter="""
def pick(points, budget):
    return points[0]["name"]  # change this line
""",
    hint="First throw out what breaks any limit; then order what is left. `max(points, key=…)` takes a tuple as a key.",
    solution="""
def pick(points, budget):
    def fits(point):
        small = point["p99_ms"] <= budget["p99_ms"] and point["mb"] <= budget["mb"]
        return small and point["recall_low"] >= budget["recall"]

    good = filter(fits, points)
    best = max(good, key=lambda point: (point["recall"], -point["p99_ms"]), default=None)
    return None if best is None else best["name"]
""",
    another="""
def pick(points, budget):
    best = None
    for p in sorted(points, key=lambda p: p["p99_ms"]):
        slow, large = p["p99_ms"] > budget["p99_ms"], p["mb"] > budget["mb"]
        if slow or large or p["recall_low"] < budget["recall"]:
            continue
        if best is None or p["recall"] > best["recall"]:
            best = p
    return best and best["name"]
""",
    wrong=(
        *(
            (f"{_FITS}def pick(ps, b): return ({chosen} or dict(name=None))['name']", sentence)
            for chosen, sentence in (
                ("min(good(ps, b), key=lambda p: p['p99_ms'], default=None)", "a budget is there to be spent"),
                ("best(good(ps, b, time='ms'))", "helps none of those who wait"),
                ("best(good(ps, b | {'mb': 1e9}))", "it is fast enough and needs"),
                ("best(good(ps, b, recall='recall'))", "others will give less"),
                ("best(p for p in good(ps, b) if p['p99_ms'] < b['p99_ms'])", "stands exactly at a limit"),
                ("max(good(ps, b), key=lambda p: (p['recall'], p['p99_ms']), default=None)", "is the slower one"),
                (
                    "max(good(ps, b), key=lambda p: (p['recall_low'], -p['p99_ms']), default=None)",
                    "The lower end decides whether",
                ),
                ("(best(good(ps, b)) or ps[0])", "Nothing fits here"),
            )
        ),
        ("def pick(ps, b): return max(ps, key=lambda p: p['mb'])", "You returned a whole point"),
        ("def pick(ps, b): return 0", "expected the name of a point"),
    ),
    thought="Your point fits today's catalogue. Which of its five numbers changes most when the catalogue doubles, and "
    "what would you measure each night so that nobody has to remember? And if the intervals of two points overlap, "
    "would you still pay for the one of higher recall?",
    cases=_cases,
    judge=_judge,
    shown=_shown,
)
