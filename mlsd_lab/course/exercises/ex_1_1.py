"""Exercise 1.1: users and milliseconds, as a number of machines."""

from collections.abc import Iterator
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np

from mlsd_lab.course.exercise import Case, Exercise

_DAY_S = 86_400


def _cases() -> Iterator[Case]:
    rng = np.random.default_rng(11)
    drawn = {tuple(case.values()): case for case in (_drawn(rng, easy=at < 200) for at in range(350))}
    for case in sorted(drawn.values(), key=lambda case: (case["users"], _needed(case))):
        right = _right(case)
        wrongs = [found for found in _confusions(case).values() if not found <= right]
        every = right.union(*wrongs)
        apart = len(every) == len(right) + sum(map(len, wrongs))  # so that each confusion can be told from the others
        if apart and _needed(case) > 1:
            yield case


def _drawn(rng: np.random.Generator, easy: bool) -> Case:
    """Draw a case: an easy one can be done in the head."""
    users = int(_DAY_S * rng.integers(1, 4)) if easy else int(10 ** rng.uniform(1.7, 3.7)) * 10_000
    return {
        "users": users,
        "active_share": float(rng.choice([1.0, 1.0, 0.5])) if easy else round(float(rng.uniform(0.05, 0.6)), 2),
        "requests_a_day": int(rng.integers(1, 11) if easy else rng.integers(5, 60)),
        "peak_factor": float(rng.choice([3, 5])) if easy else round(float(rng.uniform(1.5, 5)), 1),
        "service_ms": int(rng.choice([100, 200, 500, 1000])) if easy else int(rng.integers(2, 120)),
        "utilisation": 0.5 if easy else round(float(rng.uniform(0.4, 0.8)), 2),
    }


def _exact(case: Case) -> tuple[Fraction, ...]:
    """Return the arguments as the decimals they are written in."""
    return tuple(Fraction(str(value)) for value in case.values())


def _busy(case: Case) -> Fraction:
    """Return how many machines the peak keeps busy."""
    users, share, requests, peak, service_ms, _ = _exact(case)
    return users * share * requests / _DAY_S * peak * service_ms / 1000


def _needed(case: Case) -> Fraction:
    return _busy(case) / _exact(case)[-1]


def _whole(exact: Fraction) -> set[int]:
    """Return the quotient rounded up: two numbers where it is whole, for a float may land just above."""
    near = round(exact)
    return {near, near + 1} if abs(exact - near) < 1e-9 * max(1, near) else {ceil(exact)}


def _right(case: Case) -> set[int]:
    return _whole(_needed(case))


def _confusions(case: Case) -> dict[str, set[int]]:
    """Return what each confusion answers."""
    _, share, _, peak, _, limit = _exact(case)
    busy, needed = _busy(case), _needed(case)
    return {
        "mean": _whole(needed / peak),
        "full": _whole(busy),
        "multiplied": _whole(busy * limit),
        "seconds": _whole(needed * 1000),
        "day": _whole(needed * _DAY_S),
        "everybody": _whole(needed / share),
        "down": {floor(needed)},
    }


def _judge(case: Case, returned: Any) -> str:
    try:
        numeric = np.asarray(returned).dtype.kind in "iuf" or isinstance(returned, int | Fraction)
        value = float(np.asarray(returned, float).reshape(())) if numeric else np.nan
    except (TypeError, ValueError, OverflowError):
        value = np.nan
    if not np.isfinite(value):
        found = "nothing (is a return missing?)" if returned is None else repr(returned)[:40]
        return f"expected a whole number of machines, found {found}."
    if value != np.floor(value):
        return f"{value:g} machines: there is no part of a machine to rent, answer with a whole number."
    count = int(value)
    if count in _right(case):
        return ""
    if count < 1:
        return f"{value:g} machines answer nobody: even one request a day needs a machine."
    for confusion, answers in _confusions(case).items():
        if count in answers:
            return _sentence(case, confusion, count)
    limit = f"{_percent(_exact(case)[-1])} is the limit"
    if count < _needed(case):
        busy = _percent(_busy(case) / count)
        return f"With {count:,}, each would be busy {busy} of the time at the peak; {limit}."
    busy = _percent(_busy(case) / (count - 1))
    return (
        f"{value:,.7g} are too many: with one less, each is busy {busy} at the peak; {limit}. Round once, at the end."
    )


