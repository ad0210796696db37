import numpy as np
import pytest

from mlsd_lab.datasets.world import Drift, WorldConfig
from mlsd_lab.datasets.world.population import Population
from mlsd_lab.datasets.world.topics import TOPICS
from tests.datasets.world.small_world import population


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("videos", [100, 3_000])
def test_every_topic_has_a_video_when_the_log_begins(videos: int, seed: int) -> None:
    people = Population.draw(WorldConfig(users=10, videos=videos), np.random.default_rng(seed))
    assert set(people.topic[people.uploaded_day < 0]) == set(range(len(TOPICS)))


def test_videos_stand_in_the_order_of_their_upload_and_some_come_later() -> None:
    uploaded = population().uploaded_day
    assert (np.diff(uploaded) >= 0).all()
    assert 0.05 < (uploaded > 0).mean() < 0.5


def test_clickbait_promises_much_and_keeps_little() -> None:
    people = population()
    assert people.appeal[people.bait].mean() > people.appeal[~people.bait].mean() + 1
    assert people.substance[people.bait].mean() < people.substance[~people.bait].mean() - 1


def test_a_creator_stays_with_one_topic() -> None:
    people = population()
    pairs = set(zip(people.creator.tolist(), people.topic.tolist(), strict=True))
    assert len(pairs) == len(set(people.creator.tolist()))


def test_without_a_shift_nobody_changes_and_with_one_a_third_does() -> None:
    people = population()
    assert (people.taste == people.later_taste).all()
    shifted = population(WorldConfig(users=3_000, drift=Drift(taste_shift=3)))
    share = (shifted.taste != shifted.later_taste).any(axis=1).mean()
    assert 0.28 < share < 0.39


def test_a_new_cohort_comes_on_its_day_and_likes_other_topics() -> None:
    people = population(WorldConfig(users=3_000, drift=Drift(new_cohort=10)))
    new = people.signed_up_day >= 10
    assert 0.17 < new.mean() < 0.23
    liked = [
        np.bincount((people.taste[who] @ people.topic_centre.T).argmax(axis=1), minlength=16) for who in (new, ~new)
    ]
    assert np.corrcoef(liked[0], liked[1])[0, 1] < -0.3
