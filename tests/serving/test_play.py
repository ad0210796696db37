import importlib

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.errors import ConfigError
from mlsd_lab.features import MemoryStore, audit
from mlsd_lab.features.feed import FEED
from mlsd_lab.serving import Bundle, Played, Recommender, Request, first_requests, play
from tests.ranking.small_feed import small_log
from tests.serving.small_service import (
    STRANGER,
    TEST_DAY,
    a_day_of_requests,
    bundle,
    bundle_of,
    events,
    recommender,
    request,
    timeline,
)
from tests.serving.test_recommender import Broken


def played(batch: int = 200, of: Bundle | None = None, requests: list[Request] | None = None) -> Played:
    made = Recommender(of or bundle(), MemoryStore(FEED, small_log().videos), candidates=30, shown=5)
    return play(made, timeline(), small_log(), a_day_of_requests() if requests is None else requests, batch)


@pytest.fixture(scope="module")
def day() -> Played:
    return played()


def test_every_request_is_answered_in_time_order_whatever_the_order_given(day: Played) -> None:
    shuffled = [a_day_of_requests()[at] for at in np.random.default_rng(0).permutation(40)]
    again = played(requests=shuffled)
    assert [answer.request for answer in again.answers] == a_day_of_requests()
    pd.testing.assert_frame_equal(again.served, day.served, check_exact=True)


def test_an_audit_finds_no_mismatch_and_counts_what_lagged_as_stale(day: Played) -> None:
    skew = audit(timeline(), day.served)
    assert skew.compared == len(day.served) * len(FEED.columns)
    assert skew.mismatched == 0
    assert skew.stale > 0


def test_with_batches_of_one_nothing_is_stale() -> None:
    skew = audit(timeline(), played(batch=1).served)
    assert (skew.mismatched, skew.stale) == (0, 0)


def test_an_audit_sees_a_single_value_that_was_changed(day: Played) -> None:
    served = day.served.copy()
    served.loc[17, "video_impressions_7d"] += 1
    skew = audit(timeline(), served)
    assert skew.mismatched == 1
    assert skew.examples[["row", "column"]].values.tolist() == [[17, "video_impressions_7d"]]


