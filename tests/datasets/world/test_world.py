import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.datasets import Log, schema
from mlsd_lab.datasets.world import WorldConfig, simulate
from mlsd_lab.datasets.world.world import START
from mlsd_lab.errors import ConfigError, DataError
from tests.datasets.world.small_world import CONFIG, small_world


def test_the_log_has_the_size_asked_for() -> None:
    log = small_world().log
    assert (len(log.events), len(log.users), len(log.videos)) == (20_000, 400, 300)
    assert log.days().nunique() == 7


def test_the_log_is_as_a_log_made_of_the_same_tables() -> None:
    log = small_world().log
    again = Log.from_frames(log.events, log.videos, log.users, log.datasheet)
    pd.testing.assert_frame_equal(log.events, again.events, check_categorical=False)
    for name in ("user_id", "video_id"):
        assert (log.events[name].cat.codes == again.events[name].cat.codes).all()
    for table in ("events", "videos", "users"):
        pd.testing.assert_frame_equal(schema.validate(getattr(log, table), table), getattr(log, table))


def test_events_stand_in_stream_order_and_requests_hold_one_slate() -> None:
    events = small_world().log.events
    assert events["known_at"].is_monotonic_increasing
    assert (events["event_id"] == np.arange(len(events))).all()
    slates = events.groupby("request_id")
    assert (slates["user_id"].nunique() == 1).all()
    assert (slates["position"].max() + 1 == slates.size()).all()
    assert (slates["video_id"].nunique() == slates.size()).all()


def test_nothing_is_shown_before_it_is_uploaded() -> None:
    log = small_world().log
    uploaded = log.videos["uploaded_at"].to_numpy()[log.events["video_id"].cat.codes]
    assert (log.events["occurred_at"].dt.floor("D").to_numpy() >= uploaded).all()


def test_another_seed_is_another_world() -> None:
    other = simulate(WorldConfig(users=400, videos=300, events=20_000, days=7, seed=1)).log
    assert not other.events["user_id"].equals(small_world().log.events["user_id"])


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not bind a process to a core")
def test_the_same_world_comes_of_one_core_and_of_all() -> None:
    code = (
        "import os, sys, pandas as pd\n"
        "if sys.argv[1] == 'one': os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from mlsd_lab.datasets.world import simulate, WorldConfig\n"
        f"log = simulate({CONFIG!r}).log\n"
        "print([int(pd.util.hash_pandas_object(table).sum()) for table in (log.events, log.videos, log.users)])\n"
    )
    code = code.replace("import simulate, WorldConfig", "import Drift, simulate, WorldConfig")
    said = [
        subprocess.run([sys.executable, "-c", code, cores], capture_output=True, text=True, check=True).stdout
        for cores in ("one", "all")
    ]
    assert said[0] == said[1]
    log = small_world().log
    tables = (log.events, log.videos, log.users)
    assert said[0].strip() == str([int(pd.util.hash_pandas_object(table).sum()) for table in tables])


def test_people_answer_a_slate_of_ours_as_they_answered_the_feeds() -> None:
    world = small_world()
    users = np.repeat(np.arange(400), 20)
    slates = np.random.default_rng(0).integers(0, 300, (len(users), 3))
    at = pd.DatetimeIndex([START + pd.Timedelta(days=6, hours=3)] * len(users))
    events = world.respond(users, slates, at, seed=5)
    assert len(events) == slates.size
    chances = world.truth.of(events)
    off = 4 * np.sqrt(0.25 / len(events))
    assert abs(events["clicked"].mean() - chances.click.mean()) < off
    assert abs(events["long_view"].mean() - chances.long_view.mean()) < off
    closed = world.log.with_events(pd.concat([world.log.events, events]))
    assert closed.matrix().sum() == 20_000 + slates.size
    assert closed.events["event_id"].is_unique
    assert events["request_id"].min() == world.log.events["request_id"].max() + 1
    assert events["propensity"].isna().all()


