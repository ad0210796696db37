import numpy as np
import pytest

from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import Estimate
from mlsd_lab.retrieval import Frontier, SearchBudget, choose
from mlsd_lab.retrieval.frontier import Point


def point(name: str, recall: float, milliseconds: float, megabytes: float = 10, build_seconds: float = 1) -> Point:
    interval = Estimate(recall, recall - 0.02, min(1.0, recall + 0.02))
    return Point(name, None, interval, milliseconds, 2 * milliseconds, megabytes, build_seconds)


MEASURED = Frontier(
    (point("exact", 1.0, 20, 5), point("small", 0.7, 1), point("large", 0.9, 4, 40), point("slow", 0.9, 5, 40)),
    100,
    8,
    10,
)


@pytest.mark.parametrize(
    ("budget", "name"),
    [
        (SearchBudget(milliseconds=30), "exact"),
        (SearchBudget(milliseconds=10), "large"),
        (SearchBudget(milliseconds=10, megabytes=20), "small"),
        (SearchBudget(p99_milliseconds=8), "large"),
        (SearchBudget(build_seconds=1, milliseconds=4.5), "large"),
        (SearchBudget(recall=0.88, milliseconds=10), "large"),
    ],
)
def test_the_highest_recall_that_fits_is_chosen_and_of_equal_ones_the_faster(budget: SearchBudget, name: str) -> None:
    choice = choose(MEASURED, budget)
    assert choice.point is not None
    assert choice.point.name == name
    assert choice.reason.startswith(f"{name} fits at 100 × 8:")


def test_the_reason_states_the_loss_of_recall() -> None:
    assert choose(MEASURED, SearchBudget(milliseconds=10)).reason.endswith("10.0 % of exact search's first 10 is lost")


@pytest.mark.parametrize(("recall", "low", "said"), [(1.0, 1.0, "nothing"), (0.9999, 0.999, "less than 0.1 %")])
def test_a_loss_too_small_for_a_digit_is_not_called_none(recall: float, low: float, said: str) -> None:
    one = Point("graph", 800, Estimate(recall, low, 1.0), 1.0, 2.0, 3.0, 4.0)
    reason = choose(Frontier((one,), 100, 8, 10), SearchBudget(milliseconds=5)).reason
    assert reason.endswith(f"; {said} of exact search's first 10 is lost")


def test_where_none_fits_it_says_which_came_nearest_and_what_broke() -> None:
    choice = choose(MEASURED, SearchBudget(milliseconds=10, recall=0.95))
    assert choice.point is None
    broken = "recall 0.9000 [0.8800, 0.9200] of 0.95"
    assert choice.reason == f"none of 4 settings fits at 100 × 8; the nearest, large, has {broken}"


def test_the_nearest_is_the_one_whose_worst_limit_is_broken_least() -> None:
    choice = choose(MEASURED, SearchBudget(milliseconds=0.3, recall=0.6))
    assert choice.reason.endswith("the nearest, small, has 1 of 0.3 milliseconds")


def test_a_recall_must_be_reached_by_the_lower_end_of_its_interval() -> None:
    assert choose(MEASURED, SearchBudget(recall=0.9, milliseconds=10)).point is None


def test_what_was_not_measured_keeps_no_limit() -> None:
    unknown = Point("one round", None, Estimate(0.9, np.nan, np.nan), np.nan, 1.0, 1.0, 1.0)
    for budget in (SearchBudget(recall=0.5), SearchBudget(milliseconds=5)):
        assert choose(Frontier((unknown,), 100, 8, 10), budget).point is None


def test_of_nothing_measured_nothing_can_be_chosen() -> None:
    with pytest.raises(ConfigError, match="expected a frontier of 1 or more points, found none"):
        choose(Frontier((), 100, 8, 10), SearchBudget(recall=0.5))


@pytest.mark.parametrize("limits", [{}, {"milliseconds": 0}, {"recall": -1, "milliseconds": 3}])
def test_a_budget_has_a_limit_and_limits_are_above_zero(limits: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="expected a budget with 1 or more limits above 0"):
        SearchBudget(**limits)
