"""Exercise 1.3: the label, and what three minutes are filled with when a model learns it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.course.exercise import Case, Exercise

if TYPE_CHECKING:
    import pandas as pd

    from mlsd_lab.datasets.world.truth import Truth

Numbers = NDArray[np.float64]
Codes = NDArray[np.int64]
_SEEDS = 0, 3  # of 64 tried, worlds that tell right from wrong: on average "finished" and seconds × share tie
_BAR = 0.955  # of the satisfied minutes that the solution reaches
_DRAWS, _MINUTES = 24, 3.0


class _Session(NamedTuple):
    """What a person does in three minutes, on average."""

    glad: float  # minutes
    clicks: float
    seconds: float  # that a video lasts


@dataclass(frozen=True, eq=False)
class _Feed:
    """A hidden world: its exposures to learn from, and candidates with what would truly come of each."""

    events: "pd.DataFrame"
    video: Codes  # of each exposure, as is the next: person and topic as one number
    liking: Codes
    candidates: Codes  # (people, candidates): videos; all below are of this shape
    likings: Codes
    seconds: Numbers  # that it lasts
    minutes: Numbers  # watched, on average
    glad: Numbers  # those of them that a person is glad of
    clicks: Numbers

    def session(self, labels: Numbers) -> _Session:
        """Train the fixed model on labels, let it order the candidates, and watch from the top."""
        labels = labels / labels.max()  # their scale changes no order, and sums stay finite
        of_video = _shrunk(self.video, labels, 20, self.candidates)
        of_liking = _shrunk(self.liking, labels, 5, self.likings) / labels.mean()
        order = np.argsort(-of_video * of_liking, axis=1, kind="stable")
        glad, clicks, seconds, minutes = (
            np.take_along_axis(of, order, 1) for of in (self.glad, self.clicks, self.seconds, self.minutes)
        )
        takes = minutes + 2 / 60  # to swipe on
        seen = np.clip((_MINUTES - (takes.cumsum(axis=1) - takes)) / takes, 0, 1)  # the last is cut short
        each = (glad * seen).sum() / len(seen), (clicks * seen).sum() / len(seen), (seconds * seen).sum() / seen.sum()
        return _Session(*map(float, each))

    @cached_property
    def better(self) -> _Session:
        """What the solution's label reaches here."""
        return self.session(np.asarray(EXERCISE.function(EXERCISE.solution)(self.events), float))


def _shrunk(codes: Codes, labels: Numbers, strength: float, at: Codes) -> Numbers:
    """Return the mean label of the codes `at`, as if each had `strength` more exposures with the mean of all."""
    last = int(max(codes.max(), at.max())) + 1
    total, count = np.bincount(codes, labels, last), np.bincount(codes, minlength=last)
    return ((total + strength * labels.mean()) / (count + strength))[at]


@lru_cache
def _feed(seed: int) -> _Feed:
    from mlsd_lab.datasets.world import WorldConfig, simulate

    world = simulate(WorldConfig(users=800, videos=300, events=40_000, days=14, seed=seed))
    log, people, rng = world.log.events, world.truth.people, np.random.default_rng(1)
    user, video = (log[name].cat.codes.to_numpy(np.int64) for name in ("user_id", "video_id"))
    known = np.flatnonzero(np.bincount(video) >= 20)
    persons = rng.choice(800, 400, replace=False)
    candidates = np.stack([rng.choice(known, 40, replace=False) for _ in persons])
    given = log.astype({"clicked": bool, "liked": bool}).assign(duration_seconds=people.duration[video])
    topics = int(people.topic.max()) + 1
    return _Feed(
        given[["clicked", "watch_seconds", "duration_seconds", "liked"]],
        video,
        user * topics + people.topic[video],
        candidates,
        persons[:, None] * topics + people.topic[candidates],
        people.duration[candidates],
        *_answers(world.truth, np.repeat(persons, 40), candidates),
    )


def _answers(truth: "Truth", users: Codes, candidates: Codes) -> Iterator[Numbers]:
    """Return of each candidate the minutes watched, those that the person is glad of, and the clicks, on average."""
    from mlsd_lab.datasets.world.answers import Answers

    videos, rng = candidates.ravel(), np.random.default_rng(2)
    chances = truth.chances(users, videos, np.zeros_like(users), np.full_like(users, 13))
    drawn = [Answers.draw(chances, truth.people.duration[videos], rng) for _ in range(_DRAWS)]
    minutes = np.mean([one.watch_seconds for one in drawn], axis=0) / 60
    glad = np.mean([one.watch_seconds * one.clicked for one in drawn], axis=0) / 60 * chances.satisfied
    return (of.reshape(candidates.shape) for of in (minutes, glad, chances.click))


def _cases() -> Iterator[Case]:
    events, rng = _feed(_SEEDS[0]).events, np.random.default_rng(13)
    for rows in np.linspace(50, 80, 100).astype(int):
        first = int(rng.integers(len(events) - rows))
        yield {"events": events.iloc[first : first + rows].reset_index(drop=True)}
    yield from ({"events": _feed(seed).events} for seed in _SEEDS)


def _judge(case: Case, returned: Any) -> str:
    labels = _labels(len(case["events"]), returned)
    if isinstance(labels, str):
        return labels
    feed = next((_feed(seed) for seed in _SEEDS if _feed(seed).events is case["events"]), None)
    if feed is None:
        return ""  # too few exposures to learn from
    if labels.min() == labels.max():
        return f"All rows got the same label, {labels[0]:g}: a model that learns it cannot tell one video from another."
    found, better = feed.session(labels), feed.better
    return "" if found.glad >= _BAR * better.glad else _sentence(feed.events, labels, found, better)


