import numpy as np
import pytest
from scipy.stats import chisquare

from mlsd_lab.datasets.world import Drift, WorldConfig
from mlsd_lab.datasets.world.config import SLOTS
from mlsd_lab.datasets.world.policy import EXPLORED, Policy
from tests.datasets.world.small_world import population

EXPLORE = 2


def many(count: int, user: int, surface: int, length: int = SLOTS, day: int = 6) -> tuple[np.ndarray, np.ndarray]:
    policy = Policy(population(), Drift()).on_day(day)
    users, lengths, surfaces = (np.full(count, value) for value in (user, length, surface))
    return policy.draw(users, lengths, surfaces, np.random.default_rng(0))


@pytest.mark.parametrize("even", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("day", [0, 6])
def test_the_chances_of_all_videos_make_one(even: float, day: int) -> None:
    people = population()
    policy = Policy(people, Drift()).on_day(day)
    videos = np.arange(len(people.topic))[people.uploaded_day <= day]
    for user in (0, 7, 399):
        chance = policy.chance(np.full(len(videos), user), videos, np.full(len(videos), even))
        assert chance.sum() == pytest.approx(1, abs=1e-9)
        assert (chance >= 0).all()


@pytest.mark.parametrize("surface", [0, EXPLORE])
def test_the_first_video_is_drawn_as_often_as_its_propensity_says(surface: int) -> None:
    people = population()
    policy = Policy(people, Drift()).on_day(6)
    video, propensity = many(40_000, user=3, surface=surface, length=1)
    codes = np.arange(policy.available)
    even = np.full(len(codes), 1.0 if surface == EXPLORE else EXPLORED[0])
    chance = policy.chance(np.full(len(codes), 3), codes, even)
    assert np.allclose(propensity[:, 0], chance[video[:, 0]])
    expected = 40_000 * chance
    often = expected >= 5
    drawn = np.bincount(video[:, 0], minlength=len(codes)).astype(float)
    pooled = [np.append(counts[often], counts[~often].sum()) for counts in (drawn, expected)]
    if not pooled[1][-1]:
        pooled = [counts[:-1] for counts in pooled]
    assert chisquare(*pooled).pvalue > 0.001


def test_a_later_propensity_leaves_out_what_is_in_the_slate() -> None:
    people = population()
    policy = Policy(people, Drift()).on_day(6)
    video, propensity = many(200, user=3, surface=0)
    for slot in range(1, SLOTS):
        even = np.full(policy.available, EXPLORED[slot])
        chance = policy.chance(np.full(policy.available, 3), np.arange(policy.available), even)
        for row in range(200):
            left = np.delete(chance, video[row, :slot]).sum()
            assert propensity[row, slot] == pytest.approx(chance[video[row, slot]] / left)


def test_weighting_by_propensity_finds_the_mean_over_all_videos() -> None:
    video, propensity = many(60_000, user=5, surface=0, length=1)
    worth = population().substance.astype(float)
    available = Policy(population(), Drift()).on_day(6).available
    weighted = worth[video[:, 0]] / propensity[:, 0] / available
    assert abs(weighted.mean() - worth[:available].mean()) < 4 * weighted.std() / np.sqrt(len(weighted))
    shown = worth[video[:, 0]]
    assert abs(shown.mean() - worth[:available].mean()) > 4 * shown.std() / np.sqrt(len(shown))  # unweighted misses it


def test_no_slate_repeats_a_video_or_shows_one_that_is_not_uploaded() -> None:
    for day in (0, 3, 6):
        video, propensity = many(2_000, user=1, surface=0, day=day)
        assert all(len(set(row)) == SLOTS for row in video.tolist())
        assert (population().uploaded_day[video] <= day).all()
        assert ((propensity > 0) & (propensity <= 1)).all()


def test_a_short_slate_ends_with_nothing() -> None:
    video, propensity = many(5, user=1, surface=0, length=2)
    assert (video[:, 2:] == -1).all()
    assert (propensity[:, 2:] == 0).all()


def test_a_viral_topic_is_shown_more() -> None:
    people = population(WorldConfig(users=400, videos=300, events=20_000, days=7, drift=Drift(viral_topic=2)))
    asked = (np.arange(400), np.full(400, SLOTS), np.zeros(400, int))
    shares = []
    for day in (1, 3):
        video, _ = Policy(people, Drift(viral_topic=2)).on_day(day).draw(*asked, np.random.default_rng(0))
        shares.append((people.topic[video] == 0).mean())
    assert shares[1] > 2 * shares[0]
