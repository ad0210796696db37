"""A world: a log as a real feed writes it, the truth behind it, and people who answer what we show them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlsd_lab.datasets.datasheet import Datasheet
from mlsd_lab.datasets.log import Log
from mlsd_lab.datasets.world.config import WorldConfig
from mlsd_lab.datasets.world.exposures import Exposures
from mlsd_lab.datasets.world.policy import Policy
from mlsd_lab.datasets.world.population import APPS, REGIONS, Population
from mlsd_lab.datasets.world.sessions import SURFACES, Sessions
from mlsd_lab.datasets.world.topics import TOPICS, titles
from mlsd_lab.datasets.world.truth import Truth
from mlsd_lab.errors import ConfigError

Columns = dict[str, NDArray[Any]]
START = pd.Timestamp("2026-01-05", tz="UTC")
SHEET = Datasheet(
    name="world",
    title="A simulated video feed, whose truth is known",
    licence="made by this package; yours to use",
    origin="mlsd_lab.datasets.world",
    relevance="long_view",
)


@dataclass(frozen=True, repr=False)
class World:
    """A simulated feed: the `log` that everybody may read, the `truth` that nobody has, and people who `respond`.

    >>> world = simulate(WorldConfig(users=50, videos=100, events=500, days=3))
    >>> world.log
    Log 'world': 500 events, 50 users, 100 videos, 2026-01-05 to 2026-01-07 (UTC), relevant: long_view is true
    """

    config: WorldConfig
    log: Log
    truth: Truth

    def respond(
        self, users: NDArray[np.integer], slates: NDArray[np.integer], at: pd.DatetimeIndex, seed: int
    ) -> pd.DataFrame:
        """Return how people answer slates that a recommender made, as events in the log's columns and stream order.

        `users` (n,) are user codes; `slates` (n, k) are video codes, best first, filled up at the end with -1; `at`
        (n,) are the moments, UTC, at which the slates open. A video is watched after those before it in its slate.
        `event_id` and `request_id` go on from the log's; `surface` and `propensity` are missing: only the recommender
        knows them. Raises `ConfigError` for codes that do not exist or lengths that differ.

        >>> world = simulate(WorldConfig(users=50, videos=100, events=500, days=3))
        >>> at = pd.DatetimeIndex(["2026-01-07 12:00"], tz="UTC")
        >>> events = world.respond(np.array([7]), np.array([[5, 9, -1]]), at, seed=1)
        >>> events[["event_id", "user_id", "video_id", "position"]].to_numpy().tolist()
        [[500, 'u07', 'v05', 0], [501, 'u07', 'v09', 1]]
        """
        users, slates, at = np.asarray(users), np.atleast_2d(slates), pd.DatetimeIndex(at)
        if at.tz is None:
            raise ConfigError("at: expected times with a time zone, found none; give them theirs with tz_localize")
        if seed < 0:
            raise ConfigError(f"seed: expected 0 or more, found {seed}")
        if not len(users) == len(slates) == len(at):
            raise ConfigError(f"expected a slate and a time a user, found {len(slates)} and {len(at)} for {len(users)}")
        _refuse_unknown(users, len(self.log.users), "users", least=0)
        _refuse_unknown(slates, len(self.log.videos), "slates", least=-1)
        row, position = np.nonzero(slates >= 0)
        began = (at.as_unit("us") - START) / np.timedelta64(1, "s")
        shown = Exposures(
            users[row].astype(np.int32),
            slates[row, position].astype(np.int32),
            position,
            row,
            began.to_numpy()[row],
            np.full(len(row), np.nan),
        )
        columns = shown.answered(self.truth, np.random.default_rng(seed), same_day=False)
        columns["request_id"] = row + int(self.log.events["request_id"].max()) + 1
        events = _frame(columns, self.log.users, self.log.videos, first_id=len(self.log.events))
        return events.assign(watch_seconds=_reported(events, self.truth))

    def offers(self, people: int, each: int, at: pd.Timestamp, seed: int) -> pd.DataFrame:
        """Return how random people answer random videos, each shown alone on top: rows of one person stand together.

        Drawn from those who had signed up and what was uploaded before `at`; a video may come twice.

        >>> world = simulate(WorldConfig(users=50, videos=100, events=500, days=3))
        >>> len(world.offers(people=5, each=4, at=pd.Timestamp("2026-01-06", tz="UTC"), seed=0))
        20
        """
        rng = np.random.default_rng(seed)
        users, videos = self.log.users["signed_up_at"] < at, self.log.videos["uploaded_at"] < at
        if not 1 <= people <= users.sum() or each < 1 or not videos.any():
            raise ConfigError(f"expected 1 to {users.sum()} people and 1 video or more each, found {people} and {each}")
        who = np.repeat(rng.permutation(np.flatnonzero(users))[:people], each)
        shown = rng.choice(np.flatnonzero(videos), len(who))
        answered = self.respond(who, shown[:, None], pd.DatetimeIndex([at] * len(who)), seed)
        return answered.sort_values("request_id")

    def __repr__(self) -> str:
        return f"World of seed {self.config.seed}: {self.log!r}"


def simulate(config: WorldConfig) -> World:
    """Simulate a feed: the same settings give the same world, whatever the number of cores.

    >>> twice = [simulate(WorldConfig(users=50, videos=100, events=500, days=3)).log.events for _ in range(2)]
    >>> twice[0].equals(twice[1])
    True
    """
    for_people, for_sessions, for_titles, for_days = np.random.SeedSequence(config.seed).spawn(4)
    people = Population.draw(config, np.random.default_rng(for_people))
    truth = Truth(people, config.drift, START)
    sessions = Sessions.draw(config, people, np.random.default_rng(for_sessions))
    users, videos = _users(people), _videos(people, np.random.default_rng(for_titles))
    policy = Policy(people, config.drift)
    days = [
        _one_day(sessions.of_day(day), policy, truth, day, np.random.default_rng(seed))
        for day, seed in enumerate(for_days.spawn(config.days))
    ]
    events = _frame(_joined(days), users, videos)
    log = Log(events.assign(watch_seconds=_reported(events, truth)), videos, users, SHEET)
    return World(config, log, truth)


def _one_day(sessions: Sessions, policy: Policy, truth: Truth, day: int, rng: np.random.Generator) -> Columns:
    session, length = sessions.slates()
    user, surface = sessions.user[session], sessions.surface[session]
    video, propensity = policy.on_day(day).draw(user, length, surface, rng)
    slate, position = np.nonzero(video >= 0)
    shown = Exposures(
        user[slate],
        video[slate, position],
        position,
        session[slate],
        sessions.second[session[slate]],
        propensity[slate, position],
    )
    columns = shown.answered(truth, rng, same_day=True)
    return columns | {"surface": surface[slate], "request_id": slate}


def _joined(days: list[Columns]) -> Columns:
    """Join the days' columns, and let go of each as soon as it is joined; requests are numbered on."""
    slates = np.cumsum([0] + [int(day["request_id"].max(initial=-1)) + 1 for day in days])
    for day, before in zip(days, slates.tolist(), strict=False):
        day["request_id"] = day["request_id"] + before
    return {name: np.concatenate([day.pop(name) for day in days]) for name in list(days[0])}