def _sentence(case: Case, confusion: str, count: int) -> str:
    users, share, requests, _, service_ms, limit = _exact(case)
    asked = users * share * requests
    at_peak, allowed = _percent(_busy(case) / count), f"{_percent(limit)} is the limit"
    return {
        "mean": f"Sized for the mean: at the peak each machine would have to be busy {at_peak} of the time; {allowed}.",
        "full": f"{count:,} would be enough if none ever rested: at the peak each is busy {at_peak} of the time; "
        f"{allowed}, for at 100 % the queue never ends.",
        "multiplied": f"The peak alone keeps {_number(_busy(case))} machines busy, and you have {count:,}: a limit of "
        f"{_percent(limit)} asks for more machines, not for fewer.",
        "seconds": f"A thousand times too many: a request takes {service_ms} ms, which is {float(service_ms) / 1000:g} "
        f"s and not {service_ms} s.",
        "day": f"That serves a whole day at once: {_number(asked)} requests over {_DAY_S:,} s are "
        f"{_number(asked / _DAY_S)} a second.",
        "everybody": f"Sized as if all {_number(users)} users came every day: {_number(users * share)} do.",
        "down": f"{count:,} is one machine short (rounded down?): at the peak each is busy {at_peak} of the time; "
        f"{allowed}.",
    }[confusion]


def _number(exact: Fraction) -> str:
    return f"{float(exact):,.1f}".removesuffix(".0")


def _percent(exact: Fraction) -> str:
    return f"{float(exact) * 100:.5g} %"  # digits enough to tell it from the limit beside it


def _shown(case: Case) -> str:
    return f"machines({', '.join(f'{name}={value:_}' for name, value in case.items())})"


EXERCISE = Exercise(
    key="1.1",
    title="Size it",
    name="machines",
    statement="""
How many machines does a service need? Write
`machines(users, active_share, requests_a_day, peak_factor, service_ms, utilisation)`: return the smallest whole number
that is enough at the peak.

- `users`: people with the app;
- `active_share`: the share of them who come on a given day, 0 to 1;
- `requests_a_day`: requests that each of those makes on that day;
- `peak_factor`: how many times the mean of the day the busiest moment is (a day has 86,400 seconds);
- `service_ms`: a request keeps one machine busy for so many **milliseconds**, and a machine answers one at a time;
- `utilisation`: the share of time that a machine may be busy at the peak, say 0.6; the rest is kept free so that
  requests need not queue for long.

Where the division comes out exactly whole, one more also counts: floating point may land just above.
""",
    starter="""
def machines(users, active_share, requests_a_day, peak_factor, service_ms, utilisation):
    return users  # a machine for everybody: change this line
""",
    hint="Write down the unit of every step: requests a day, requests a second, machines kept busy. "
    "3 requests a second of 2 s each keep how many machines busy, and how many are needed if each may be busy half "
    "of the time?",
    solution="""
def machines(users, active_share, requests_a_day, peak_factor, service_ms, utilisation):
    mean = users * active_share * requests_a_day / 86_400  # requests a second
    busy = mean * peak_factor * service_ms / 1000  # machines
    return int(np.ceil(busy / utilisation))
""",
    another="""
def machines(users, active_share, requests_a_day, peak_factor, service_ms, utilisation):
    work_ms = users * active_share * requests_a_day * peak_factor * service_ms
    one_does_ms = 24 * 60 * 60 * 1000 * utilisation
    return -(-work_ms // one_does_ms)
""",
    wrong=(
        ("def machines(n, a, r, p, ms, u): return np.ceil(n * a * r / 86400 * ms / 1000 / u)", "Sized for the mean"),
        ("def machines(n, a, r, p, ms, u): return np.ceil(n * a * r / 86400 * p * ms / 1000)", "the queue never ends"),
        (
            "def machines(n, a, r, p, ms, u): return np.ceil(n * a * r / 86400 * p * ms / u)",
            "A thousand times too many",
        ),
        ("def machines(n, a, r, p, ms, u): return int(n * a * r / 86400 * p * ms / 1000 / u)", "one machine short"),
        ("def machines(n, a, r, p, ms, u): return np.ceil(n * r / 86400 * p * ms / 1000 / u)", "Sized as if all"),
        ("def machines(n, a, r, p, ms, u): return np.ceil(n * a * r / 86400 * p * ms / 1000 * u)", "not for fewer"),
        ("def machines(n, a, r, p, ms, u): return np.ceil(n * a * r * p * ms / 1000 / u)", "a whole day at once"),
        ("def machines(n, a, r, p, ms, u): return n * a * r / 86400 * p * ms / 1000 / u", "no part of a machine"),
    ),
    thought="Now one machine is lost at the peak. How busy are the others, and does it matter how many there were?",
    cases=_cases,
    judge=_judge,
    shown=_shown,
)
