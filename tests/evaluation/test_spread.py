import numpy as np
import pytest

from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import NOBODY, Candidates, coverage, exposure_gini, novelty
from mlsd_lab.evaluation.spread import covered, exposures, gini


def lists(rows: list[list[int]]) -> Candidates:
    return Candidates(np.array(rows, dtype=np.int32), np.zeros((len(rows), len(rows[0]))))


def test_gini_is_the_mean_difference_of_two_videos_over_twice_the_mean() -> None:
    amounts = np.random.default_rng(0).integers(0, 9, size=40).astype(float)
    differences = [abs(a - b) for a in amounts for b in amounts]
    assert gini(amounts) == pytest.approx(np.mean(differences) / (2 * amounts.mean()))


def test_gini_is_0_for_equals_and_nears_1_when_one_takes_all() -> None:
    assert gini(np.full(7, 3.0)) == 0
    assert gini(np.eye(1000)[0]) == pytest.approx(1 - 1 / 1000)
    assert np.isnan(gini(np.zeros(3)))


def test_exposures_are_counted_by_a_loop_and_weighted_by_user() -> None:
    found = lists([[0, 2], [2, NOBODY], [3, 2]])
    counted = [0.0] * 5
    for weight, row in zip([1, 5, 2], found.videos.tolist(), strict=True):
        for video in row:
            if video != NOBODY:
                counted[video] += weight
    assert exposures(found, 5, [1, 5, 2]).tolist() == counted == [1, 0, 8, 2, 0]


def test_rounds_of_weights_give_a_value_each() -> None:
    found, rounds = lists([[0, 1], [0, 2]]), np.array([[1.0, 1.0], [2.0, 0.0]])
    assert coverage(found, 4, rounds).tolist() == [0.75, 0.5]
    alone = [float(exposure_gini(found, 4, weights)) for weights in rounds]
    assert exposure_gini(found, 4, rounds) == pytest.approx(alone)


def test_novelty_is_the_surprise_of_the_list_in_bits() -> None:
    # Counts 0, 2 and 4 with one added: 1, 3 and 5 of 9. Surprises: log2(9), log2(3), log2(9/5).
    values = novelty(lists([[0, 1], [2, NOBODY], [NOBODY, NOBODY]]), popularity=[0, 2, 4])
    assert values[:2] == pytest.approx([(np.log2(9) + np.log2(3)) / 2, np.log2(9 / 5)])
    assert np.isnan(values[2])


def test_empty_lists_cover_nothing_and_have_no_inequality() -> None:
    nothing = lists([[NOBODY]])
    assert coverage(nothing, 3) == 0
    assert np.isnan(exposure_gini(nothing, 3))


def test_a_catalogue_too_small_for_the_codes_shown_is_refused() -> None:
    for metric in (coverage, exposure_gini, exposures):
        with pytest.raises(ConfigError, match="catalogue: expected more than 4, the highest code, found 4"):
            metric(lists([[4]]), 4)
        with pytest.raises(ConfigError, match="catalogue: expected 1 or more"):
            metric(lists([[NOBODY]]), 0)
    with pytest.raises(ConfigError, match="popularity: expected a count for code 4, found 2 counts"):
        novelty(lists([[4]]), [1, 1])


def test_videos_without_exposure_may_be_left_out_when_their_number_is_said() -> None:
    amounts = np.random.default_rng(0).poisson(0.4, size=(5, 60)).astype(float)
    some = amounts[:, amounts.any(axis=0)]
    assert some.shape[1] < 60
    assert gini(some, 60).tolist() == gini(amounts).tolist()
    assert covered(some, 60).tolist() == covered(amounts).tolist()
