import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from mlsd_lab.errors import AccessError, ConfigError, DataError
from mlsd_lab.features import Access, Catalogue, MemoryStore
from mlsd_lab.features.feed import FEED
from mlsd_lab.retrieval import AnnoyIndex
from mlsd_lab.serving import Answer, Bundle, Recommender, Request
from mlsd_lab.serving.recommender import arranged
from tests.ranking.small_feed import small_log
from tests.serving.small_service import STRANGER, TEST_DAY, als, bundle, bundle_of, events, recommender, request

COLUMNS = [
    *("request_id", "user_id", "video_id", "rank", "score", "as_of", "position_absorbed"),
    *("newest_known_at", "tile", "surface", "retrieval_score", "bundle", "degraded", *FEED.columns),
]


class Broken:
    """A ranker whose scores are whatever a test says."""

    FILE = "broken"
    columns = FEED.columns

    def __init__(self, answer: Callable[[int], NDArray[np.float64]]) -> None:
        self.answer, self.used = answer, 0

    def fit(self, features: pd.DataFrame, labels: NDArray[np.float64]) -> Self:
        raise NotImplementedError(features, labels)

    def score(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        if len(features) > 100:  # the bundle's probe
            return np.zeros(len(features))
        self.used += 1
        return self.answer(len(features))

    def save(self, path: Path) -> None:
        raise NotImplementedError(path)


def raising(rows: int) -> NDArray[np.float64]:
    raise RuntimeError(f"no model for {rows} rows")


def shown(answer: Answer) -> list[str]:
    return answer.served["video_id"].tolist()


def seen_by(user: str, before: pd.Timestamp = TEST_DAY) -> set[str]:
    known = events()[(events()["user_id"] == user) & (events()["known_at"] < before)]
    return set(known["video_id"])


def served_all_videos(user: str) -> Recommender:
    """Return a recommender for whom this user has seen every video, one a second."""
    made = recommender()
    batch = events().iloc[: len(small_log().videos)].copy()
    times = TEST_DAY + pd.to_timedelta(np.arange(len(batch)), unit="s")
    batch = batch.assign(user_id=user, video_id=[*small_log().videos["video_id"]], known_at=times, occurred_at=times)
    made.absorb(batch, offset=made.store.position)
    return made


class TestSlate:
    def test_its_rows_are_the_served_table_with_feature_values(self) -> None:
        served = recommender().recommend(request("u5")).served
        assert list(served.columns) == COLUMNS
        assert served["rank"].tolist() == [0, 1, 2, 3, 4]
        assert served["bundle"].unique().tolist() == [bundle().content_sha256]
        assert served["position_absorbed"].unique().tolist() == [int((events()["known_at"] < TEST_DAY).sum())]
        assert (served["newest_known_at"] == events()["known_at"][events()["known_at"] < TEST_DAY].max()).all()
        assert (served["as_of"] == request().as_of).all()

    def test_scores_are_sorted_and_are_the_ranker_s_for_these_features(self) -> None:
        served = recommender(shown=30).recommend(request("u5")).served
        assert served["score"].is_monotonic_decreasing
        expected = bundle().ranker.score(served[list(FEED.columns)].to_numpy())
        assert served["score"].tolist() == expected.tolist()
        np.testing.assert_array_equal(served["retrieval"], served["retrieval_score"])

    def test_it_is_the_best_of_a_slow_loop_over_the_candidates(self) -> None:
        made = recommender()
        left = [code for code in bundle().retrieve("u5", 80) if bundle().video_ids[code] not in seen_by("u5")][:30]
        scores = bundle().retrieval_scores("u5", np.array(left))
        value = {}
        for code, score in zip(left, scores, strict=True):
            video = bundle().video_ids[code]
            found = made.store.lookup("u5", [video], request().as_of, "home", np.array([score]))
            value[video] = float(bundle().ranker.score(found.values)[0])
        assert shown(made.recommend(request("u5"))) == sorted(value, key=lambda video: -value[video])[:5]

    def test_seen_videos_never_come_back(self) -> None:
        made = recommender(candidates=80, shown=80)
        for user in [f"u{at}" for at in range(0, 60, 4)]:
            slate = shown(made.recommend(request(user)))
            assert len(slate) == len(set(slate)) == 80 - len(seen_by(user))
            assert not seen_by(user) & set(slate)

    def test_what_is_absorbed_later_is_seen_from_then_on_by_that_user_alone(self) -> None:
        made = recommender()
        first = {user: shown(made.recommend(request(user))) for user in ("u0", "u5")}
        batch = events().iloc[:1].assign(user_id="u0", video_id=first["u0"][0], known_at=TEST_DAY, occurred_at=TEST_DAY)
        made.absorb(batch, offset=made.store.position)
        assert first["u0"][0] not in shown(made.recommend(request("u0")))
        assert not set(first["u5"]) - set(shown(made.recommend(request("u5"))) + first["u0"])

    def test_a_batch_absorbed_twice_changes_nothing(self) -> None:
        made, batch = recommender(), events()[events()["known_at"] < TEST_DAY]
        before = made.recommend(request("u5")).served
        made.absorb(batch, offset=0)
        made.absorb(batch.iloc[100:], offset=100)
        pd.testing.assert_frame_equal(made.recommend(request("u5")).served, before, check_exact=True)

    @pytest.mark.parametrize("user", ["u3", STRANGER])
    def test_an_unknown_user_gets_popular_videos_ranked(self, user: str) -> None:
        served = recommender(shown=30).recommend(request(user)).served
        popular = [video for video in bundle().video_ids[bundle().popular] if video not in seen_by(user)]
        assert set(served["video_id"]) == set(popular[:30])
        assert served["retrieval_score"].isna().all()
        assert served["score"].is_monotonic_decreasing
        assert served["degraded"].isna().all()

    def test_a_user_who_has_seen_everything_gets_an_empty_slate(self) -> None:
        for user in ("u0", STRANGER):
            answer = served_all_videos(user).recommend(request(user, minutes=5))
            assert answer.served.shape == (0, len(COLUMNS))
            assert list(answer.served.columns) == COLUMNS
            assert answer.degraded is None

    def test_where_little_is_left_the_slate_is_short(self) -> None:
        made = recommender(candidates=80, shown=80)
        assert len(shown(made.recommend(request("u0")))) == 80 - len(seen_by("u0")) < 80

    def test_a_slate_of_one_is_the_first_of_a_longer_one(self) -> None:
        assert shown(recommender(shown=1).recommend(request("u5"))) == shown(recommender().recommend(request("u5")))[:1]

    def test_one_candidate_is_the_best_that_was_retrieved(self) -> None:
        left = [bundle().video_ids[code] for code in bundle().retrieve("u5", 80)]
        best = next(video for video in left if video not in seen_by("u5"))
        assert shown(recommender(candidates=1, shown=1).recommend(request("u5"))) == [best]

    def test_an_index_that_finds_few_gives_a_full_slate_without_repeats(self) -> None:
        hasty = copy.copy(bundle())
        hasty.index = AnnoyIndex.build(als().video_factors_, trees=40, search_k=1)
        made = recommender(hasty, candidates=30, shown=10)
        slates = [shown(made.recommend(request(user))) for user in bundle().user_ids]
        unseen = [80 - len(seen_by(user)) for user in bundle().user_ids]
        assert list(map(len, slates)) == [min(10, left) for left in unseen]
        assert all(len(set(slate)) == len(slate) for slate in slates)
        assert not any(seen_by(user) & set(slate) for user, slate in zip(bundle().user_ids, slates, strict=True))


class TestRequest:
    def test_the_same_request_twice_gives_the_same_answer(self) -> None:
        made = recommender()
        first, second = made.recommend(request("u5")), made.recommend(request("u5"))
        pd.testing.assert_frame_equal(first.served, second.served, check_exact=True)
        pd.testing.assert_frame_equal(recommender().recommend(request("u5")).served, first.served, check_exact=True)

    def test_one_not_later_than_what_was_absorbed_is_refused(self) -> None:
        made = recommender()
        newest = events()["known_at"][events()["known_at"] < TEST_DAY].iloc[-1]
        for early in (newest, newest - timedelta(days=1)):
            with pytest.raises(ConfigError, match="as_of: expected a time after the newest event absorbed"):
                made.recommend(Request("r", "u0", early))
        assert len(made.recommend(Request("r", "u0", newest + timedelta(microseconds=1))).served) == 5

    def test_a_time_without_zone_is_refused(self) -> None:
        with pytest.raises(DataError, match="expected a time with a time zone"):
            recommender().recommend(Request("r", "u0", datetime(2026, 3, 7)))

    def test_one_moment_in_any_time_zone_is_one_request(self) -> None:
        moment = pd.Timestamp("2026-03-06 12:00", tz="UTC")
        times = [moment, moment.tz_convert("Asia/Shanghai"), datetime(2026, 3, 6, 12, tzinfo=UTC)]
        first, *others = (recommender().recommend(Request("r", "u5", time)).served for time in times)
        for other in others:
            pd.testing.assert_frame_equal(first, other, check_exact=True)

    def test_all_five_stages_are_timed(self) -> None:
        for made in (recommender(), recommender(bundle_of(Broken(raising))), served_all_videos("u0")):
            answer = made.recommend(request("u0", minutes=5))
            assert tuple(answer.milliseconds) == Recommender.STAGES
            assert all(time > 0 for time in answer.milliseconds.values())


class TestBrokenRanker:
    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (raising, r"RuntimeError: no model for 30 rows"),
            (lambda rows: np.full(rows, np.nan), r"DataError: expected a finite score for each of 30 rows"),
            (lambda rows: np.full(rows, np.inf), r"DataError: expected a finite score"),
            (lambda rows: np.zeros(rows - 1), r"DataError: .* found shape \(29,\)"),
            (lambda rows: np.zeros((rows, 1)), r"DataError: .* found shape \(30, 1\)"),
        ],
        ids=["raises", "not a number", "infinite", "a score too few", "a table"],
    )
    def test_the_slate_stays_in_retrieval_order_and_says_so(
        self, answer: Callable[[int], NDArray[np.float64]], reason: str
    ) -> None:
        found = recommender(bundle_of(Broken(answer))).recommend(request("u5"))
        left = [video for video in bundle().video_ids[bundle().retrieve("u5", 80)] if video not in seen_by("u5")]
        assert shown(found) == left[:5]
        assert found.degraded is not None
        assert pd.Series([found.degraded]).str.match(rf"retrieval order: the ranker failed \({reason}").all()
        assert (found.served["degraded"] == found.degraded).all()
        assert found.served["score"].is_monotonic_decreasing

    def test_a_stop_from_outside_is_no_failure_of_the_ranker(self) -> None:
        def stopped(rows: int) -> NDArray[np.float64]:
            raise KeyboardInterrupt(rows)

        with pytest.raises(KeyboardInterrupt):
            recommender(bundle_of(Broken(stopped))).recommend(request("u5"))


