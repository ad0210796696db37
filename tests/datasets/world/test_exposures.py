import numpy as np

from tests.datasets.world.small_world import small_world


def test_a_sitting_goes_on_from_video_to_video() -> None:
    world = small_world()
    users, slates = np.array([1, 2]), np.array([[3, 4, 5], [6, 7, -1]])
    at = world.log.events["occurred_at"].iloc[[-1, -1]]
    events = world.respond(users, slates, at, seed=0).sort_values(["request_id", "position"])
    for _, slate in events.groupby("request_id"):
        ends = slate["occurred_at"] + (slate["watch_seconds"] * 1e6).round().astype("timedelta64[us]")
        assert (slate["occurred_at"].iloc[1:].to_numpy() > ends.iloc[:-1].to_numpy()).all()
        assert slate["occurred_at"].iloc[0] == at.iloc[0]
    assert (events["known_at"] > events["occurred_at"]).all()


def test_no_sitting_passes_midnight_in_the_log() -> None:
    world = small_world()
    events = world.log.events
    days = world.truth.days(events["occurred_at"])
    assert days.min() == 0
    assert days.max() == world.config.days - 1
    assert (events.groupby("request_id")["occurred_at"].agg(lambda times: times.dt.floor("D").nunique()) == 1).all()


def test_a_record_is_known_after_the_watch_ended() -> None:
    events = small_world().log.events
    ends = events["occurred_at"] + (events["watch_seconds"] * 1e6).round().astype("timedelta64[us]")
    assert (events["known_at"] > ends).all()
