"""Exercise 0.1: one line changes the slate."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.course.exercise import Case, Exercise


def _cases() -> Iterator[Case]:
    rng = np.random.default_rng(1)
    for films in np.sort(rng.integers(2, 13, 300)):
        raters = rng.integers(0, 60, films)
        most = int(rng.choice(raters)) if rng.random() < 0.5 else int(rng.integers(0, 60))
        yield {"scores": rng.normal(size=films).round(2), "raters": raters, "most": most}


def _judge(case: Case, returned: Any) -> str:
    scores, raters, most = case["scores"], case["raters"], case["most"]
    try:
        found = np.asarray(returned, float)
    except (TypeError, ValueError, OverflowError):
        found = np.empty((0, 0))
    if returned is None or found.ndim != 1:
        return f"expected an array of {len(scores)} scores, one a film, found {_kind(returned)}"
    if len(found) != len(scores):
        return f"{len(found)} scores for {len(scores)} films: a film's place in the array is its name, keep all places."
    if np.isnan(found).any():
        return "NaN among the scores: it is neither high nor low, so sorting may put it anywhere."
    gems = raters <= most
    return _kept(scores, found, raters, most) or _below(scores[gems], found[gems], found[~gems], raters[~gems])


def _kept(scores: NDArray[Any], found: NDArray[Any], raters: NDArray[Any], most: int) -> str:
    """Say which gem does not have its score any more."""
    for film in np.flatnonzero((raters <= most) & (found != scores)):
        if found[film] > scores[film]:
            return f"A gem's score went from {scores[film]:g} to {found[film]:g}; gems keep theirs."
        if raters[film] == most:
            return f"A film that exactly {most} people rated was dropped, and that is not more than {most}."
        return f"A film that only {raters[film]} people rated was dropped or marked down: gems keep their scores."
    return ""


def _below(scores: NDArray[Any], gems: NDArray[Any], famous: NDArray[Any], raters: NDArray[Any]) -> str:
    """Say which famous film still comes out above a gem."""
    if not len(gems) or not len(famous) or famous.max() < gems.min():
        return ""
    film, gem = int(famous.argmax()), scores[gems.argmin()]
    if famous[film] == 0:
        return (
            f"Scores can be negative: a film rated by {raters[film]} people got 0 and came out above a gem "
            f"with {gem:g}."
        )
    return f"A film rated by {raters[film]} people is still in reach: it has {famous[film]:g}, a gem has {gem:g}."


def _kind(returned: Any) -> str:
    return "nothing (is a return missing?)" if returned is None else type(returned).__name__


def _shown(case: Case) -> str:
    return f"gems({case['scores'].tolist()}, {case['raters'].tolist()}, most={case['most']})"


EXERCISE = Exercise(
    key="0.1",
    title="Only gems",
    name="gems",
    statement="""
Everybody knows the famous films already. Write `gems(scores, raters, most)`: return the scores with every film that
more than `most` people rated put out of reach.

`scores` and `raters` are arrays with one entry a film; a score may be negative. A film that keeps its place keeps its
score. *Out of reach* means below every film that is kept: any value there will do, for only the order is judged.
""",
    starter="""
def gems(scores, raters, most):
    return scores  # change this line
""",
    hint="`np.where(condition, this, that)` picks entry by entry. Which number is below every other?",
    solution="""
def gems(scores, raters, most):
    return np.where(raters > most, -np.inf, scores)
""",
    another="""
def gems(scores, raters, most):
    kept = scores.astype(float).copy()
    famous = raters > most
    kept[famous] = scores.min() - 1
    return kept
""",
    wrong=(
        ("def gems(scores, raters, most): return np.where(raters > most, 0, scores)", "Scores can be negative"),
        (
            "def gems(scores, raters, most): return np.where(raters >= most, -np.inf, scores)",
            "people rated was dropped, and",
        ),
        ("def gems(scores, raters, most): return scores[raters <= most]", "place in the array is its name"),
        ("def gems(scores, raters, most): return np.where(raters < most, -np.inf, scores)", "A film that only"),
        (
            "def gems(scores, raters, most):\n    scores[raters > most] = -np.inf\n    return scores",
            "You changed the scores",
        ),
    ),
    thought="Here the filter comes before the best ten are cut off. How many would be left if it came after?",
    cases=_cases,
    judge=_judge,
    shown=_shown,
)
