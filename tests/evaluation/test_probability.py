from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.metrics import roc_auc_score

from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import auc, calibration_error, grouped_auc, log_loss

RNG = np.random.default_rng(0)
LABELS = (RNG.random(400) < 0.3).astype(int)
SCORES = np.round(np.clip(0.3 * LABELS + RNG.random(400) * 0.7, 0, 1), 1)  # rounded: many ties
GROUPS = RNG.integers(60, size=400)
WEIGHTS = RNG.integers(0, 4, size=400).astype(float)
METRICS: list[Callable[..., Any]] = [auc, log_loss, calibration_error]


def test_auc_is_scikit_learn_s_with_ties_and_with_weights() -> None:
    assert auc(LABELS, SCORES) == pytest.approx(roc_auc_score(LABELS, SCORES))
    assert auc(LABELS, SCORES, WEIGHTS) == pytest.approx(roc_auc_score(LABELS, SCORES, sample_weight=WEIGHTS))


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-3, 3), st.integers(0, 3)), min_size=1, max_size=15))
def test_auc_is_the_share_of_ordered_pairs(rows: list[tuple[int, int, int]]) -> None:
    won = pairs = 0.0
    for label_a, score_a, weight_a in rows:
        for label_b, score_b, weight_b in rows:
            if label_a == 1 and label_b == 0:
                pairs += weight_a * weight_b
                won += weight_a * weight_b * (1.0 if score_a > score_b else 0.5 if score_a == score_b else 0.0)
    value = float(auc(*np.array(rows, dtype=float).T))
    assert value == pytest.approx(won / pairs) if pairs else np.isnan(value)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-3, 3), st.integers(0, 3)), min_size=1, max_size=20))
def test_grouped_auc_is_the_mean_of_each_group_s_auc_by_its_rows(rows: list[tuple[int, int, int]]) -> None:
    total = size = 0.0
    for group in {group for _, _, group in rows}:
        inside = [(label, score) for label, score, of in rows if of == group]
        if {label for label, _ in inside} == {0, 1}:
            total += len(inside) * float(roc_auc_score(*zip(*inside, strict=True)))
            size += len(inside)
    labels, scores, groups = zip(*rows, strict=True)
    value = float(grouped_auc(labels, scores, [f"user {group}" for group in groups]))
    assert value == pytest.approx(total / size) if size else np.isnan(value)


def test_a_group_drawn_twice_counts_twice_in_grouped_auc() -> None:
    drawn = np.random.default_rng(1).integers(0, 4, size=60)
    weighted = grouped_auc(LABELS, SCORES, GROUPS, drawn[GROUPS])
    rows = np.concatenate([np.flatnonzero(group == GROUPS) for group in range(60) for _ in range(drawn[group])])
    copy = np.concatenate(
        [np.full(np.count_nonzero(group == GROUPS), 60 * n + group) for group in range(60) for n in range(drawn[group])]
    )
    assert weighted == pytest.approx(grouped_auc(LABELS[rows], SCORES[rows], copy))


def test_grouped_auc_does_not_depend_on_the_order_of_rows_whatever_the_weights() -> None:
    order = np.random.default_rng(2).permutation(400)
    shuffled = grouped_auc(LABELS[order], SCORES[order], GROUPS[order], WEIGHTS[order])
    assert shuffled == pytest.approx(grouped_auc(LABELS, SCORES, GROUPS, WEIGHTS))


def test_log_loss_is_scikit_learn_s() -> None:
    inside = np.clip(SCORES, 0.01, 0.99)
    assert log_loss(LABELS, inside) == pytest.approx(sklearn_log_loss(LABELS, inside))
    expected = sklearn_log_loss(LABELS, inside, sample_weight=WEIGHTS)
    assert log_loss(LABELS, inside, WEIGHTS) == pytest.approx(expected)


def test_a_certain_mistake_costs_much_but_not_infinitely_much() -> None:
    assert log_loss([1, 0], [0.0, 1.0]) == pytest.approx(-np.log(1e-15), rel=1e-3)
    assert log_loss([1, 0], [1.0, 0.0]) == pytest.approx(0.0, abs=1e-14)


