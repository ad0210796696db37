from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.datasets import Log
from mlsd_lab.errors import DataError
from mlsd_lab.evaluation import Estimate, Split, auc, by_day, leave_last_out
from mlsd_lab.features import Timeline, training_set
from mlsd_lab.features.feed import FEED
from mlsd_lab.ranking import BoostedTrees, SecondStage, from_exposures, learn_second_stage, second_stage
from mlsd_lab.retrieval import ALS
from tests.ranking.small_feed import rated_log, small_log

SPLIT = by_day(small_log())
RATED = leave_last_out(rated_log())
TIMELINE = Timeline(FEED, small_log())
RETRIEVER = ALS(factors=4, iterations=3).fit(SPLIT.train)


@pytest.fixture(scope="module")
def learned() -> SecondStage:
    return learn_second_stage(SPLIT, RETRIEVER, TIMELINE, days=3, rounds=50)


@pytest.fixture(scope="module")
def on_ratings() -> SecondStage:
    retriever = ALS(factors=4, iterations=3).fit(RATED.train)
    return learn_second_stage(RATED, retriever, Timeline(FEED, rated_log()), k=30, days=2, rounds=50)


def test_a_taste_that_is_in_the_log_is_learned(learned: SecondStage) -> None:
    assert learned.scores["boosted_trees"].auc.low > 0.55
    assert list(learned.scores) == ["boosted_trees", "logistic", "retrieval_order"]


def test_it_trains_on_the_last_days_of_the_training_half_and_on_none_of_the_test(learned: SecondStage) -> None:
    days = SPLIT.train.days()
    assert learned.trained_on == int((days >= days.max() - pd.Timedelta(days=2)).sum())
    assert len(learned.test.labels) == len(SPLIT.test.events)


def test_the_scores_are_those_of_the_ranker_on_the_test_as_it_stood(learned: SecondStage) -> None:
    expected = from_exposures(SPLIT.test, RETRIEVER)
    pd.testing.assert_frame_equal(learned.test.rows, expected.rows)
    features = training_set(FEED, TIMELINE, expected.rows).to_numpy()
    value = auc(expected.labels, learned.ranker.score(features))
    assert learned.scores["boosted_trees"].auc.value == value
    assert learned.ranker.columns == FEED.columns


def test_retrieval_scores_to_learn_from_come_from_a_retriever_of_earlier_days(learned: SecondStage) -> None:
    inner = by_day(SPLIT.train, days=3)
    examples = from_exposures(inner.test, RETRIEVER.unfitted().fit(inner.train))
    expected = BoostedTrees(0).fit(training_set(FEED, TIMELINE, examples.rows), examples.labels)
    probe = np.random.default_rng(0).normal(size=(200, len(FEED.columns)))
    assert learned.ranker.score(probe).tobytes() == expected.score(probe).tobytes()


def test_labels_of_the_test_have_no_part_in_training(learned: SecondStage) -> None:
    events = SPLIT.test.events.assign(clicked=~SPLIT.test.events["clicked"].astype(bool))
    flipped = Split(SPLIT.kind, SPLIT.train, SPLIT.test.with_events(events), SPLIT.left_out)
    again = learn_second_stage(flipped, RETRIEVER, TIMELINE, days=3, rounds=0)
    probe = np.random.default_rng(0).normal(size=(100, len(FEED.columns)))
    assert again.ranker.score(probe).tobytes() == learned.ranker.score(probe).tobytes()
    assert again.scores["boosted_trees"].auc.value == pytest.approx(1 - learned.scores["boosted_trees"].auc.value)


def test_retrieval_order_is_the_order_of_retrieval_scores(learned: SecondStage) -> None:
    scores = learned.test.rows["retrieval_score"].to_numpy()
    assert learned.scores["retrieval_order"].auc.value == pytest.approx(auc(learned.test.labels, scores))


def test_one_seed_gives_one_result_and_the_retriever_is_left_alone(learned: SecondStage) -> None:
    before = RETRIEVER.user_factors_.copy()
    again = learn_second_stage(SPLIT, RETRIEVER, TIMELINE, days=3, rounds=50)
    assert again.scores == learned.scores
    assert (RETRIEVER.user_factors_ == before).all()


