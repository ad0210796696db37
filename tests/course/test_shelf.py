import numpy as np
import pandas as pd
import pytest

from mlsd_lab.course.shelf import Shelf, shelf
from mlsd_lab.datasets.world import World, WorldConfig, simulate
from mlsd_lab.datasets.world.truth import EXAMINATION
from mlsd_lab.errors import ConfigError


@pytest.fixture(scope="module")
def world() -> World:
    return simulate(WorldConfig(users=300, videos=800, events=9_000, days=12))


def test_a_person_is_asked_for_once_at_a_moment_that_the_log_has(world: World) -> None:
    rows = shelf(world, people=60, each=9, last=3).rows
    moments = rows.groupby("user_id", observed=True).as_of
    assert (moments.nunique() == 1).all() and (moments.size() == 9).all() and moments.ngroups == 60
    log = set(zip(world.log.events.user_id, world.log.events.occurred_at, strict=True))
    assert set(zip(rows.user_id, rows.as_of, strict=True)) <= log
    assert (world.truth.days(rows.as_of) >= 9).all() and rows.as_of.is_monotonic_increasing


def test_a_video_is_offered_once_to_a_person_and_after_its_upload(world: World) -> None:
    rows = shelf(world, people=60, each=9, last=3).rows
    assert not rows.duplicated(["user_id", "video_id"]).any()
    uploaded = world.log.videos.uploaded_at.to_numpy()[rows.video_id.cat.codes]
    assert (uploaded <= rows.as_of.to_numpy()).all()


def test_new_ones_are_new(world: World) -> None:
    rows = shelf(world, people=40, each=5, last=3, newer_than=3).rows
    uploaded = pd.DatetimeIndex(world.log.videos.uploaded_at.array[rows.video_id.cat.codes])
    age = pd.DatetimeIndex(rows.as_of) - uploaded
    assert age.max() <= pd.Timedelta("3D") + pd.Timedelta("1s")  # uploads are kept in whole seconds


def test_six_are_shown_and_the_lower_ones_are_looked_at_less() -> None:
    chances = np.array([[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]])
    found = Shelf(pd.DataFrame(), chances)
    assert found.brings(chances).tolist() == pytest.approx([np.array([0.8, 0.7, 0.6, 0.5, 0.4, 0.3]) @ EXAMINATION])
    assert found.brings(-chances).tolist() == pytest.approx([np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]) @ EXAMINATION])


def test_the_truth_orders_best(world: World) -> None:
    found = shelf(world, people=60, each=12, last=3)
    random = np.random.default_rng(1).random(found.chances.size)
    assert (found.brings(found.chances) >= found.brings(random) - 1e-12).all()


def test_one_seed_gives_one_shelf(world: World) -> None:
    one, same, other = (shelf(world, people=20, each=5, seed=seed).rows for seed in (1, 1, 2))
    assert one.equals(same)
    assert not one.equals(other)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"people": 301, "each": 3}, "people: expected 1 to"),
        ({"people": 0, "each": 3}, "people: expected 1 to"),
        ({"people": 5, "each": 801}, "each: expected 1 to"),
        ({"people": 5, "each": 0}, "each: expected 1 to"),
        ({"people": 5, "each": 5, "newer_than": 0.001}, "each: expected 1 to 0"),
    ],
)
def test_what_is_not_there_cannot_be_drawn(world: World, asked: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        shelf(world, **asked)  # type: ignore[arg-type]


def test_scores_of_another_number_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"one a row \(8\), found 7"):
        Shelf(pd.DataFrame(), np.zeros((1, 8))).brings(np.zeros(7))
