"""Exercise 4.2: a source of candidates for uploads that nobody has watched yet."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.course.exercise import Case, Exercise

_EACH = 15  # cases that catch a confusion, of every confusion
Codes = list[int]


def _cases() -> Iterator[Case]:
    """Yield cases for each confusion; those it shares with another one tell the two apart by what they return."""
    rng = np.random.default_rng(42)
    room, kept = dict.fromkeys((*_CONFUSIONS, "nobody"), _EACH), []
    while any(room.values()):
        case = _drawn(rng, rng.random() < 0.05)
        right = _right(case)
        caught = {name: found for name, confused in _CONFUSIONS.items() if (found := confused(case)) != right}
        told_apart = len(set(map(tuple, caught.values()))) == len(caught)
        kind = max(caught, key=room.__getitem__, default="") if len(case["watched"]) else "nobody"
        if room.get(kind) and told_apart:
            room[kind] -= 1
            kept.append(case)
    yield from sorted(kept, key=lambda case: (len(case["creator"]), len(_shown(case))))


def _drawn(rng: np.random.Generator, nobody: bool) -> Case:
    """Draw a catalogue and what one person watched in it, in order; ages differ, and some are of tomorrow."""
    videos = int(rng.integers(5, 13))
    age = rng.permutation(np.arange(-2, 3 * videos))[:videos].astype(float)
    there = np.flatnonzero(age >= 0)
    watched = rng.choice(there, 0 if nobody or not len(there) else int(rng.integers(1, 6)))
    creator = rng.integers(0, 4, videos)
    return {"watched": watched, "creator": creator, "age": age, "k": int(rng.integers(1, 5))}


def _found(
    case: Case, seen: bool = False, future: bool = False, oldest: bool = False, weigh: str = "watches", cut: bool = True
) -> Codes:
    """Return the list of a source that keeps to the rules but for those that are switched."""
    watched, creator, age, k = case.values()
    weight = _weight(weigh, watched, creator)
    keep = (weight > 0) & ((age >= 0) | future)
    if not seen:
        keep[watched] = False
    order = np.lexsort((-age if oldest else age, -weight))
    return [int(video) for video in order if keep[video]][: k if cut else None]


def _weight(kind: str, watched: NDArray[np.int64], creator: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each video what its creator counts for."""
    rows = {"videos": np.unique(watched), "last": watched[-1:]}.get(kind, watched)
    count = np.bincount(creator[rows], minlength=4)
    if kind == "made":
        count = np.where(count > 0, np.bincount(creator, minlength=4), 0)
    if kind == "anybody":
        count = np.ones(4, dtype=int)
    return np.asarray(np.minimum(count, 1) if kind == "any" else count)[creator]


_right = _found
_CONFUSIONS: dict[str, Callable[[Case], Codes]] = {
    "seen": lambda case: _found(case, seen=True),
    "future": lambda case: _found(case, future=True),
    "oldest": lambda case: _found(case, oldest=True),
    "anybody": lambda case: _found(case, weigh="anybody"),
    "made": lambda case: _found(case, weigh="made"),
    "any": lambda case: _found(case, weigh="any"),
    "cut": lambda case: _found(case, cut=False),
}


def _judge(case: Case, returned: Any) -> str:
    watched, creator, age, k = case.values()
    codes = _codes(returned, len(creator))
    if isinstance(codes, str):
        return codes
    if codes == _right(case):
        return ""
    if len(codes) > k:
        return f"You return {len(codes)} videos where {k} were asked: the blend gave this source no more places."
    if again := [code for code in codes if codes.count(code) > 1]:
        return f"Video {again[0]} is there {codes.count(again[0])} times: a place in the list is lost."
    if old := [code for code in codes if code in watched]:
        return f"Video {old[0]} was watched already: a source that proposes it spends a place on nothing new."
    if soon := [code for code in codes if age[code] < 0]:
        return f"Video {soon[0]} has an age of {age[soon[0]]:g} days: it is uploaded after the request."
    if strange := [code for code in codes if creator[code] not in creator[watched]]:
        return _strange(case, strange[0])
    return _order(case, codes)


def _codes(returned: Any, videos: int) -> Codes | str:
    try:
        codes = np.asarray([] if returned is None else returned, dtype=object).tolist()
        found = [int(code) for code in codes]
        whole = returned is not None and all(code == number for code, number in zip(codes, found, strict=True))
    except (TypeError, ValueError, OverflowError):
        whole, found = False, []
    if not whole or any(isinstance(code, str | bytes | bool | np.bool_) for code in codes):
        return f"expected a list of video codes, found {'nothing' if returned is None else repr(returned)[:40]}."
    if outside := [code for code in found if not 0 <= code < videos]:
        return (
            f"There is no video {str(outside[0])[:12]}: codes go from 0 to {videos - 1}, and a short list stays short."
        )
    return found


def _strange(case: Case, video: int) -> str:
    creator, watched = case["creator"], case["watched"]
    if not len(watched):
        return "Who has watched nothing has no creators, and gets anybody's list from you: return none, others fill it."
    own = sorted(set(creator[watched].tolist()))
    return (
        f"Video {video} is by creator {creator[video]}; this person has watched creators {own}: it is anybody's list."
    )


