"""Only aggregates that can forget: four of them, and a reason for each that is refused."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.errors import ConfigError
from mlsd_lab.features.aggregate import SCALE, Aggregate, Count, Mean, Rate, Sum, checked_aggregate


@pytest.mark.parametrize("aggregate", [Count(), Sum(), Mean(), Rate(0.25, 4)])
def test_many_windows_at_once_equal_each_alone(aggregate: Aggregate) -> None:
    rng = np.random.default_rng(0)
    count, total = rng.integers(0, 5, 100), rng.integers(-(2**60), 2**60, 100)
    alone = [aggregate.finish(count[at : at + 1], total[at : at + 1]).item() for at in range(100)]
    np.testing.assert_array_equal(aggregate.finish(count, total), alone)


def test_an_empty_window_counts_none_sums_to_none_and_has_no_mean() -> None:
    nothing = np.zeros(1, dtype=np.int64)
    assert Count().finish(nothing, nothing).item() == 0
    assert Sum().finish(nothing, nothing).item() == 0
    assert np.isnan(Mean().finish(nothing, nothing).item())
    assert Rate(0.25, 4).finish(nothing, nothing).item() == 0.25


def test_a_rate_moves_from_its_prior_to_the_mean() -> None:
    count = np.array([0, 1, 10, 10**6])
    rate = Rate(prior=0.5, weight=2).finish(count, count * SCALE)
    assert (np.diff(rate) > 0).all()
    assert rate[-1] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("prior, weight", [(0.3, 0), (0.3, -1), (float("nan"), 1), (0.3, float("inf"))])
def test_a_rate_without_a_sound_prior_is_refused(prior: float, weight: float) -> None:
    with pytest.raises(ConfigError, match="a finite prior and a weight above 0"):
        Rate(prior, weight)


@pytest.mark.parametrize("given", [Count, Count(), Sum, Sum(), Mean, Mean(), Rate(0.1, 2)])
def test_a_class_or_an_instance_is_accepted(given: Any) -> None:
    assert isinstance(checked_aggregate(given), Count | Sum | Mean | Rate)


@pytest.mark.parametrize(
    "given, instead",
    [
        *[(given, "a Mean, or a Rate of rows above a threshold") for given in (max, np.max, "max", np.nanmax)],
        *[(given, "a Mean, or a Rate of rows below a threshold") for given in (min, np.min, "MIN")],
        *[(given, "a Count, or a Rate of rows that are new") for given in ("nunique", pd.Series.nunique, np.unique)],
        *[(given, "a Count, or a Rate of rows that are new") for given in ("distinct", "count_distinct")],
        (np.median, "a Mean, or a Rate of rows above a threshold"),
    ],
)
def test_what_cannot_forget_is_refused_saying_why_and_what_to_use_instead(given: Any, instead: str) -> None:
    with pytest.raises(ConfigError, match=f"cannot be windowed: what leaves the window cannot .*; use {instead}"):
        checked_aggregate(given)


@pytest.mark.parametrize("given", ["last", len, None, 3, Rate])
def test_anything_else_is_refused_naming_the_four(given: Any) -> None:
    with pytest.raises(ConfigError, match=r"expected Count, Sum, Mean or Rate\(prior, weight\), found"):
        checked_aggregate(given)