class TestSettings:
    def test_a_store_with_other_features_is_refused_with_both_fingerprints(self) -> None:
        other = Catalogue("feed", "2", [*FEED.windowed, *FEED.derived])
        with pytest.raises(ConfigError) as refused:
            Recommender(bundle(), MemoryStore(other, small_log().videos))
        assert FEED.fingerprint in str(refused.value)
        assert other.fingerprint in str(refused.value)

    @pytest.mark.parametrize(("candidates", "shown"), [(0, 0), (5, 0), (5, 6), (-1, -1)])
    def test_numbers_that_make_no_slate_are_refused(self, candidates: int, shown: int) -> None:
        with pytest.raises(ConfigError, match=f"expected 1 ≤ shown ≤ candidates, found {shown} and {candidates}"):
            Recommender(bundle(), MemoryStore(FEED, small_log().videos), candidates, shown)

    def test_a_batch_that_the_store_refuses_marks_nothing_as_seen(self) -> None:
        made = recommender()
        before = shown(made.recommend(request("u5")))
        late = events().iloc[:5].assign(user_id="u5", video_id=before)  # known long ago
        with pytest.raises(DataError, match="order of known_at"):
            made.absorb(late, offset=made.store.position)
        assert shown(made.recommend(request("u5"))) == before

    def test_a_video_that_the_bundle_does_not_know_is_absorbed_and_never_shown(self) -> None:
        made = recommender(candidates=80, shown=80)
        batch = events().iloc[:1].assign(user_id="u5", video_id="new", known_at=TEST_DAY)
        made.absorb(batch, offset=made.store.position)
        assert "new" not in shown(made.recommend(request("u5")))