def _order(case: Case, codes: Codes) -> str:
    """Say where a list of possible videos first differs."""
    right, creator = _right(case), case["creator"]
    at = next((at for at, (one, two) in enumerate(zip(codes, right, strict=False)) if one != two), len(codes))
    if at == len(codes):
        return f"Your list ends after {len(codes)} of {len(right)}: video {right[at]} could stand there too."
    one, two = codes[at], right[at]
    if creator[one] == creator[two]:
        ages = f"{case['age'][one]:g} days old, stands before {two}, {case['age'][two]:g} days old"
        return f"Of one creator, video {one}, {ages}: newest first; the older one has had its chance."
    mine, theirs = (int((creator[case["watched"]] == creator[video]).sum()) for video in (one, two))
    if codes == _CONFUSIONS["made"](case):
        return f"Who makes most is not who is watched most: {mine} watches stand before {theirs} at place {at}."
    if mine == theirs:
        both, newer = f"Creators {creator[one]} and {creator[two]} were watched equally often", case["age"][two]
        return f"{both}, so their videos stand together: {two}, {newer:g} days old, comes before {one}."
    return f"Creator {creator[one]} (watched {mine} ×) stands before creator {creator[two]} (watched {theirs} ×)."


def _shown(case: Case) -> str:
    given = ", ".join(f"{name}={np.asarray(value).tolist()}" for name, value in case.items())
    return f"uploads({given})"


EXERCISE = Exercise(
    key="4.2",
    title="A new source",
    name="uploads",
    statement="""
Nobody has watched an upload of this morning, so no source that learns from events will propose it. People do come back
to creators. Write `uploads(watched, creator, age, k)` for one person: the list of at most `k` video codes, best first,
that a source “new from your creators” proposes.

- `watched`: codes of the videos this person watched, an array; a video watched twice is there twice;
- `creator`: for each video of the catalogue its creator, a whole number; `age`: days since its upload, all of them
  different. What has a negative age will be uploaded after this request.

Propose videos by creators whom the person has watched. Videos of the creator watched most often (each watch counts)
come first, of one creator the newest first. Leave out what was watched and what is not there yet. Where two creators
were watched equally often, their videos form one group, the newest first, whichever of the
two made them. A list may be shorter than `k`, or empty.
""",
    starter="""
def uploads(watched, creator, age, k):
    return range(k)  # change this line
""",
    hint="`np.bincount(creator[watched], minlength=…)` counts the watches of each creator. "
    "`np.lexsort((second, first))` orders by the *last* key it is given, ascending.",
    solution="""
def uploads(watched, creator, age, k):
    watches = np.bincount(creator[watched], minlength=creator.max() + 1)[creator]
    fits = (watches > 0) & (age >= 0) & ~np.isin(np.arange(len(age)), watched)
    order = np.lexsort((age, -watches))
    return order[fits[order]][:k]
""",
    another="""
def uploads(watched, creator, age, k):
    mine = [creator[video] for video in watched]
    seen = set(watched)
    good = [v for v in range(len(age)) if creator[v] in mine and age[v] >= 0 and v not in seen]
    return sorted(good, key=lambda v: (-mine.count(creator[v]), age[v]))[:k]
""",
    wrong=tuple(
        (f"{_SHARED}    return {returned}", sentence)
        for _SHARED in (
            "def uploads(w, c, a, k):\n"
            "    m, new = [c[v] for v in w], [v for v in range(len(a)) if a[v] >= 0 and v not in set(w)]\n"
            "    own = [v for v in new if c[v] in m]\n",
        )
        for returned, sentence in (
            (
                "sorted([v for v in range(len(a)) if a[v] >= 0 and c[v] in m],"
                " key=lambda v: (-m.count(c[v]), a[v]))[:k]",
                "was watched already",
            ),
            (
                "sorted([v for v in range(len(a)) if c[v] in m and v not in set(w)],"
                " key=lambda v: (-m.count(c[v]), a[v]))[:k]",
                "is uploaded after the request",
            ),
            ("sorted(own, key=lambda v: (-m.count(c[v]), -a[v]))[:k]", "has had its chance"),
            ("sorted(new, key=lambda v: a[v])[:k]", "anybody's list"),
            (
                "sorted(own, key=lambda v: (-list(c).count(c[v]), a[v]))[:k]",
                "Who makes most is not who is watched most",
            ),
            ("sorted(own, key=lambda v: a[v])[:k]", "stands before creator"),
            (
                "sorted(own, key=lambda v: (-m.count(c[v]), c[v], a[v]))[:k]",
                "were watched equally often, so their videos stand together",
            ),
            ("sorted(own, key=lambda v: (-m.count(c[v]), a[v]))", "the blend gave this source no more places"),
            ("(sorted(own, key=lambda v: (-m.count(c[v]), a[v])) + k * [-1])[:k]", "a short list stays short"),
            ("sorted(own, key=lambda v: (-m.count(c[v]), a[v]))[: k - 1]", "could stand there too"),
            (
                "sorted([v for u in m for v in new if c[v] == u], key=lambda v: (-m.count(c[v]), a[v]))[:k]",
                "a place in the list is lost",
            ),
        )
    ),
    thought="Recall on yesterday's log will call this source useless: what it proposes had no events yesterday. How "
    "would you find out what it is worth, and how many of a hundred places would you give it until you know?",
    cases=_cases,
    judge=_judge,
    shown=_shown,
)
