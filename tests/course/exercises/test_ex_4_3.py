from typing import Any

import numpy as np
import pytest

from mlsd_lab.course.check import check
from mlsd_lab.course.exercise import exercise
from mlsd_lab.course.exercises.ex_4_3 import _RANKS, User

ONE = exercise("4.3")
CASES = list(ONE.cases())


def test_k_and_all_that_was_seen_is_never_too_few() -> None:
    for case in CASES:
        seen = np.array([user.seen for user in case["user"].people])
        assert (case["user"].needed <= case["k"] + seen).all()


def test_nobody_needs_more_than_was_drawn_nor_fewer_than_k() -> None:
    for case in CASES:
        assert case["k"] <= case["user"].needed.min()
        assert case["user"].needed.max() < _RANKS


def test_the_nearest_were_seen_more_than_the_catalogue() -> None:
    for case in CASES:
        people = case["user"].people
        near = sum(user.survived for user in people) / sum(user.fetched for user in people)
        assert near < np.mean([1 - user.seen / user.catalogue for user in people]) - 0.2


def test_somebody_has_seen_all_that_was_fetched_last_time() -> None:
    assert any(user.survived == 0 for case in CASES for user in case["user"].people)


@pytest.mark.parametrize("kind", [int, float, np.int64, np.float64], ids=lambda kind: kind.__name__)
def test_a_whole_number_counts_in_any_clothes(kind: Any) -> None:
    solution = ONE.function(ONE.solution)
    assert check("4.3", lambda user, k=100: kind(solution(user, k))).state == "solved"


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        (np.nan, "expected a whole number of videos to fetch, found nan"),
        (np.inf, "expected a whole number of videos to fetch, found inf"),
        (150.5, "found 150.5: round it up. Asked for User("),
        (True, "expected a number of videos to fetch, found bool"),
        ("150", "expected a number of videos to fetch, found str"),
        (None, "expected a number of videos to fetch, found NoneType"),
        (10**400, "found one that no catalogue has"),
        (-1, "You fetched -1 for a list of 50: a filter adds nothing."),
    ],
    ids=repr,
)
def test_what_is_no_size_is_named(size: Any, sentence: str) -> None:
    assert sentence in check("4.3", lambda _, k=100: size).text  # noqa: ARG005


@pytest.mark.parametrize(("margin", "state"), [(1.3, "wrong"), (1.5, "solved"), (1.8, "solved"), (3.0, "wrong")])
def test_the_margin_is_neither_nothing_nor_everything(margin: float, state: str) -> None:
    def fetch_size(user: User, k: int = 100) -> int:
        return min(k + user.seen, int(margin * k * (user.fetched + 2) / (user.survived + 1)) + 1)

    feedback = check("4.3", fetch_size)
    assert feedback.state == state
    assert ("× the work of what was needed; 2.5 × is allowed" in feedback.text) == (margin == 3.0)


def test_more_than_the_catalogue_is_the_catalogue() -> None:
    assert "that is everything" in check("4.3", lambda user, k=100: 2 * user.catalogue).text  # noqa: ARG005


def test_a_survival_of_everybody_is_no_survival_of_a_heavy_user() -> None:
    told = check("4.3", lambda user, k=100: int(2.2 * k)).text  # noqa: ARG005
    assert "of the tenth who have seen most" in told