def _labels(rows: int, returned: Any) -> Numbers | str:
    """Return an answer as labels, or say why it is none."""
    try:
        numeric = np.asarray(returned).dtype.kind in "biuf"
        found = np.asarray(returned, float) if numeric else np.empty((0, 0))
    except (TypeError, ValueError, OverflowError):
        found = np.empty((0, 0))
    if returned is None or found.ndim != 1:
        kind = "nothing (is a return missing?)" if returned is None else type(returned).__name__
        return f"expected one number for each of the {rows:,} rows, in one dimension, found {kind}."
    if len(found) != rows:
        return f"{rows:,} rows and not {len(found):,}: what nobody clicked is an example too, keep every row."
    if (bad := ~np.isfinite(found)).any():
        return f"Row {bad.argmax()} got {found[bad][0]:g}: was it divided by 0, or is it the logarithm of 0?"
    if (found < 0).any():
        least = f"Row {found.argmin()} got {found.min():.3g}, below 0"
        return f"{least}: the model multiplies averages, and two minuses would make a plus. Let 0 be the worst."
    return found


def _sentence(events: "pd.DataFrame", labels: Numbers, found: _Session, better: _Session) -> str:
    minutes = f"{found.glad:.2f} of the three minutes are satisfied ones, {_BAR * better.glad:.2f} are asked for"
    lasted = f"the videos watched last {found.seconds:.0f} s on average, with a better label {better.seconds:.0f} s"
    if not labels[~events["liked"]].any():
        return f"A like is rare: {events['liked'].mean():.1%} of exposures have one; the model learns noise. {minutes}."
    if found.seconds <= 0.6 * better.seconds:
        return f"Short loops finish themselves: {lasted}. {minutes}."
    if found.seconds >= 1.5 * better.seconds:
        return f"Long videos won by length: {lasted}. {minutes}."
    if found.clicks >= 1.15 * better.clicks:
        (less, many), (more, fewer) = ([round(100 * value) for value in one[:2]] for one in (found, better))
        lost = f"You bought {many - fewer} clicks and lost {more - less} minutes for every hundred people"
        return f"{lost}, beside a better label. {minutes}."
    return f"Neither too long nor too short, and yet {minutes}: {lasted}. Does it see who watched to the end?"


def _shown(case: Case) -> str:
    events = case["events"]
    if len(events) > 80:
        return f"a hidden world: a model learns your labels of {len(events):,} exposures and orders 40 videos a person"
    row = "{:d} {:g} {:g} {:d}".format(*next(events.itertuples(index=False)))
    return f"{len(events)} rows (clicked watch duration liked): {row}, …"


EXERCISE = Exercise(
    key="1.3",
    title="Write the label",
    name="label",
    statement="""
A model gives people more of what its labels praise. Write `label(events)`: return one number, 0 or more, for each row
of `events`, in its order: what the model should learn to predict.

`events` is a DataFrame with one exposure a row; leave it as it is:

- `clicked`, `liked`: `True` or `False`;
- `watch_seconds`: how long it ran, a little even where nobody clicked, since videos start as people pass by;
- `duration_seconds`: how long the video is. Who watches it again goes on counting: `watch_seconds` over
  `duration_seconds` may exceed 1.

The rest is fixed. A model learns from many exposures: the mean label of each video, times how far above or below the
average the person's labels for its topic are, both drawn towards the average where there is little data. It orders
candidates for each of some hundred people, who have **three minutes** and watch from the top until the time is up.

You are judged by **truly satisfied minutes**: minutes watched after a click, times the chance that the person was glad
of them. No log holds that chance, so no column is the answer; the simulated world knows it. In each of two hidden
worlds your label must come close to what ours does; the feedback says how close.
""",
    starter="""
def label(events):
    return np.zeros(len(events))  # change this line
""",
    hint="Think of what each label would fill three minutes with, one column after the other. One loves the long, "
    "another the short: can they hold each other in check? `np.sqrt` and `clip(upper=1)` tame large numbers.",
    solution="""
def label(events):
    share = (events.watch_seconds / events.duration_seconds).clip(upper=1)
    return np.sqrt(events.watch_seconds) * share
""",
    another="""
def label(events):
    rows = zip(events["watch_seconds"], events["duration_seconds"])
    return [watched if watched > lasts / 2 else 0 for watched, lasts in rows]
""",
    wrong=(
        ("def label(e): return e.clicked", "clicks and lost"),
        ("def label(e): return e.watch_seconds", "Long videos won by length"),
        ("def label(e): return (e.watch_seconds / e.duration_seconds).clip(upper=1)", "finish themselves"),
        ("def label(e): return e.liked.astype(float)", "A like is rare"),
        ("def label(e): return np.log1p(e.watch_seconds)", "Neither too long"),
        ("def label(e): return e.watch_seconds * e.liked / e.clicked", "divided by 0"),
        ("def label(e): return np.where(e.clicked, 1, -1)", "two minuses"),
        ("def label(e): return e.watch_seconds[e.clicked]", "keep every row"),
        ("def label(e): return np.ones(len(e))", "the same label"),
        ("def label(e):\n    e['share'] = e.watch_seconds / e.duration_seconds\n    return e.share", "You changed the"),
    ),
    thought="The world told you what people were glad of. Whom do you ask where no log says it, and how often?",
    cases=_cases,
    judge=_judge,
    shown=_shown,
    patience=4,
)
