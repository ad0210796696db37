import numpy as np
import pytest

from mlsd_lab.datasets.world import Drift, WorldConfig
from mlsd_lab.datasets.world.config import SLOTS
from mlsd_lab.datasets.world.population import Population
from mlsd_lab.datasets.world.sessions import Sessions


def drawn(config: WorldConfig) -> tuple[Sessions, Population]:
    people = Population.draw(config, np.random.default_rng(0))
    return Sessions.draw(config, people, np.random.default_rng(1)), people


@pytest.mark.parametrize("events", [100, 101, 5_000, 40_000])
def test_the_sessions_have_exactly_the_exposures_asked_for(events: int) -> None:
    sessions, _ = drawn(WorldConfig(users=10, events=events))
    assert sessions.length.sum() == events
    assert sessions.length.min() >= 1
    assert sessions.length.max() <= 60


def test_nobody_comes_before_the_sign_up() -> None:
    sessions, people = drawn(WorldConfig(users=2_000, events=50_000, drift=Drift(new_cohort=14)))
    assert (sessions.day >= people.signed_up_day[sessions.user]).all()
    assert (people.signed_up_day[sessions.user] >= 14).any()


def test_weekends_are_busier_where_there_are_seasons() -> None:
    for seasonality, ratio in ((0.0, 1.0), (1.0, 1.30)):
        config = WorldConfig(users=2_000, events=200_000, drift=Drift(seasonality=seasonality))
        sessions, _ = drawn(config)
        a_day = np.bincount(sessions.day, sessions.length, minlength=28).reshape(4, 7).mean(axis=0)
        assert a_day[5:].mean() / a_day[:4].mean() == pytest.approx(ratio, rel=0.06)


def test_slates_cut_each_session_without_rest() -> None:
    sessions, _ = drawn(WorldConfig(users=50, events=5_000))
    session, length = sessions.slates()
    assert (np.bincount(session, length) == sessions.length).all()
    assert set(length.tolist()) == set(range(1, SLOTS + 1))
    assert (length[:-1][session[:-1] == session[1:]] == SLOTS).all()  # only the last of a session is short


def test_a_day_has_its_own_sessions_and_no_other() -> None:
    sessions, _ = drawn(WorldConfig(users=50, events=5_000))
    assert sum(len(sessions.of_day(day).user) for day in range(28)) == len(sessions.user)
    assert set(sessions.of_day(3).day.tolist()) == {3}
