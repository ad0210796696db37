import numpy as np
import pandas as pd
import pytest

from mlsd_lab.datasets import Log
from mlsd_lab.evaluation import by_day, leave_last_out
from mlsd_lab.ranking import Examples, from_candidates, from_exposures
from mlsd_lab.retrieval import ALS
from tests.ranking.small_feed import rated_log, small_log

SPLIT = by_day(small_log())
RATED = leave_last_out(rated_log())
ALS_ON_TRAIN = ALS(factors=4, iterations=3).fit(SPLIT.train)
ALS_ON_RATED = ALS(factors=4, iterations=3).fit(RATED.train)


class TestFromExposures:
    examples = from_exposures(SPLIT.test, ALS_ON_TRAIN)

    def test_each_exposure_is_a_row_and_its_click_the_label(self) -> None:
        events = SPLIT.test.events
        assert self.examples.rows["video_id"].tolist() == events["video_id"].tolist()
        assert self.examples.rows["surface"].tolist() == events["surface"].tolist()
        assert self.examples.labels.tolist() == events["clicked"].astype(float).tolist()
        assert self.examples.negatives == "exposures"

    def test_a_user_s_local_day_is_one_group_asked_for_at_its_first_exposure(self) -> None:
        log = small_log()
        examples = from_exposures(log, ALS_ON_TRAIN)
        moments: dict[tuple[str, pd.Timestamp], list[pd.Timestamp]] = {}
        groups: dict[tuple[str, pd.Timestamp], set[int]] = {}
        keys = list(zip(log.events["user_id"], log.days(), strict=True))
        for key, time, group in zip(keys, log.events["occurred_at"], examples.groups.tolist(), strict=True):
            moments.setdefault(key, []).append(time)
            groups.setdefault(key, set()).add(group)
        assert examples.rows["as_of"].tolist() == [min(moments[key]) for key in keys]
        assert sorted(group for found in groups.values() for group in found) == list(range(len(groups)))

    def test_the_retrieval_score_is_the_given_retriever_s(self) -> None:
        codes = [SPLIT.test.events[name].cat.codes.to_numpy() for name in ("user_id", "video_id")]
        np.testing.assert_array_equal(self.examples.rows["retrieval_score"], ALS_ON_TRAIN.scores(*codes))

    def test_a_user_the_retriever_never_saw_has_no_retrieval_score(self) -> None:
        others = SPLIT.train.events[SPLIT.train.events["user_id"] != "u7"]
        strangers = ALS(factors=4, iterations=1).fit(SPLIT.train.with_events(others))
        rows = from_exposures(SPLIT.test, strangers).rows
        assert (rows["retrieval_score"].isna() == (rows["user_id"] == "u7")).all()
        assert (rows["user_id"] == "u7").any()

    def test_a_log_without_surface_has_none(self) -> None:
        log = SPLIT.test.with_events(SPLIT.test.events.drop(columns="surface"))
        assert from_exposures(log, ALS_ON_TRAIN).rows["surface"].isna().all()


class TestFromCandidates:
    examples = from_candidates(RATED, ALS_ON_RATED, k=20)

    def test_each_candidate_is_a_row_that_succeeds_when_the_test_has_it(self) -> None:
        test = RATED.test.events
        wanted = set(zip(test["user_id"], test["video_id"], strict=True))
        pairs = list(zip(self.examples.rows["user_id"], self.examples.rows["video_id"], strict=True))
        assert self.examples.labels.tolist() == [float(pair in wanted) for pair in pairs]
        assert len(set(pairs)) == len(pairs)
        assert 0 < self.examples.labels.sum() < len(wanted)  # some are found, some users stay without a success
        assert self.examples.negatives == "retrieved"

    def test_a_group_is_one_user_with_k_candidates_in_order_of_retrieval(self) -> None:
        rows = self.examples.rows.assign(group=self.examples.groups)
        assert (rows.groupby("group")["user_id"].nunique() == 1).all()
        assert (rows.groupby("group").size() == 20).all()
        assert rows.groupby("group")["retrieval_score"].apply(lambda s: s.is_monotonic_decreasing).all()

    def test_nothing_seen_in_training_is_a_candidate(self) -> None:
        seen = set(zip(RATED.train.events["user_id"], RATED.train.events["video_id"], strict=True))
        assert not seen & set(zip(self.examples.rows["user_id"], self.examples.rows["video_id"], strict=True))

    def test_the_moment_is_the_first_of_the_user_s_relevant_test_events(self) -> None:
        split = leave_last_out(rated_log(), last=3)
        first = split.test.events.groupby(split.test.events["user_id"].astype(str))["occurred_at"].min()
        rows = from_candidates(split, ALS(factors=2, iterations=1).fit(split.train), k=2).rows
        assert rows["as_of"].tolist() == first.loc[rows["user_id"]].tolist()
        assert str(rows["as_of"].dt.tz) == "UTC"

    @pytest.mark.parametrize("rating", [5.0, 2.0], ids=["a user without training", "nobody with a relevant event"])
    def test_a_test_without_candidates_gives_no_rows(self, rating: float) -> None:
        times = pd.to_datetime(["2026-01-01", "2026-01-02"], utc=True)
        frame = pd.DataFrame({"user_id": ["a", "b"], "video_id": ["v", "w"], "occurred_at": times, "rating": rating})
        log = Log.from_frames(frame)
        split = by_day(log)
        examples = from_candidates(split, ALS(factors=1).fit(split.train), k=5)
        assert len(examples.rows) == len(examples.labels) == len(examples.groups) == 0
        assert set(examples.rows) == {"user_id", "video_id", "as_of", "surface", "retrieval_score"}


class TestSampled:
    examples = from_exposures(small_log(), ALS(factors=2, iterations=1).fit(small_log()))

    @pytest.mark.parametrize("most", [1, 20, 100])
    def test_whole_groups_are_kept_in_their_order_and_no_more_rows_than_asked_for(self, most: int) -> None:
        sample = self.examples.sampled(most, seed=0)
        assert len(sample.rows) == len(sample.labels) == len(sample.groups) <= most
        for group in np.unique(sample.groups):
            assert (sample.groups == group).sum() == (self.examples.groups == group).sum()
        kept = np.isin(self.examples.groups, sample.groups)
        assert sample.rows.equals(self.examples.rows[kept])
        assert sample.labels.tolist() == self.examples.labels[kept].tolist()

    def test_a_seed_gives_one_sample_and_another_seed_another(self) -> None:
        one, again, other = (self.examples.sampled(60, seed=seed).groups.tolist() for seed in (0, 0, 1))
        assert one == again != other

    def test_what_is_small_enough_stays_whole(self) -> None:
        whole: Examples = self.examples
        assert whole.sampled(len(whole.labels), seed=0) is whole
