from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsd_lab.datasets import Log
from mlsd_lab.datasets.world import Drift, WorldConfig, simulate
from mlsd_lab.errors import ConfigError
from mlsd_lab.framing.tasks import TASKS, Contest, contest, outcomes


def watches(*pairs: tuple[float, float]) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["watch_seconds", "duration_seconds"])


def test_each_task_labels_the_same_watches_in_its_own_way() -> None:
    seen = watches((0, 60), (29.9, 60), (30, 60), (54, 60), (90, 60), (9, 100), (11, 100), (89, 100))
    half, parts, seconds = (task.label(seen).tolist() for task in TASKS)
    assert half == [0, 0, 1, 1, 1, 0, 0, 1]
    assert parts == [0, 1, 1, 2, 2, 0, 1, 1]
    assert seconds == [0, 29.9, 30, 54, 90, 9, 11, 89]


def test_a_video_without_a_length_was_not_half_watched() -> None:
    assert [task.label(watches((5, 0))).tolist() for task in TASKS] == [[0], [0], [5.0]]


def test_what_a_model_answers_becomes_one_score_a_row() -> None:
    half, parts, seconds = TASKS
    assert half.score(np.array([[0.8, 0.2], [0.1, 0.9]])).tolist() == [0.2, 0.9]
    assert parts.score(np.array([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]])).tolist() == [0, 2, 1]
    assert seconds.score(np.array([3, 4])).tolist() == [3.0, 4.0]


def test_outcomes_are_in_minutes_and_shares_and_satisfaction_needs_the_truth() -> None:
    world = simulate(WorldConfig(users=50, videos=100, events=500, days=3))
    events, videos = world.log.events, world.log.videos
    plain, known = outcomes(events, videos), outcomes(events, videos, world.truth)
    duration = events.merge(videos, on="video_id", how="left")["duration_seconds"].to_numpy()
    assert list(plain) == ["watch_minutes", "completion"]
    assert np.allclose(plain.watch_minutes * 60, events.watch_seconds)
    assert np.allclose(plain.completion, np.minimum(events.watch_seconds / duration, 1))
    assert np.array_equal(known.satisfied_minutes, world.truth.satisfied_minutes(events))
    assert (known.satisfied_minutes <= known.watch_minutes + 1e-12).all()


def test_outcomes_undo_no_unit_bug_that_a_log_cannot_show() -> None:
    size: dict[str, Any] = {"users": 50, "videos": 100, "events": 500, "days": 3}
    quiet, broken = (simulate(WorldConfig(**size, drift=drift)) for drift in (Drift(), Drift(unit_bug=1)))
    minutes = [outcomes(w.log.events, w.log.videos, w.truth).sum() for w in (quiet, broken)]
    assert minutes[1].watch_minutes > 10 * minutes[0].watch_minutes
    assert minutes[1].satisfied_minutes == pytest.approx(minutes[0].satisfied_minutes)


rows = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=40)


@given(rows, st.integers(1, 7))
def test_slates_bring_what_a_plain_loop_says(found: list[tuple[int, int, int]], slots: int) -> None:
    users, score, worth = (np.array(column) for column in zip(*found, strict=True))
    offers, brings = pd.DataFrame({"score": score}), pd.DataFrame({"worth": worth})
    held = contest({"model": lambda rows: rows.score}, offers, brings, users, slots)
    expected = {}
    for user in sorted(set(users.tolist())):
        mine = [(-s, at) for at, (who, s, _) in enumerate(found) if who == user]
        expected[user] = sum(found[at][2] for _, at in sorted(mine)[:slots])
    assert held.brought["model"].worth.to_dict() == expected


def test_a_constructed_contest_has_another_winner_by_each_measure() -> None:
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(60), 10)
    length = rng.uniform(1, 100, 600)
    offers = pd.DataFrame({"length": length})
    brings = pd.DataFrame({"minutes": length, "completion": 100 - length})
    held = contest({"long": lambda rows: rows.length, "short": lambda rows: -rows.length}, offers, brings, users, 3)
    assert held.measures == ["minutes", "completion"]
    assert held.ranking("minutes") == ["long", "short"]
    assert held.ranking("completion") == ["short", "long"]
    assert held.lift("long", "short", "minutes").low > 0
    assert held.lift("short", "long", "minutes").value == -held.lift("long", "short", "minutes").value
    assert [text.split(" brings ")[0] for text in held.verdicts()] == ["minutes: long", "completion: short"]
    assert "more than short (95 % interval +" in held.verdicts()[0]
    frame = held.to_frame()
    assert (frame.low <= frame.value).all()
    assert (frame.value <= frame.high).all()