def test_equal_values_keep_the_order_of_candidates_and_none_make_no_slate() -> None:
    assert arranged(np.array([0.5, 0.7, 0.5, 0.7]), 3).tolist() == [1, 3, 0]
    assert arranged(np.empty(0), 3).tolist() == []


def test_a_bundle_takes_part_in_any_number_of_recommenders() -> None:
    one, two = recommender(), recommender()
    assert isinstance(one.bundle, Bundle)
    assert shown(one.recommend(request("u9"))) == shown(two.recommend(request("u9")))


def test_a_store_that_absorbed_events_unseen_is_refused() -> None:
    store = MemoryStore(FEED, small_log().videos)
    store.absorb(events().iloc[:10], offset=0)
    with pytest.raises(ConfigError, match="found one at position 10: what a person has seen is learned"):
        Recommender(bundle(), store)


def test_with_a_reader_features_are_read_as_its_role_may_and_the_log_says_whose(tmp_path: Path) -> None:
    access, asked = Access(tmp_path, lambda: datetime(2026, 3, 6, tzinfo=UTC)), request("u9")
    made = Recommender(
        bundle(), MemoryStore(FEED, small_log().videos), 30, 5, access.reader("ranker", "feed-server", "ranking")
    )
    made.absorb(events()[events()["known_at"] < TEST_DAY], offset=0)
    access.grant("ranker", FEED, ["all"], "ann")
    with pytest.raises(AccessError, match="role 'ranker' may not read user_impressions_1d"):
        made.recommend(asked)
    access.grant("ranker", FEED, sorted(FEED.personal), "ann", personal=True)
    pd.testing.assert_frame_equal(made.recommend(asked).served, recommender().recommend(asked).served)
    refused, read = [entry for entry in access.entries() if entry["what"] in ("refused", "read")]
    assert {one["user"] for one in (refused, read)} == {access.user_name("u9")}
    assert {*read["columns"]} == FEED.personal
