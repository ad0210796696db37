import numpy as np
import pytest

from mlsd_lab.datasets.world.answers import Answers
from mlsd_lab.datasets.world.truth import LONG_SECONDS, Chances
from tests.datasets.world.small_world import small_world


def test_people_do_what_their_chances_say() -> None:
    world = small_world()
    chances = world.truth.of(world.log.events)
    duration = world.log.videos["duration_seconds"].to_numpy()[world.log.events["video_id"].cat.codes]
    rounds = [Answers.draw(chances, duration, np.random.default_rng(seed)) for seed in range(20)]
    for name, chance in (
        ("clicked", chances.click),
        ("long_view", chances.long_view),
        ("liked", chances.click * chances.like),
    ):
        share = np.mean([getattr(answers, name).mean() for answers in rounds])
        off = np.sqrt((chance * (1 - chance)).mean() / (20 * len(duration)))
        assert abs(share - chance.mean()) < 4 * off, name


def test_a_long_view_is_what_the_watch_time_says() -> None:
    events = small_world().log.events
    videos = small_world().log.videos
    duration = videos["duration_seconds"].to_numpy()[events["video_id"].cat.codes]
    enough = events["watch_seconds"] >= np.minimum(duration, LONG_SECONDS) - 0.001
    assert (events["long_view"] == (enough & events["clicked"])).all()


def test_who_does_not_click_soon_goes_on() -> None:
    events = small_world().log.events
    assert events["watch_seconds"][~events["clicked"].astype(bool)].max() <= 7


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_certain_chances_leave_nothing_to_luck(certain: float) -> None:
    sure = np.full(500, certain)
    chances = Chances(sure, sure, sure, np.full(500, 3.0), sure, sure, sure)
    answers = Answers.draw(chances, np.full(500, 40.0), np.random.default_rng(0))
    assert set(answers.clicked.tolist()) == set(answers.liked.tolist()) == {bool(certain)}


def test_most_records_arrive_in_seconds_and_some_in_hours() -> None:
    answers = Answers.draw(
        Chances(*(np.full(50_000, 0.5) for _ in range(7))), np.full(50_000, 40.0), np.random.default_rng(0)
    )
    assert np.median(answers.delay_seconds) < 3
    assert 0.01 < (answers.delay_seconds > 60).mean() < 0.03
    assert answers.delay_seconds.max() < 4 * 3600
