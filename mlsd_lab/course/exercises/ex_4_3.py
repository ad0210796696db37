"""Exercise 4.3: how many to fetch, so that a hundred are left when the filter is done."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.course.exercise import Case, Exercise

_SHORT, _WORK = 0.01, 2.5
"""The most of the people who may come up short, and the most fetched, as a multiple of what was needed."""
_RANKS = 1_500  # drawn a search: nobody needs more


@dataclass(frozen=True)
class User:
    """What is known of a person when the request comes.

    >>> User(seen=640, catalogue=20_000, fetched=200, survived=131).survived
    131
    """

    seen: int
    catalogue: int
    fetched: int
    survived: int


@dataclass(frozen=True, repr=False)
class _First(User):
    """The first person of a service; with all the others, whom no function is shown at once."""

    people: tuple[User, ...] = field(default=(), compare=False)
    needed: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64), compare=False)


def _cases() -> Iterator[Case]:
    rng = np.random.default_rng(43)
    sizes = np.repeat(np.arange(100, 221, 10), 8)
    drawn = [_service(rng, int(people), int(rng.choice([50, 100, 100, 200]))) for people in sizes]
    yield from sorted(drawn, key=lambda case: (len(case["user"].people), len(_shown(case))))


def _service(rng: np.random.Generator, people: int, k: int) -> Case:
    """Draw a service: who has seen much has seen most of what is near, and little of what is far."""
    catalogue = int(rng.choice([10_000, 20_000, 40_000]))
    seen = np.clip(rng.lognormal(6.5, 0.7, people), 20, 4_000).astype(int)
    near = seen / (seen + rng.uniform(800, 1_200))  # of the first neighbours
    if people >= 180:
        near[-1], seen[-1] = 0.999, 3_500  # somebody has seen nearly all that is near, and last time all of it
    reach = np.minimum(2_000, 0.8 * seen / near)  # ranks in which that fades
    chance = near[:, None] * np.exp(-np.arange(_RANKS) / reach[:, None])
    gone = rng.random((people, 2, _RANKS), dtype=np.float32) < chance[:, None]
    fetched = int(rng.choice([2, 3])) * k
    if people >= 180:
        gone[-1, 0, :fetched] = True
    survived = (~gone[:, 0, :fetched]).sum(axis=1)
    needed = (np.cumsum(~gone[:, 1], axis=1) >= k).argmax(axis=1) + 1
    users = tuple(User(int(s), catalogue, fetched, int(left)) for s, left in zip(seen, survived, strict=True))
    first = _First(users[0].seen, catalogue, fetched, users[0].survived, users, needed)
    return {"user": first, "k": k}


def _run(function: Callable[..., Any], case: Case) -> list[Any]:
    return [function(user, case["k"]) for user in case["user"].people]


def _judge(case: Case, returned: list[Any]) -> str:
    users, k, needed = case["user"].people, case["k"], case["user"].needed
    for user, size in zip(users, returned, strict=True):
        if problem := _no_size(size, k):
            return f"{problem} Asked for {user}."
    sizes = np.array([float(size) for size in returned])
    short = np.minimum(sizes, users[0].catalogue) < needed
    if short.mean() > _SHORT:
        return _too_few(users, k, sizes, short)
    work = sizes.sum() / needed.sum()
    return _too_many(users, k, sizes, work) if work > _WORK else ""


def _no_size(size: Any, k: int) -> str:
    if isinstance(size, bool | np.bool_) or not isinstance(size, int | float | np.integer | np.floating):
        return f"expected a number of videos to fetch, found {type(size).__name__}."
    if isinstance(size, int) and abs(size) > 10**12:
        return "expected a number of videos to fetch, found one that no catalogue has."
    if not np.isfinite(size) or size != int(size):
        return f"expected a whole number of videos to fetch, found {size}: round it up."
    return f"You fetched {int(size)} for a list of {k}: a filter adds nothing." if size < k else ""


def _too_few(users: tuple[User, ...], k: int, sizes: NDArray[np.float64], short: NDArray[np.bool_]) -> str:
    seen, catalogue, fetched, survived = (np.array([getattr(user, name) for user in users]) for name in _NAMES)
    told = f"{100 * short.mean():.0f} % come up short"
    if (sizes == k).all():
        return f"{told}, of {len(users)} people: each of them has seen some of the first {k}."
    rate = 1 - seen / catalogue
    if np.median(np.abs(sizes * rate / k - 1)) < 0.03:
        near, far = survived.sum() / fetched.sum(), rate.mean()
        return f"Filters hit near neighbours: survival {near:.2f}, not {far:.2f}. So {told}."
    mean = sizes * np.maximum(survived, 1) / fetched / k
    if abs(np.median(mean) - 1) < 0.05:
        return f"{told}: what is enough on average is too little for every second list. Leave room for chance."
    heavy = seen >= np.quantile(seen, 0.9)
    if np.ptp(sizes) == 0:
        most = f"of the tenth who have seen most, {100 * short[heavy].mean():.0f} %"
        return f"{told}, and {most}: one size for all is too small for those who use the service most."
    return f"{told}, of {len(users)} people; {100 * _SHORT:g} % may. Widen the margin where few survived last time."


def _too_many(users: tuple[User, ...], k: int, sizes: NDArray[np.float64], work: float) -> str:
    never, told = (f"{how} short, {work:.1f} × the work" for how in ("Never", "Hardly ever"))
    if all(size >= user.catalogue for size, user in zip(sizes, users, strict=True)):
        return f"{never}: that is everything, and no search at all."
    if all(size == k + user.seen for size, user in zip(sizes, users, strict=True)):
        return f"{never}: it is safe, and most of what they have seen is not among what is near now."
    if np.ptp(sizes) == 0:
        return f"{told}: everybody pays for the few who have seen nearly all."
    return f"{told} of what was needed; {_WORK:g} × is allowed."


def _shown(case: Case) -> str:
    user, others = case["user"], len(getattr(case["user"], "people", ()))
    given = ", ".join(f"{name}={getattr(user, name)}" for name in _NAMES)
    return f"fetch_size(user, k={case['k']}) for {others} users, the first of them User({given})"


_NAMES = ("seen", "catalogue", "fetched", "survived")
EXERCISE = Exercise(
    key="4.3",
    title="Enough after the filter",
    name="fetch_size",
    statement="""
