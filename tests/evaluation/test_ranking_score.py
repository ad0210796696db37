import json
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss, ndcg_score, roc_auc_score

from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import RankingScore, calibration_error, grouped_auc
from mlsd_lab.evaluation.ranking_score import compare_ndcg

RNG = np.random.default_rng(0)
USERS = np.sort(RNG.integers(40, size=800))
GROUPS = USERS * 2 + RNG.integers(2, size=800)  # two requests a user
LABELS = (RNG.random(800) < 0.25).astype(float)
LABELS[np.isin(GROUPS, [3, 4, 40])] = 0.0  # groups without a success
SCORES = np.clip(np.round(0.2 * LABELS + 0.75 * RNG.random(800), 2), 0.01, 0.99)  # rounded: ties
JUDGED = RankingScore.judge(LABELS, SCORES, GROUPS, USERS, rounds=200)
COLUMNS: tuple[np.ndarray, ...] = (LABELS, SCORES, GROUPS, USERS)
METRICS = [metric.name for metric in fields(RankingScore)]


def ndcg_by_scikit_learn(labels: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> float:
    """Mean over groups with a success; a group of one row, which scikit-learn refuses, is in the best order."""
    values = []
    for group in np.unique(groups):
        rows = groups == group
        if labels[rows].any():
            one = rows.sum() == 1
            values.append(1.0 if one else ndcg_score([labels[rows]], [scores[rows]], k=10))
    return float(np.mean(values)) if values else float("nan")


def judged(labels: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> RankingScore:
    return RankingScore.judge(labels, scores, groups, groups, rounds=0)


def test_each_value_is_scikit_learn_s_or_that_of_its_own_function() -> None:
    assert JUDGED.auc.value == pytest.approx(roc_auc_score(LABELS, SCORES))
    assert JUDGED.log_loss.value == pytest.approx(log_loss(LABELS, SCORES))
    assert JUDGED.ndcg_at_10.value == pytest.approx(ndcg_by_scikit_learn(LABELS, SCORES, GROUPS))
    assert JUDGED.gauc.value == pytest.approx(grouped_auc(LABELS, SCORES, GROUPS))
    assert JUDGED.calibration_error.value == pytest.approx(calibration_error(LABELS, SCORES))


def test_grouped_auc_is_a_slow_loop_s() -> None:
    total = size = 0.0
    for group in np.unique(GROUPS):
        rows = group == GROUPS
        if len(set(LABELS[rows])) == 2:
            total += rows.sum() * roc_auc_score(LABELS[rows], SCORES[rows])
            size += rows.sum()
    assert JUDGED.gauc.value == pytest.approx(total / size)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(1, 4), st.integers(0, 2)), min_size=1, max_size=40))
def test_ndcg_is_scikit_learn_s_for_any_groups_and_ties(rows: list[tuple[int, int, int]]) -> None:
    labels, scores, groups = np.array(rows, dtype=float).T
    value = judged(labels, scores / 5, groups.astype(int)).ndcg_at_10.value
    assert value == pytest.approx(ndcg_by_scikit_learn(labels, scores, groups), nan_ok=True)


def test_ndcg_of_a_case_worked_out_by_hand() -> None:
    # Places 1 and 3 succeed: 1 + 1/2, of 1 + 1/log2(3) at best.
    value = judged(np.array([1.0, 0, 1]), np.array([0.9, 0.8, 0.7]), np.zeros(3, dtype=int)).ndcg_at_10.value
    assert value == pytest.approx(1.5 / (1 + 1 / np.log2(3)))


def test_a_success_at_the_eleventh_place_earns_nothing() -> None:
    labels = np.eye(12)[10]
    assert judged(labels, np.linspace(0.9, 0.1, 12), np.zeros(12, dtype=int)).ndcg_at_10.value == 0.0


def test_a_group_whose_scores_are_all_equal_gains_nothing_by_the_order_of_its_rows() -> None:
    first, last = np.array([1.0, 0, 0]), np.array([0.0, 0, 1])
    flat, group = np.full(3, 0.5), np.zeros(3, dtype=int)
    assert judged(first, flat, group).ndcg_at_10.value == pytest.approx(judged(last, flat, group).ndcg_at_10.value)
    assert judged(first, flat, group).auc.value == 0.5


def test_the_order_of_rows_changes_nothing() -> None:
    order = np.random.default_rng(1).permutation(800)
    again = RankingScore.judge(LABELS[order], SCORES[order], GROUPS[order], USERS[order], rounds=200)
    for name in METRICS:
        one, other = getattr(JUDGED, name), getattr(again, name)
        assert (other.value, other.low, other.high) == pytest.approx((one.value, one.low, one.high))