def test_better_slates_are_answered_better() -> None:
    world = small_world()
    users = np.arange(400)
    pairs = (np.repeat(users, 300), np.tile(np.arange(300), 400), np.zeros(120_000, int), np.zeros(120_000, int))
    every = world.truth.chances(*pairs).click.reshape(400, 300)
    best, worst = np.argsort(-every, axis=1)[:, :6], np.argsort(every, axis=1)[:, :6]
    at = pd.DatetimeIndex([START] * 400)
    rates = [world.respond(users, slates, at, seed=0)["clicked"].mean() for slates in (best, worst)]
    assert rates[0] > rates[1] + 0.4


def test_the_same_seed_answers_the_same_and_another_does_not() -> None:
    asked = (np.arange(50), np.arange(300).reshape(50, 6), pd.DatetimeIndex([START] * 50))
    first, again, other = (small_world().respond(*asked, seed=seed) for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first["clicked"].equals(other["clicked"])


def test_an_empty_slate_has_no_answer() -> None:
    events = small_world().respond(np.array([0]), np.full((1, 6), -1), pd.DatetimeIndex([START]), seed=0)
    assert len(events) == 0


@pytest.mark.parametrize(
    ("users", "slates", "times", "sentence"),
    [
        ([400], [[0]], 1, "users: expected codes from 0 to 399"),
        ([0], [[300]], 1, "slates: expected codes from -1 to 299"),
        ([-1], [[0]], 1, "users: expected codes from 0"),
        ([0, 1], [[0]], 2, "expected a slate and a time a user, found 1 and 2 for 2"),
        ([0], [[0]], 2, "expected a slate and a time a user"),
        (["u001"], [[0]], 1, "users: expected codes, which are row numbers"),
        ([0], [[0.5]], 1, "slates: expected codes"),
    ],
)
def test_a_slate_that_makes_no_sense_is_refused(
    users: list[int], slates: list[list[int]], times: int, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        small_world().respond(np.array(users), np.array(slates), pd.DatetimeIndex([START] * times), seed=0)


def test_a_time_without_a_zone_and_a_seed_below_zero_are_refused() -> None:
    ask = (np.array([0]), np.array([[1]]))
    with pytest.raises(ConfigError, match="at: expected times with a time zone"):
        small_world().respond(*ask, pd.DatetimeIndex(["2026-01-06"]), seed=0)
    with pytest.raises(ConfigError, match="seed: expected 0 or more"):
        small_world().respond(*ask, pd.DatetimeIndex([START]), seed=-1)


def test_a_world_says_in_a_line_what_it_is() -> None:
    assert repr(small_world()).startswith("World of seed 0: Log 'world': 20,000 events")
    assert repr(small_world().truth).startswith("Truth of 400 people and 300 videos")


def test_the_truth_of_ids_that_are_text_is_refused() -> None:
    events = small_world().log.events.head().astype({"user_id": str})
    with pytest.raises(DataError, match="as the log has them"):
        small_world().truth.of(events)


def test_offers_are_random_videos_for_people_who_are_there_each_on_top() -> None:
    world, at = small_world(), START + pd.Timedelta(days=3)
    offers = world.offers(people=50, each=8, at=at, seed=1)
    assert (offers["position"] == 0).all()
    who = offers["user_id"].cat.codes.to_numpy().reshape(50, 8)
    assert (who == who[:, :1]).all()
    assert offers["user_id"].nunique() == 50
    joined = offers.merge(world.log.users, on="user_id").merge(world.log.videos, on="video_id")
    assert (joined["signed_up_at"] < at).all()
    assert (joined["uploaded_at"] < at).all()
    assert (offers["occurred_at"] == at).all()
    pd.testing.assert_frame_equal(offers, world.offers(people=50, each=8, at=at, seed=1))


@pytest.mark.parametrize(("people", "each"), [(0, 1), (1, 0), (10**6, 1)])
def test_offers_to_nobody_or_to_too_many_are_refused(people: int, each: int) -> None:
    with pytest.raises(ConfigError, match="expected 1 to"):
        small_world().offers(people, each, START + pd.Timedelta(days=3), seed=0)