def _frame(columns: Columns, users: pd.DataFrame, videos: pd.DataFrame, first_id: int = 0) -> pd.DataFrame:
    """Make events in stream order from arrays; `columns` is emptied on the way, since worlds can be large."""
    order = np.argsort(columns["known_at"], kind="stable")

    def take(name: str) -> NDArray[Any]:
        return columns.pop(name)[order]

    events: dict[str, object] = {"event_id": np.arange(first_id, first_id + len(order))}
    for name, table in (("user_id", users), ("video_id", videos)):
        events[name] = pd.Categorical.from_codes(take(name), dtype=table[name].dtype)
    start = np.datetime64(START.tz_localize(None), "us")
    for name in ("occurred_at", "known_at"):
        events[name] = pd.DatetimeIndex(start + take(name).astype("timedelta64[us]")).tz_localize("UTC")
    events["request_id"] = take("request_id")
    codes = take("surface") if "surface" in columns else np.full(len(order), -1, np.int8)
    events["surface"] = pd.Categorical.from_codes(codes, SURFACES)
    events["position"] = pd.array(take("position"), dtype="Int32")
    for name in ("clicked", "long_view", "liked"):
        events[name] = pd.array(take(name), dtype="boolean")
    events |= {name: take(name) for name in ("watch_seconds", "propensity")}
    return pd.DataFrame(events, copy=False)


def _reported(events: pd.DataFrame, truth: Truth) -> pd.Series:
    """Return the seconds watched as the apps report them, right or wrong."""
    return events["watch_seconds"] * np.where(truth.in_milliseconds(events), 1000.0, 1.0)


def _users(people: Population) -> pd.DataFrame:
    signed_up = START + pd.to_timedelta(people.signed_up_day, unit="D")
    return pd.DataFrame(
        {
            "user_id": _ids("u", len(people.activity)),
            "signed_up_at": pd.DatetimeIndex(signed_up).as_unit("us"),
            "app": pd.Categorical.from_codes(people.app, APPS),
            "region": pd.Categorical.from_codes(people.region, REGIONS),
        }
    )


def _videos(people: Population, rng: np.random.Generator) -> pd.DataFrame:
    uploaded = START + pd.to_timedelta(np.rint(people.uploaded_day * 86_400), unit="s")
    creators = int(people.creator.max()) + 1
    return pd.DataFrame(
        {
            "video_id": _ids("v", len(people.topic)),
            "title": titles(people.topic, people.bait, rng),
            "creator_id": pd.Categorical.from_codes(people.creator, _ids("c", creators)),
            "topic": pd.Categorical.from_codes(people.topic, list(TOPICS)),
            "duration_seconds": people.duration,
            "uploaded_at": pd.DatetimeIndex(uploaded).as_unit("us"),
        }
    )


def _ids(letter: str, count: int) -> pd.Categorical:
    """Return ids that sort as their numbers do, so that code and row number are one."""
    width = len(str(count - 1))
    return pd.Categorical.from_codes(
        np.arange(count), [f"{letter}{number:0{width}d}" for number in range(count)], validate=False
    )


def _refuse_unknown(codes: NDArray[np.integer], count: int, name: str, least: int) -> None:
    if codes.size and codes.dtype.kind not in "iu":
        raise ConfigError(f"{name}: expected codes, which are row numbers, found {codes.dtype}")
    if codes.size and not (least <= codes.min() and codes.max() < count):
        raise ConfigError(f"{name}: expected codes from {least} to {count - 1}, found {codes.min()} to {codes.max()}")
