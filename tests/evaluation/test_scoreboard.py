import json

import numpy as np
import pytest
from matplotlib.container import BarContainer
from scipy.sparse import csr_matrix

from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import Candidates, Estimate, TopK, compare, coverage, estimate, exposure_gini, mean_of, novelty
from mlsd_lab.evaluation.scoreboard import Scoreboard

USERS, VIDEOS, K = 80, 50, 12
RNG = np.random.default_rng(0)
POPULARITY = RNG.integers(1, 90, size=VIDEOS)
RELEVANT = csr_matrix(RNG.random((USERS, VIDEOS)) < 0.1)


def a_system(skill: float, seed: int) -> Candidates:
    """The K best of each user by noise, to which `skill` is added where a video is relevant."""
    scores = np.random.default_rng(seed).random((USERS, VIDEOS)) + skill * RELEVANT.toarray()
    videos = np.argsort(-scores, axis=1)[:, :K]
    return Candidates(videos.astype(np.int32), np.take_along_axis(scores, videos, axis=1))


FOUND = {"chance": a_system(0.0, 1), "good": a_system(0.4, 2), "as good": a_system(0.4, 3)}


@pytest.fixture(scope="module")
def board() -> Scoreboard:
    return Scoreboard.judge(FOUND, RELEVANT, POPULARITY, rounds=200, seed=7)


def close(found: Estimate, expected: Estimate) -> bool:
    pairs = ((found.value, expected.value), (found.low, expected.low), (found.high, expected.high))
    return all(a == pytest.approx(b, abs=1e-9) for a, b in pairs)


@pytest.mark.parametrize("name", FOUND)
def test_each_metric_is_what_estimate_says_of_it_alone(board: Scoreboard, name: str) -> None:
    judged = TopK.judge(FOUND[name], RELEVANT)
    per_user = {
        "recall": judged.recall(),
        "precision": judged.precision(),
        "ndcg_at_10": judged.ndcg(10),
        "ndcg": judged.ndcg(),
        "map": judged.average_precision(),
        "novelty_bits": novelty(FOUND[name], POPULARITY),
    }
    for metric, values in per_user.items():
        assert close(board.metrics[name][metric], estimate(mean_of(values), USERS, rounds=200, seed=7))
    for metric, spread in (("coverage", coverage), ("exposure_gini", exposure_gini)):
        alone = estimate(lambda w, spread=spread: spread(FOUND[name], VIDEOS, w), USERS, rounds=200, seed=7)  # type: ignore[misc]
        found = board.metrics[name][metric]
        assert found.value == pytest.approx(alone.value)
        assert found.low == pytest.approx(max(alone.low, 0))
        assert found.high == pytest.approx(min(alone.high, 1))
    assert set(board.metrics[name]) == {*per_user, "coverage", "exposure_gini"}


def test_pairs_are_later_less_earlier_on_the_same_draws(board: Scoreboard) -> None:
    assert list(board.paired) == [("good", "chance"), ("as good", "chance"), ("as good", "good")]
    for (b, a), found in board.paired.items():
        later, earlier = (mean_of(TopK.judge(FOUND[name], RELEVANT).recall()) for name in (b, a))
        assert close(found, compare(later, earlier, USERS, rounds=200, seed=7))


def test_a_share_s_interval_stays_within_0_and_1() -> None:
    everything = Candidates(np.arange(20, dtype=np.int32)[:, None], np.zeros((20, 1)))  # resampled, some are not shown
    metrics = Scoreboard.judge({"all": everything}, csr_matrix(np.eye(20)), np.ones(20), rounds=100).metrics["all"]
    for metric in ("coverage", "exposure_gini"):
        assert 0 <= metrics[metric].low <= metrics[metric].value <= metrics[metric].high <= 1
    assert metrics["coverage"].value == 1
    assert metrics["exposure_gini"].value == pytest.approx(0)


def test_verdicts_name_the_better_one_or_say_that_nothing_can_be_told(board: Scoreboard) -> None:
    first, _, third = board.verdicts()
    assert first.startswith("good beats chance: recall@12 of good less that of chance is +")
    assert third.startswith("as good and good cannot be told apart: recall@12 differs by ")


def test_a_worse_later_system_is_named_as_the_worse() -> None:
    found = {"good": FOUND["good"], "chance": FOUND["chance"]}
    (verdict,) = Scoreboard.judge(found, RELEVANT, POPULARITY, rounds=200).verdicts()
    assert verdict.startswith("good beats chance: recall@12 of chance less that of good is -")


def test_the_frame_has_a_row_a_system_and_metric(board: Scoreboard) -> None:
    frame = board.to_frame()
    assert frame.columns.tolist() == ["system", "metric", "value", "low", "high"]
    assert len(frame) == 3 * 8
    assert ((frame["low"] <= frame["value"]) & (frame["value"] <= frame["high"])).all()


def test_what_goes_into_the_report_is_json_without_nan(board: Scoreboard) -> None:
    text = json.dumps(board.summary(), allow_nan=False)
    assert json.loads(text)["metrics"]["good"]["recall"]["value"] == round(board.metrics["good"]["recall"].value, 6)
    assert list(board.summary()["paired"]) == ["good - chance", "as good - chance", "as good - good"]


def test_plots_show_each_system_s_recall(board: Scoreboard) -> None:
    (bars,) = (bars for bars in board.plot().containers if isinstance(bars, BarContainer))
    assert [bar.get_width() for bar in bars.patches] == [board.metrics[name]["recall"].value for name in board.systems]
    for line, name in zip(board.plot_growth().get_lines(), board.systems, strict=True):
        assert line.get_label() == name
        assert np.asarray(line.get_ydata())[-1] == pytest.approx(board.metrics[name]["recall"].value)


def test_lists_of_different_length_are_compared_at_their_own(board: Scoreboard) -> None:
    found = {"short": FOUND["good"].head(3), "long": FOUND["good"]}
    mixed = Scoreboard.judge(found, RELEVANT, POPULARITY, rounds=20)
    assert "ndcg_at_3" in mixed.metrics["short"]
    assert mixed.metrics["long"]["recall"].value == board.metrics["good"]["recall"].value
    assert len(mixed.plot_growth().get_lines()) == 2


def test_nothing_to_judge_is_refused() -> None:
    for found, relevant in (({}, RELEVANT), (FOUND, csr_matrix((USERS, VIDEOS)))):
        with pytest.raises(ConfigError, match="expected 1 or more systems and relevant videos"):
            Scoreboard.judge(found, relevant, POPULARITY)


def test_counts_of_another_catalogue_are_refused() -> None:
    with pytest.raises(ConfigError, match="popularity: expected a count"):
        Scoreboard.judge(FOUND, RELEVANT, POPULARITY[:9], rounds=10)
