from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray

from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import Candidates, auc, compare, coverage, estimate, exposure_gini, grouped_auc, mean_of
from mlsd_lab.evaluation.estimate import Weights, estimates, resampled

SAMPLES = 200
# Of 200 intervals at 95 %, 190 are expected to cover, with a standard deviation of 3.1; the percentile bootstrap is a
# little short for so few users. Fewer than 178 (89 %) or more than 199 would say that the intervals are wrong.
ENOUGH = range(178, 200)


def clicks(seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """80 users with 4 to 12 rows each: user, label, and a score that moves with the label and with the user."""
    rng = np.random.default_rng(seed)
    user = np.repeat(np.arange(80), rng.integers(4, 13, size=80))
    label = rng.integers(2, size=len(user))
    return user, label, label + rng.normal(size=80)[user] + rng.normal(size=len(user))


def test_the_interval_of_a_mean_covers_the_truth_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(SAMPLES):
        values = np.random.default_rng(seed).exponential(2.0, size=150)  # skewed, its mean is 2
        found = estimate(mean_of(values), users=150, rounds=400, seed=seed)
        covered += found.low <= 2.0 <= found.high
    assert covered in ENOUGH


def test_the_interval_of_auc_covers_the_truth_when_users_are_resampled_with_all_their_rows() -> None:
    truth = NormalDist().cdf(1 / 2)  # two rows of different users: a difference of mean 1 and variance 2 + 2
    covered = 0
    for seed in range(SAMPLES):
        user, label, score = clicks(seed)

        def statistic(
            weights: Weights, user: NDArray[np.int64] = user, label: object = label, score: object = score
        ) -> NDArray[np.float64]:
            return np.asarray(auc(label, score, weights[:, user]))  # type: ignore[arg-type]

        found = estimate(statistic, users=80, rounds=150, seed=seed)
        covered += found.low <= truth <= found.high
    assert covered in ENOUGH


def test_the_interval_of_grouped_auc_covers_the_truth() -> None:
    truth = NormalDist().cdf(1 / np.sqrt(2))  # two rows of one user: the user's part falls out
    covered = 0
    for seed in range(SAMPLES):
        user, label, score = clicks(seed)

        def statistic(
            weights: Weights, user: NDArray[np.int64] = user, label: object = label, score: object = score
        ) -> NDArray[np.float64]:
            return np.asarray(grouped_auc(label, score, user, weights[:, user]))  # type: ignore[arg-type]

        found = estimate(statistic, users=80, rounds=150, seed=seed)
        covered += found.low <= truth <= found.high
    assert covered in ENOUGH


def test_the_interval_of_a_mean_is_the_textbook_s() -> None:
    values = np.random.default_rng(0).normal(5, 2, size=2000)
    found = estimate(mean_of(values), users=2000, rounds=4000, seed=1)
    half = 1.96 * values.std() / np.sqrt(2000)
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=half / 15)
    assert found.high == pytest.approx(values.mean() + half, abs=half / 15)


def test_a_lower_level_is_a_narrower_interval() -> None:
    statistic = mean_of(np.random.default_rng(0).random(200))
    wide, narrow = (estimate(statistic, users=200, level=level) for level in (0.95, 0.5))
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high
    assert (wide.level, narrow.level) == (0.95, 0.5)


def test_a_paired_difference_is_tighter_than_two_intervals_apart() -> None:
    rng = np.random.default_rng(0)
    taste = rng.random(300)  # shared: easy and hard users
    a, b = taste + rng.normal(0.02, 0.02, size=300), taste
    paired = compare(mean_of(a), mean_of(b), users=300)
    alone = [estimate(mean_of(values), users=300) for values in (a, b)]
    unpaired = float(np.hypot(alone[0].high - alone[0].low, alone[1].high - alone[1].low))
    assert (paired.high - paired.low) < unpaired / 5
    assert paired.excludes_zero
    assert alone[0].low < alone[1].high  # unpaired, nothing could be said
    assert paired.value == pytest.approx(a.mean() - b.mean())


def test_two_systems_alike_differ_by_nothing() -> None:
    values = np.random.default_rng(0).random(50)
    same = compare(mean_of(values), mean_of(values), users=50)
    assert (same.value, same.low, same.high, same.excludes_zero) == (0.0, 0.0, 0.0, False)