def test_calibration_error_of_a_case_worked_out_by_hand() -> None:
    # Two bins, cut at the median: predictions .1 .2 | .7 .8 and labels 0 1 | 1 1.
    # Gaps of the sums: |.3 − 1| = .7 and |1.5 − 2| = .5, over 4 rows: 0.3.
    assert calibration_error([0, 1, 1, 1], [0.1, 0.2, 0.7, 0.8], bins=2) == pytest.approx(0.3)


def test_calibrated_predictions_have_a_small_error_and_shifted_ones_their_shift() -> None:
    rng = np.random.default_rng(3)
    probability = rng.uniform(0.1, 0.8, size=50_000)
    label = rng.random(50_000) < probability
    assert calibration_error(label, probability) < 0.02
    assert calibration_error(label, probability + 0.1) == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("metric", METRICS)
def test_many_rounds_of_weights_give_what_each_gives_alone(metric: Callable[..., Any]) -> None:
    rounds = np.random.default_rng(4).integers(0, 3, size=(5, 400))
    together = metric(LABELS, SCORES, rounds)
    assert together == pytest.approx([float(metric(LABELS, SCORES, weights)) for weights in rounds])
    grouped = grouped_auc(LABELS, SCORES, GROUPS, rounds)
    assert grouped == pytest.approx([float(grouped_auc(LABELS, SCORES, GROUPS, weights)) for weights in rounds])


@pytest.mark.parametrize("metric", [auc, log_loss])  # calibration cuts its bins at quantiles of the unweighted rows
def test_a_weight_is_as_good_as_so_many_copies_of_its_row(metric: Callable[..., Any]) -> None:
    copies = np.repeat(np.arange(400), WEIGHTS.astype(int))
    assert metric(LABELS, SCORES, WEIGHTS) == pytest.approx(float(metric(LABELS[copies], SCORES[copies])))


@pytest.mark.parametrize("metric", METRICS)
def test_weights_of_zero_alone_have_no_value(metric: Callable[..., Any]) -> None:
    assert np.isnan(metric([0, 1], [0.2, 0.7], [0, 0]))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("labels", "scores", "weights", "message"),
    [
        ([], [], None, "as many rows"),
        ([1, 0], [0.5], None, "as many rows"),
        ([1, 0], [0.5, 0.5], [1.0], "as many rows"),
        ([[1, 0]], [[0.5, 0.5]], None, "as many rows"),
        ([1, 2], [0.5, 0.5], None, "labels: expected 0 and 1 alone"),
        ([1, np.nan], [0.5, 0.5], None, "labels: expected 0 and 1 alone"),
        ([1, 0], [0.5, np.nan], None, "scores: expected finite numbers, found nan"),
        ([1, 0], [0.5, np.inf], None, "scores: expected finite numbers, found inf"),
        ([1, 0], [0.5, 0.5], [1.0, -1.0], "weights: expected finite numbers, 0 or more"),
        ([1, 0], [0.5, 0.5], [1.0, np.nan], "weights: expected finite numbers, 0 or more"),
    ],
)
def test_rows_that_make_no_sense_are_refused(
    metric: Callable[..., Any], labels: Any, scores: Any, weights: Any, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        metric(labels, scores, weights)


@pytest.mark.parametrize("metric", [log_loss, calibration_error])
@pytest.mark.parametrize("wrong", [-0.1, 1.1])
def test_a_probability_outside_0_and_1_is_refused(metric: Callable[..., Any], wrong: float) -> None:
    with pytest.raises(ConfigError, match="probabilities: expected 0 to 1"):
        metric([1, 0], [0.5, wrong])


@pytest.mark.parametrize("groups", [["a"], ["a", None], [np.nan, 1.0], []])
def test_each_row_has_a_group(groups: list[object]) -> None:
    with pytest.raises(ConfigError, match="groups: expected a value in each of 2 rows"):
        grouped_auc([1, 0], [0.1, 0.2], groups)  # type: ignore[arg-type]


def test_bins_below_one_are_refused() -> None:
    with pytest.raises(ConfigError, match="bins: expected 1 or more, found 0"):
        calibration_error([1, 0], [0.5, 0.5], bins=0)
