"""Exercise 0.2: the reason that stands under a recommendation."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.course.exercise import Case, Exercise

_FILMS = 14


def _cases() -> Iterator[Case]:
    rng = np.random.default_rng(2)
    for many in np.sort(rng.integers(1, 6, 400)):
        factors = (rng.normal(size=(_FILMS, 2)) * rng.lognormal(sigma=0.8, size=(_FILMS, 1))).round(1)
        if (np.abs(factors).sum(axis=1) == 0).any():
            continue
        rows = rng.permutation(np.arange(6, _FILMS))  # no row is also a place in `liked`
        case: Case = {"candidate": int(rows[0]), "liked": np.sort(rows[1 : many + 1]), "factors": factors}
        cosine, product, distance = _views(case)
        best, nearest = cosine.argmax(), distance.argmin()
        clear = many == 1 or np.diff(np.sort(cosine)[-2:])[0] > 0.05
        famous = np.linalg.norm(factors[case["liked"]], axis=1).argmax()
        misled = product.argmax(), nearest, np.abs(cosine).argmax()
        apart = len({int(at) for at in misled if at != best}) == sum(int(at != best) for at in misled)
        if clear and apart and product.argmax() in (best, famous):
            yield case  # each confusion can be told from the others, and the longest vector is what misleads


def _views(case: Case) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return cosine, inner product and distance of each liked film to the candidate."""
    mine, other = case["factors"][case["liked"]], case["factors"][case["candidate"]]
    product = mine @ other
    cosine = product / np.linalg.norm(mine, axis=1) / np.linalg.norm(other)
    return cosine, product, np.linalg.norm(mine - other, axis=1)


def _judge(case: Case, returned: Any) -> str:
    liked, candidate = case["liked"], case["candidate"]
    try:
        value = float(np.asarray(returned, float).reshape(())) if returned is not None else np.nan
    except (TypeError, ValueError, OverflowError):
        value = np.nan
    if value != np.round(value) or not np.isfinite(value):
        found = "nothing (is a return missing?)" if returned is None else type(returned).__name__
        return f"expected one row of `liked`, a whole number, found {found}."
    row = int(value)
    if row == candidate:
        return f"Row {row} is the candidate itself: nothing is more like a film than the film, and it explains nothing."
    if 0 <= row < len(liked):
        return f"{row} is a place in `liked`, not a film: at that place stands row {liked[row]}."
    if row not in liked:
        return f"Row {row} is not among the films this person liked: a reason must be one they know."
    cosine, product, distance = _views(case)
    at, best = int(np.flatnonzero(liked == row)[0]), int(cosine.argmax())
    if at == best:
        return ""
    if at == np.abs(cosine).argmax():
        opposite = f"its cosine is {cosine[at]:.2f}, which is not {-cosine[at]:.2f}"
        return f"Row {row} points the opposite way, and opposites are not alike: {opposite}."
    if at == product.argmax():
        return (
            f"Row {row} has the longest vector, not the most similar direction: the inner product lets the most famous "
            "of your films explain everything."
        )
    if at == distance.argmin():
        other = f"row {liked[best]} points more nearly the same way"
        return f"Row {row} happens to be the nearest point, but {other}: distance mixes fame with taste."
    return f"Row {row} has a cosine of {cosine[at]:.2f} with the candidate, another film of `liked` {cosine[best]:.2f}."


def _shown(case: Case) -> str:
    factors, candidate = case["factors"], case["candidate"]
    rows = ", ".join(f"{row}: {factors[row].tolist()}" for row in case["liked"].tolist())
    return f"candidate {candidate}: {factors[candidate].tolist()}, liked {rows}"


EXERCISE = Exercise(
    key="0.2",
    title="Why this one?",
    name="reason",
    statement="""
“Because you liked …” needs a film to stand after it. Write `reason(candidate, liked, factors)`: return the row of the
liked film that is most like the candidate.

`factors` is an array of (films, d), one vector a film; `candidate` is a row of it and `liked` an array of rows, one or
more, without the candidate. Two films are alike when their vectors point the same way: compare by **cosine**, the inner
product divided by both lengths. No vector is all zeros.
""",
    starter="""
def reason(candidate, liked, factors):
    return liked[0]  # change this line
""",
    hint="`factors[liked]` has one row a liked film, `np.linalg.norm(…, axis=1)` their lengths. "
    "One film's length can be left out: why?",
    solution="""
def reason(candidate, liked, factors):
    mine = factors[liked]
    alike = mine @ factors[candidate] / np.linalg.norm(mine, axis=1)
    return liked[np.argmax(alike)]
""",
    another="""
def reason(candidate, liked, factors):
    unit = factors / np.sqrt((factors**2).sum(axis=1, keepdims=True))
    return max(liked, key=lambda row: unit[row].dot(unit[candidate]))
""",
    wrong=(
        (
            "def reason(c, liked, f): return liked[np.argmax(abs(f[liked] @ f[c]) / np.linalg.norm(f[liked], axis=1))]",
            "opposites are not alike",
        ),
        ("def reason(c, liked, f): return liked[np.argmax(f[liked] @ f[c])]", "has the longest vector"),
        (
            "def reason(c, liked, f): return np.argmax(f[liked] @ f[c] / np.linalg.norm(f[liked], axis=1))",
            "is a place in",
        ),
        ("def reason(c, liked, f): return np.argmax(f @ f[c] / np.linalg.norm(f, axis=1))", "is the candidate itself"),
        (
            "def reason(c, liked, f): return liked[np.argmin(np.linalg.norm(f[liked] - f[c], axis=1))]",
            "the nearest point",
        ),
        (
            "def reason(c, liked, f):\n    alike = f @ f[c] / np.linalg.norm(f, axis=1)\n    alike[c] = -np.inf\n"
            "    return np.argmax(alike)",
            "is not among the films",
        ),
    ),
    thought="The slate is ordered by the product, and explained by the cosine. Is such a reason honest?",
    cases=_cases,
    judge=_judge,
    shown=_shown,
)
