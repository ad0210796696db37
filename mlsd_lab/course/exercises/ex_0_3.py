"""Exercise 0.3: a budget in milliseconds, as a number of candidates."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from mlsd_lab.course.exercise import Case, Exercise


def _cases() -> Iterator[Case]:
    rng = np.random.default_rng(3)
    for budget in np.sort(rng.integers(1, 200, 400)):
        per_video = round(float(rng.uniform(0.1, 3)), 1)
        fixed = round(float(rng.uniform(2, 12) * per_video), 1)
        case: Case = {
            "budget_ms": int(budget),
            "fixed_ms": fixed,
            "per_video_ms": per_video,
            "most": int(rng.integers(1, 500)),
        }
        right, unpaid = _right(case), _unpaid(case)
        rounded = _clamped(int(np.rint((budget - fixed) / per_video)), case["most"])
        if rounded != unpaid or rounded in right:  # so that each confusion can be told from the other
            yield case


def _right(case: Case) -> set[int]:
    """Return the right answers: two where the exact quotient is a whole number, which a float may miss from below."""
    quotient = (case["budget_ms"] - case["fixed_ms"]) / case["per_video_ms"]
    whole = round(quotient)
    close = abs(quotient - whole) < 1e-9 * max(1.0, abs(quotient))
    return {_clamped(count, case["most"]) for count in ((whole - 1, whole) if close else (int(np.floor(quotient)),))}


def _unpaid(case: Case) -> int:
    return _clamped(int(case["budget_ms"] / case["per_video_ms"]), case["most"])


def _clamped(count: int, most: int) -> int:
    return min(max(count, 0), most)


def _judge(case: Case, returned: Any) -> str:
    try:
        count = float(np.asarray(returned, float).reshape(())) if returned is not None else np.nan
    except (TypeError, ValueError, OverflowError):
        count = np.nan
    if not np.isfinite(count):
        found = "nothing (is a return missing?)" if returned is None else repr(returned)[:40]
        return f"expected a whole number of candidates, found {found}."
    if count != np.floor(count):
        return f"{count:g} candidates: there is no part of a video to rank, answer with a whole number."
    if count in _right(case):
        return ""
    budget, fixed, per_video, most = case.values()
    if count < 0:
        return f"{count:g} candidates is fewer than none: a budget that does not pay for the start buys 0."
    if count > most:
        return f"{count:g} candidates, and there are only {most} to rank."
    if count == _unpaid(case):
        return (
            f"{count:g} would fit if the first {fixed:g} ms were free: they are paid before the first video is ranked."
        )
    takes = fixed + count * per_video
    if takes > budget:
        return f"Ranking {count:g} takes {takes:g} ms: {takes - budget:.2g} ms over the budget of {budget} ms."
    return f"Ranking {count:g} takes {takes:g} ms of {budget} ms, and one more would still fit."


def _shown(case: Case) -> str:
    return f"candidates({', '.join(f'{name}={value}' for name, value in case.items())})"


EXERCISE = Exercise(
    key="0.3",
    title="How many fit?",
    name="candidates",
    statement="""
Ranking n videos takes `fixed_ms + n * per_video_ms`. Write `candidates(budget_ms, fixed_ms, per_video_ms, most)`:
return the largest whole number of candidates that can be ranked within the budget, at least 0 and at most `most`.

`per_video_ms` is above zero. Where the division comes out exactly whole, one less also
counts: floating point may fall just short.
""",
    starter="""
def candidates(budget_ms, fixed_ms, per_video_ms, most):
    return most  # change this line
""",
    hint="What is left of the budget when the fixed cost is paid? Try a budget of 1 ms, and one of an hour.",
    solution="""
def candidates(budget_ms, fixed_ms, per_video_ms, most):
    fit = int(np.floor((budget_ms - fixed_ms) / per_video_ms))
    return min(max(fit, 0), most)
""",
    another="""
def candidates(budget_ms, fixed_ms, per_video_ms, most):
    count = 0
    while count < most and fixed_ms + (count + 1) * per_video_ms <= budget_ms:
        count += 1
    return count
""",
    wrong=(
        ("def candidates(b, f, p, most): return min(max(round((b - f) / p), 0), most)", "over the budget"),
        ("def candidates(b, f, p, most): return min(max(int(b / p), 0), most)", "ms were free"),
        ("def candidates(b, f, p, most): return min(int(np.floor((b - f) / p)), most)", "fewer than none"),
        ("def candidates(b, f, p, most): return max(int(np.floor((b - f) / p)), 0)", "there are only"),
        ("def candidates(b, f, p, most): return min(max((b - f) / p, 0), most)", "no part of a video"),
    ),
    thought="Your number fits the usual request; half of all requests are slower than the median. What to leave free?",
    cases=_cases,
    judge=_judge,
    shown=_shown,
)