The index gives the nearest videos, then the filter drops what the person has seen. Write `fetch_size(user, k=100)`:
how many to ask the index for, so that `k` are left. Of the person you know

- `user.seen`: how many videos they have seen, of the `user.catalogue` there are;
- `user.fetched`, `user.survived`: how many nearest videos were fetched for them last time, and how many of these they
  had not seen.

Return a whole number, at least `k`. Hidden services have a hundred people or two each, and `k` is not always 100.
You are judged by two numbers of each service: at most 1 % of its people may come up short, and the sum of what you
fetch, over all its people, may be at most two and a half times what would have been just enough.
""",
    starter="""
def fetch_size(user, k=100):
    return 0  # change this line
""",
    hint="What share of what is near survives the filter for *this* person? Last time's share is an estimate from a "
    "hundred videos or a few: how far off may it be? And which size can never be too small, whatever it says?",
    solution="""
def fetch_size(user, k=100):
    survival = (user.survived + 1) / (user.fetched + 2)
    return min(k + user.seen, int(1.5 * k / survival) + 1)
""",
    another="""
def fetch_size(user, k=100):
    rate = (user.survived + 1) / (user.fetched + 2)
    error = np.sqrt((1 - rate) / rate * (1 / k + 1 / user.fetched))
    return np.minimum(np.ceil(k / rate * (1 + 4.5 * error)), k + user.seen)
""",
    wrong=(
        ("def fetch_size(u, k=100): return k", "each of them has seen some of the first"),
        (
            "def fetch_size(u, k=100): return int(np.ceil(k / (1 - u.seen / u.catalogue)))",
            "Filters hit near neighbours: survival",
        ),
        ("def fetch_size(u, k=100): return u.catalogue", "that is everything"),
        ("def fetch_size(u, k=100): return k + u.seen", "it is safe, and most of what they have seen"),
        (
            "def fetch_size(u, k=100): return int(np.ceil(k * u.fetched / max(u.survived, 1)))",
            "what is enough on average",
        ),
        ("def fetch_size(u, k=100): return 2 * k", "one size for all is too small"),
        ("def fetch_size(u, k=100): return 4_900", "everybody pays for the few"),
        ("def fetch_size(u, k=100): return k * 1.5 * u.fetched / max(u.survived, 1)", "round it up"),
        ("def fetch_size(u, k=100): return int(k * u.survived / u.fetched)", "a filter adds nothing"),
        ("def fetch_size(u, k=100): return int(1.5 * k * u.fetched / u.survived)", "raised ZeroDivisionError"),
        ("def fetch_size(u, k=100): return int(1.2 * k * u.fetched / max(u.survived, 1)) + 1", "people; 1 % may"),
    ),
    thought="The margin is paid at every request and used by few. What would it cost to fetch less and ask once more "
    "when somebody comes up short, and when is that the better way?",
    cases=_cases,
    judge=_judge,
    shown=_shown,
    patience=2,
    run=_run,
)