def test_a_summary_of_exposures_has_calibration(learned: SecondStage) -> None:
    summary = learned.summary("clicked is true")
    assert summary["negatives"] == "exposures"
    assert "reason" not in summary
    assert 0 <= summary["calibration_error"] <= 1
    assert (summary["train_rows"], summary["test_rows"]) == (learned.trained_on, len(learned.test.labels))
    assert summary["beside"]["retrieval_order"]["calibration_error"] is None
    assert summary["beside"]["logistic"]["calibration_error"] >= 0


def test_ratings_are_ranked_among_what_was_retrieved_and_calibration_is_null(on_ratings: SecondStage) -> None:
    summary = on_ratings.summary("rating is 4 or more")
    assert summary["negatives"] == "retrieved"
    assert "never shown" in summary["reason"]
    assert summary["calibration_error"] is None
    assert summary["interval"]["calibration_error"] is None
    assert summary["beside"]["logistic"]["calibration_error"] is None
    assert 0 <= summary["auc"] <= 1


def log_of(clicked: list[bool], days: int) -> Log:
    time = pd.date_range("2026-01-01", periods=len(clicked), freq=f"{24 * days / len(clicked)}h", tz="UTC")
    users = [f"u{at % 3}" for at in range(len(clicked))]
    videos = [f"v{at % 7}" for at in range(len(clicked))]
    frame = pd.DataFrame({"user_id": users, "video_id": videos, "occurred_at": time, "clicked": clicked})
    return Log.from_frames(frame)


@pytest.mark.parametrize(
    ("clicked", "days", "sentence"),
    [
        ([True, False] * 30, 2, "expected a log of at least 2 local days"),
        ([True, False] * 15 + [True] * 15, 3, "the test has no success and failure to tell apart"),
        ([False] * 30 + [True, False] * 7 + [True], 3, "labels: expected 0 and 1, both present"),
    ],
    ids=["too short", "one label in the test", "one label in training"],
)
def test_a_log_from_which_nothing_can_be_learned_is_refused(clicked: list[bool], days: int, sentence: str) -> None:
    log = log_of(clicked, days)
    split = by_day(log)
    with pytest.raises(DataError, match=sentence):
        learn_second_stage(split, ALS(factors=2, iterations=1).fit(split.train), Timeline(FEED, log), days=1, rounds=0)


def test_the_lift_is_the_difference_of_ndcg_with_a_verdict_for_each_of_the_others(learned: SecondStage) -> None:
    best = learned.scores["boosted_trees"].ndcg_at_10.value
    assert list(learned.lift) == ["logistic", "retrieval_order"]
    for other, lift in learned.lift.items():
        assert lift.value == pytest.approx(best - learned.scores[other].ndcg_at_10.value)
        assert lift.low <= lift.value <= lift.high
    sentences = learned.summary("clicked is true")["verdict"]
    for other, sentence in zip(learned.lift, sentences, strict=False):
        assert "boosted_trees" in sentence
        assert other in sentence


def test_a_ranker_that_did_not_prove_better_is_said_to_be_served_all_the_same(learned: SecondStage) -> None:
    better = {other: Estimate(0.2, 0.1, 0.3) for other in learned.lift}
    worse = better | {"logistic": Estimate(0.0, -0.1, 0.1)}
    assert len(replace(learned, lift=better).verdicts()) == 2
    assert replace(learned, lift=worse).verdicts()[-1].startswith("boosted_trees is served all the same")


def test_the_retriever_s_order_is_no_probability(learned: SecondStage) -> None:
    beside = learned.summary("clicked is true")["beside"]["retrieval_order"]
    assert beside["log_loss"] is beside["calibration_error"] is beside["interval"]["log_loss"] is None
    assert beside["auc"] is not None


def test_of_a_large_log_a_sample_is_learned_from_and_judged_and_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    log = small_log()
    split = by_day(log)
    als, timeline = ALS(factors=2, iterations=1).fit(split.train), Timeline(FEED, log)
    whole = learn_second_stage(split, als, timeline, rounds=10)
    assert "sample" not in whole.summary("clicked is true")
    monkeypatch.setattr(second_stage, "MOST_TRAINING", whole.trained_on - 1)
    monkeypatch.setattr(second_stage, "MOST_TEST", len(whole.test.labels) - 1)
    part = learn_second_stage(split, als, timeline, rounds=10)
    assert part.trained_on < whole.trained_on
    said = part.summary("clicked is true")
    assert said["test_rows"] == len(part.test.labels) < len(whole.test.labels)
    of = f"learned from {part.trained_on:,} of {whole.trained_on:,} rows and judged on {said['test_rows']:,}"
    assert said["sample"].startswith(of)