NAMES = ["minutes", "completion"]


def three_framings() -> Contest:
    """Of 40 people: "long" brings the most minutes, "short" the most completion, "between" is best at neither."""
    rng = np.random.default_rng(1)
    means = {"long": (30, 2), "short": (10, 5), "between": (20, 4)}
    return Contest({name: pd.DataFrame(rng.normal(at, 1, (40, 2)), columns=NAMES) for name, at in means.items()})


def test_a_value_is_the_mean_over_people_inside_its_interval() -> None:
    held = three_framings()
    rows = held.to_frame().set_index(["framing", "measure"])
    assert list(rows.index) == [(framing, measure) for framing in held.brought for measure in NAMES]
    for (framing, measure), row in rows.iterrows():
        mean, found = held.brought[framing][measure].mean(), held.value(framing, measure)
        assert found.value == pytest.approx(mean) == row.value
        assert found.low < found.value < found.high
        assert (row.low, row.high) == (found.low, found.high)


def test_equal_framings_cannot_be_told_apart() -> None:
    users, offers = np.repeat(np.arange(30), 4), pd.DataFrame({"x": np.arange(120.0)})
    held = contest({"one": lambda r: r.x, "two": lambda r: 2 * r.x}, offers, offers, users, 2)
    assert "one and two cannot be told apart" in held.verdicts()[0]
    assert not held.lift("one", "two", "x").excludes_zero


def test_the_plot_has_a_place_for_each_measure_and_a_name_for_each_framing() -> None:
    users, offers = np.repeat(np.arange(30), 4), pd.DataFrame({"x": np.arange(120.0), "a_b": 1.0})
    axes = contest({"one": lambda r: r.x, "two": lambda r: -r.x}, offers, offers, users, 2).plot()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["x", "a b"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["one", "two"]


def test_the_plot_draws_shares_of_the_best_with_an_interval_around_all_but_the_best() -> None:
    held = three_framings()
    means = {name: brought.mean().to_numpy() for name, brought in held.brought.items()}
    shares = {name: mean / np.max(list(means.values()), axis=0) for name, mean in means.items()}
    drawn = {bars.get_label(): bars.lines for bars in held.plot().containers}
    assert list(drawn) == list(shares)
    for name, (points, _, (bars,)) in drawn.items():
        assert np.round(points.get_xdata()).tolist() == [0, 1]
        assert points.get_ydata() == pytest.approx(shares[name])
        for share, bar in zip(shares[name], bars.get_segments(), strict=True):
            low, high = bar[:, 1]
            if share == 1:
                assert (low, high) == pytest.approx((1, 1), abs=1e-9)
            else:
                assert low < share - 1e-3 < share + 1e-3 < high


@pytest.mark.parametrize("score", [np.ones(2), np.array([1, np.nan, 1]), np.ones((3, 2)), 1.0])
def test_a_framing_must_give_a_finite_score_a_row(score: Any) -> None:
    offers = pd.DataFrame({"x": np.arange(3.0)})
    with pytest.raises(ConfigError, match="bad: expected a finite score for each of 3 offers"):
        contest({"bad": lambda _: score}, offers, offers, np.zeros(3))


def test_lengths_that_differ_are_refused() -> None:
    offers = pd.DataFrame({"x": np.arange(3.0)})
    for users, slots, framings in ((np.zeros(2), 6, 1), (np.zeros(3), 0, 1), (np.zeros(3), 6, 0)):
        with pytest.raises(ConfigError, match="as many offers, outcomes and users"):
            contest({"one": lambda r: r.x} if framings else {}, offers, offers, users, slots)


def test_any_log_can_be_judged_by_what_it_shows() -> None:
    time = pd.to_datetime(["2026-01-01"] * 4, utc=True)
    events = pd.DataFrame({"user_id": "ann", "video_id": list("abcd"), "occurred_at": time, "watch_seconds": 30.0})
    log = Log.from_frames(
        events, videos=pd.DataFrame({"video_id": list("abcd"), "duration_seconds": [10.0, 30, 60, 0]})
    )
    assert outcomes(log.events, log.videos).completion.tolist() == [1, 1, 0.5, 0]