def test_groups_and_users_may_be_text() -> None:
    again = RankingScore.judge(LABELS, SCORES, GROUPS.astype(str), USERS.astype(str), rounds=0)
    assert again.ndcg_at_10.value == pytest.approx(JUDGED.ndcg_at_10.value)
    assert again.gauc.value == pytest.approx(JUDGED.gauc.value)


def test_every_interval_holds_its_value_and_has_a_width() -> None:
    for name in METRICS:
        estimate = getattr(JUDGED, name)
        assert estimate.low <= estimate.value <= estimate.high
        assert estimate.low < estimate.high


def test_the_bootstrap_of_ndcg_is_that_of_copied_users() -> None:
    drawn = np.random.default_rng(0).integers(40, size=(200, 40))  # as `resampled` draws with this seed
    values = []
    for users in drawn[:25]:
        rows = np.concatenate([np.flatnonzero(user == USERS) for user in users])
        copy = np.concatenate([np.full((user == USERS).sum(), at) for at, user in enumerate(users)])
        values.append(ndcg_by_scikit_learn(LABELS[rows], SCORES[rows], copy * 1000 + GROUPS[rows]))
    width = JUDGED.ndcg_at_10.high - JUDGED.ndcg_at_10.low
    assert np.subtract(*np.percentile(values, [97.5, 2.5])) == pytest.approx(width, rel=0.4)


def test_a_difference_of_ndcg_is_that_of_the_values_and_is_told_from_none() -> None:
    noise = np.random.default_rng(2).random(800)
    better = compare_ndcg(LABELS, (SCORES, noise), GROUPS, USERS, rounds=200)
    other = ndcg_by_scikit_learn(LABELS, noise, GROUPS)
    assert better.value == pytest.approx(JUDGED.ndcg_at_10.value - other)
    assert better.low <= better.value <= better.high
    assert better.excludes_zero
    assert not compare_ndcg(LABELS, (SCORES, SCORES), GROUPS, USERS, rounds=20).excludes_zero
    assert compare_ndcg(LABELS, (noise, SCORES), GROUPS, USERS, rounds=0).value == pytest.approx(-better.value)


def test_one_seed_gives_one_interval_and_another_seed_another() -> None:
    same = RankingScore.judge(LABELS, SCORES, GROUPS, USERS, rounds=200)
    other = RankingScore.judge(LABELS, SCORES, GROUPS, USERS, rounds=200, seed=1)
    assert same == JUDGED
    assert (other.auc.value, other.auc.low == JUDGED.auc.low) == (JUDGED.auc.value, False)


def test_without_any_success_in_a_group_ndcg_is_unknown_and_the_losses_are_not() -> None:
    score = judged(np.zeros(4), np.full(4, 0.25), np.array([0, 0, 1, 1]))
    assert np.isnan([score.auc.value, score.gauc.value, score.ndcg_at_10.value]).all()
    assert score.log_loss.value == pytest.approx(-np.log(0.75))
    assert score.calibration_error.value == pytest.approx(0.25)


def test_groups_without_a_success_count_in_auc_and_not_in_ndcg() -> None:
    keep = ~np.isin(GROUPS, [3, 4, 40])
    without = judged(LABELS[keep], SCORES[keep], GROUPS[keep])
    assert without.ndcg_at_10.value == pytest.approx(JUDGED.ndcg_at_10.value)
    assert without.auc.value != JUDGED.auc.value


def test_a_summary_is_plain_json_and_calibration_is_null_where_it_means_nothing() -> None:
    full, part = JUDGED.summary(), JUDGED.summary(without=["calibration_error"])
    assert json.loads(json.dumps(full)) == full
    assert list(full) == [*METRICS, "interval"]
    assert full["interval"]["auc"] == [round(JUDGED.auc.low, 6), round(JUDGED.auc.high, 6)]
    assert part["calibration_error"] is part["interval"]["calibration_error"] is None
    assert part["auc"] == full["auc"]


@pytest.mark.parametrize("short", range(4))
def test_columns_of_different_lengths_are_refused(short: int) -> None:
    labels, scores, groups, users = (c[: 799 if at == short else 800] for at, c in enumerate(COLUMNS))
    with pytest.raises(ConfigError, match="expected as many labels, probabilities, groups and users"):
        RankingScore.judge(labels, scores, groups, users)


def test_no_rows_are_refused() -> None:
    nothing, nobody = np.empty(0), np.empty(0, dtype=int)
    with pytest.raises(ConfigError, match="1 or more; found 0, 0, 0 and 0"):
        RankingScore.judge(nothing, nothing, nobody, nobody)


@pytest.mark.parametrize(("bad", "sentence"), [(np.nan, "scores: expected finite"), (1.5, "expected 0 to 1")])
def test_a_score_that_is_no_probability_is_refused(bad: float, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        RankingScore.judge(LABELS, np.where(np.arange(800) == 5, bad, SCORES), GROUPS, USERS, rounds=0)