def test_the_store_absorbs_whole_batches_of_what_was_known_before_the_request(day: Played) -> None:
    for answer in day.answers:
        known = int((events()["known_at"] < answer.request.as_of).sum())
        assert set(answer.served["position_absorbed"]) == {known // 200 * 200}


def test_an_event_known_at_the_very_moment_of_the_request_is_not_absorbed() -> None:
    moment = events()["known_at"].iloc[2500]
    answer = played(batch=1, requests=[Request("r", "u0", moment)]).answers[0]
    assert set(answer.served["position_absorbed"]) == {int((events()["known_at"] < moment).sum())}


def test_a_request_before_every_event_and_one_long_after_are_answered() -> None:
    requests = [Request(f"r{year}", "u0", pd.Timestamp(f"{year}-01-01", tz="UTC")) for year in (2020, 2030)]
    served = played(requests=requests).served
    assert served.groupby("request_id")["position_absorbed"].first().tolist() == [0, 3000]
    assert audit(timeline(), served).mismatched == 0


def test_the_summary_counts_requests_and_times_all_stages(day: Played) -> None:
    summary = day.summary()
    assert (summary["requests"], summary["degraded"]) == (40, 0)
    assert tuple(summary["stages"]) == Recommender.STAGES
    assert 0 < summary["p50_ms"] <= summary["p95_ms"] <= summary["p99_ms"]


def test_answers_of_a_ranker_that_fails_now_and_then_are_counted() -> None:
    def moody(rows: int) -> np.ndarray:
        if ranker.used % 4 == 0:
            raise RuntimeError("not now")
        return np.linspace(0, 1, rows)

    ranker = Broken(moody)
    found = played(of=bundle_of(ranker))
    assert len(found.answers) == 40
    assert all(len(answer.served) == 5 for answer in found.answers)
    assert found.summary()["degraded"] == 10 == found.served.drop_duplicates("request_id")["degraded"].notna().sum()
    assert audit(timeline(), found.served).mismatched == 0


def test_no_requests_give_an_empty_summary_and_an_empty_log() -> None:
    nothing = played(requests=[])
    assert nothing.summary() == {
        "requests": 0,
        "p50_ms": None,
        "p95_ms": None,
        "p99_ms": None,
        "stages": {},
        "degraded": 0,
    }
    assert len(nothing.served) == 0


def test_an_empty_slate_adds_no_row_to_the_served_log() -> None:
    made = Recommender(bundle(), MemoryStore(FEED, small_log().videos), candidates=30, shown=5)
    videos = small_log().videos["video_id"].tolist()
    times = TEST_DAY + pd.to_timedelta(np.arange(len(videos)), unit="s")
    everything = events().iloc[: len(videos)].assign(user_id="u0", video_id=videos, known_at=times)
    made.absorb(everything, offset=0)
    answers = [made.recommend(request(user, minutes=5)) for user in ("u0", "u5", "u0")]
    assert [len(answer.served) for answer in answers] == [0, 5, 0]
    pd.testing.assert_frame_equal(Played(answers).served, answers[1].served)
    assert len(Played(answers[:1]).served) == 0
    assert "video_id" in Played(answers[:1]).served


def test_requests_of_several_time_zones_make_one_log_of_one_zone() -> None:
    zones = ("UTC", "Asia/Shanghai", "America/New_York")
    times = [pd.Timestamp(request(minutes=at).as_of).tz_convert(zone) for at, zone in enumerate(zones, 1)]
    requests = [Request(zone, "u5", time) for zone, time in zip(zones, times, strict=True)]
    served = played(requests=requests).served
    assert str(served["as_of"].dt.tz) == "UTC"
    assert audit(timeline(), served).mismatched == 0


def test_progress_is_told_of_events_and_after_each_answer() -> None:
    told: list[str] = []
    made = Recommender(bundle(), MemoryStore(FEED, small_log().videos))
    play(made, timeline(), small_log(), a_day_of_requests(3), on_progress=told.append)
    assert [said for said in told if "answered" in said] == [f"{number} of 3 answered" for number in (1, 2, 3)]
    assert told[0].endswith(" events absorbed")


def test_a_long_past_is_absorbed_in_pieces_to_the_same_answers(day: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("mlsd_lab.serving.play"), "_AT_ONCE", 300)
    pd.testing.assert_frame_equal(played().served, day.served, check_exact=True)


@pytest.mark.parametrize("batch", [0, -5])
def test_a_batch_of_less_than_one_event_is_refused(batch: int) -> None:
    with pytest.raises(ConfigError, match=f"batch: expected 1 or more events, found {batch}"):
        played(batch=batch)


def test_slates_are_the_codes_of_what_each_person_was_shown() -> None:
    made = recommender(shown=4)
    answers = [made.recommend(request(user)) for user in ("u5", STRANGER, "u0")]
    users, slates = Played(answers).slates(small_log())
    assert users.tolist() == [small_log().users["user_id"].tolist().index("u5"), 0]  # the log has no stranger
    ids = small_log().videos["video_id"].to_numpy(object)
    known = [answers[0], answers[2]]
    assert [ids[row].tolist() for row in slates.videos] == [answer.served["video_id"].tolist() for answer in known]
    assert Played([]).slates(small_log())[1].videos.shape == (0, 0)


def test_a_sample_of_people_asks_once_each_at_their_first_moment() -> None:
    log = small_log()
    asked = first_requests(log, count=10, seed=3)
    assert len({request.user_id for request in asked}) == len(asked) == 10
    assert asked == first_requests(log, count=10, seed=3) != first_requests(log, count=10, seed=4)
    first = log.events.groupby("user_id", observed=True)["occurred_at"].min()
    assert all(request.as_of == first[request.user_id] for request in asked)
    assert len(first_requests(log, count=10_000)) == log.events["user_id"].nunique()