def test_equal_systems_are_told_apart_as_seldom_as_the_level_says() -> None:
    false_alarms = 0
    for seed in range(SAMPLES):
        a, b = np.random.default_rng(seed).random((2, 100))
        false_alarms += compare(mean_of(a), mean_of(b), users=100, rounds=300, seed=seed).excludes_zero
    assert SAMPLES - false_alarms in ENOUGH


@pytest.mark.parametrize("seed", range(5))
def test_coverage_and_gini_lie_inside_their_own_interval(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = Candidates(rng.zipf(1.5, size=(60, 10)).clip(max=300).astype(np.int32) - 1, np.zeros((60, 10)))
    for spread in (coverage, exposure_gini):
        value = estimate(lambda weights, spread=spread: spread(found, 300, weights), users=60, seed=seed)  # type: ignore[misc]
        assert value.low < value.value < value.high


def test_an_interval_holds_its_value_even_where_nearly_all_rounds_agree() -> None:
    shown = Candidates(np.zeros((5, 1), dtype=np.int32), np.zeros((5, 1)))
    shown.videos[0] = 1  # one user alone sees video 1, and a third of the rounds leave that user out
    for level in (0.05, 0.5, 0.95):
        value = estimate(lambda weights: coverage(shown, 2, weights), users=5, level=level)
        assert value.low <= value.value <= value.high


def test_one_seed_gives_one_interval_in_chunks_of_any_size_of_the_same_draws() -> None:
    statistic = mean_of(np.random.default_rng(0).random(30))
    one = estimate(statistic, users=30, rounds=100, seed=3)
    assert estimate(statistic, users=30, rounds=100, seed=3) == one
    assert estimate(statistic, users=30, rounds=100, seed=4) != one
    assert estimate(statistic, users=30, rounds=100, seed=3, chunk=7).low == pytest.approx(one.low)


def test_values_bootstrapped_together_are_those_bootstrapped_alone() -> None:
    table = np.random.default_rng(0).random((40, 3))
    together = estimates(lambda weights: weights @ table / 40, users=40, rounds=200, seed=5)
    for column, found in zip(table.T, together, strict=True):
        alone = estimate(mean_of(column), users=40, rounds=200, seed=5)
        assert (found.value, found.low, found.high) == pytest.approx((alone.value, alone.low, alone.high))


def test_a_round_draws_as_many_users_as_there_are_with_replacement() -> None:
    weights = resampled(50, 400, np.random.default_rng(0))
    assert weights.shape == (400, 50)
    assert (weights.sum(axis=1) == 50).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(50), abs=0.2)  # 4 standard deviations of a mean of 400
    assert (weights == 0).mean() == pytest.approx((1 - 1 / 50) ** 50, abs=0.01)


def test_a_mean_leaves_out_users_without_a_value_and_weighs_the_others() -> None:
    weights = np.array([[1.0, 1, 1], [2, 5, 0], [0, 1, 0]])
    assert mean_of([1.0, np.nan, 4.0])(weights).tolist()[:2] == [2.5, 1.0]
    assert np.isnan(mean_of([1.0, np.nan, 4.0])(weights)[2])


def test_users_without_any_value_have_no_estimate_and_no_warning() -> None:
    found = estimate(mean_of([np.nan] * 4), users=4, rounds=20)
    assert np.isnan([found.value, found.low, found.high]).all()
    assert not found.excludes_zero


def test_rounds_without_a_value_are_left_out() -> None:
    found = estimate(mean_of([3.0, np.nan]), users=2, rounds=50)  # a quarter of the rounds draw the second user twice
    assert (found.value, found.low, found.high) == (3.0, 3.0, 3.0)


def test_no_rounds_give_the_value_alone() -> None:
    found = estimate(mean_of([1.0, 2.0]), users=2, rounds=0)
    assert found.value == 1.5
    assert np.isnan([found.low, found.high]).all()


@pytest.mark.parametrize(
    "settings", [{"users": 0}, {"rounds": -1}, {"level": 0.0}, {"level": 1.0}, {"level": np.nan}, {"chunk": 0}]
)
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="expected users ≥ 1, rounds ≥ 0, chunk ≥ 1 and 0 < level < 1"):
        estimate(mean_of([1.0]), **{"users": 1, **settings})  # type: ignore[arg-type]
