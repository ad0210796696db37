"""The main job: load → ingest → split → retrieve → judge → show. The areas in order, and nothing else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from mlsd_lab.datasets import Log, load
from mlsd_lab.datasets.world import WorldConfig
from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.evaluation import Candidates, Split, make_split
from mlsd_lab.evaluation.scoreboard import Scoreboard
from mlsd_lab.features import MemoryStore, Skew, Timeline, audit
from mlsd_lab.features.feed import FEED
from mlsd_lab.ingestion.through_lake import through_lake
from mlsd_lab.machine import machine, versions
from mlsd_lab.ranking import SecondStage, learn_second_stage
from mlsd_lab.retrieval import ALS, FirstStage
from mlsd_lab.retrieval.first_stage import LARGE, NEWEST, Tell
from mlsd_lab.serving import Bundle, Played, Recommender, first_requests, play
from mlsd_lab.showcase import showcase

_SCORES = 2 * 10**9  # of exact search, half a minute
OnProgress = Callable[[str, float], None]


@dataclass(frozen=True)
class RunConfig:
    """What one run of the main job works on.

    >>> RunConfig(data="kuairand", seed=7).k
    100
    """

    data: str = "movielens"
    """Name of the data set."""
    path: Path | None = None
    """Folder of the data set, where it has one."""
    timezone: str | None = None
    """IANA zone of a csv log's days."""
    world: WorldConfig | None = None
    """Size, seed and drift of the simulated world, for `world` alone."""
    seed: int = 0
    """Of everything random but the world; one seed, one report."""
    k: int = 100
    """Candidates a user."""
    half_life_days: float = 7.0
    """Of `popular_lately`: after so many days an event counts half."""
    annoy_trees: int = 20
    """More trees: more memory, and more nodes that a query needs to look at for them to find more."""
    annoy_search_k: int = 40_000
    """Nodes Annoy looks at a query; more is slower and better."""
    judged: int = 4_000
    """Users whose lists are judged in the first stage: all who can be, or a random sample of so many, fewer where
    exact search would have more than 2 × 10⁹ scores to compute."""
    rounds: int = 1000
    """Bootstrap rounds of each interval of the first stage."""
    ranking_rounds: int = 300
    """The same of the second, where each round reads every candidate."""
    people: int = 3
    """How many real users are shown with their recommendations."""
    ranker_last: int = 4
    """The ranker learns from so many last days, or held-out events a user, of the training half."""
    requests: int = 300
    """Answered in process, from the artifacts as written and read again."""
    keep_lake: Path | None = None
    """A free folder for the lake that the events pass through, so that the served log can be audited from it."""
    absorb_batch: int = 500
    """Events that the online store takes in at once; until then they are known and not absorbed: stale."""


@dataclass(frozen=True)
class Run:
    """What a run found: report (JSON-ready), scoreboard behind its plots, models that served, and what they served.

    >>> Run({"data": {"name": "mine"}}, scoreboard=None, bundle=None).report["data"]["name"]
    'mine'
    """

    report: dict[str, Any]
    scoreboard: Scoreboard | None
    bundle: Bundle | None
    served: pd.DataFrame | None = None


@dataclass
class _Stages:
    on_progress: OnProgress
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str, share: float) -> Iterator[Tell]:
        self.on_progress(name, share)
        began = perf_counter()
        yield lambda said: self.on_progress(f"{name}: {said}", share)
        self.seconds[name] = round(perf_counter() - began, 4)


def run(config: RunConfig, on_progress: OnProgress = lambda _stage, _share: None) -> Run:
    """Do the main job and return what it found; nothing is written. `on_progress` hears (stage, share done).

    Raises `MlsdLabError` for a data set that is unknown, missing or not as its schema says.

    >>> run(RunConfig(data="netflix"))
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: expected a data set of movielens, kuairand, world, csv; found 'netflix'
    """
    least = dict.fromkeys(("k", "judged", "rounds", "ranking_rounds", "ranker_last", "requests"), 1)
    least |= {"people": 0, "seed": 0}
    for name, lowest in least.items():
        if not lowest <= getattr(config, name) < 2**31 - 1:
            raise ConfigError(f"{name}: expected {lowest} to 2147483646, found {getattr(config, name)}")
    stage = _Stages(on_progress)
    began = perf_counter()
    with threadpool_limits(1, user_api="blas"):  # sums in one order, whatever the number of cores
        with stage("load", 0.0):
            log = load(config.data, config.path, config.timezone, config.world)
        with stage("ingest", 0.03) as tell:
            log, ingested = through_lake(log, config.seed, tell, config.keep_lake)
        with stage("split", 0.08):
            split = make_split(log, log.datasheet.split)
        retrieval, first, board, slates = _first_stage(config, split, stage)
        with stage("features", 0.6):
            timeline = Timeline(FEED, log)
        bundle, served = None, None
        try:
            learned, bundle = _learned(config, split, first, timeline, stage)
        except DataError as error:
            second = dict.fromkeys(("ranking", "serving", "skew", "artifacts")) | {"reason": f"no ranker: {error}"}
        else:
            del first  # from here on its models are asked as they were read again
            played, skew = _served(config, log, split, bundle, timeline, stage)
            slates, served = played.slates(log), played.served
            second = {"ranking": learned.summary(log.datasheet.rule), "serving": played.summary()}
            second |= {"skew": skew.summary(), "artifacts": {"content_sha256": bundle.content_sha256}}
        with stage("show", 0.99):
            people = showcase(split, *slates, config.people, config.seed)
    stage.seconds["total"] = round(perf_counter() - began, 4)
    report = {
        "data": log.summary(),
        "ingest": ingested,
        "split": split.summary(),
        "retrieval": retrieval,
        **second,
        "recommendations": people,
        "seed": config.seed,
        "timings": {f"{name.replace(' ', '_')}_seconds": value for name, value in stage.seconds.items()},
        "machine": machine(),
        "versions": versions(),
    }
    on_progress("done", 1.0)
    return Run(report, board, bundle, served)


def _first_stage(
    config: RunConfig, split: Split, stage: _Stages
) -> tuple[dict[str, Any], FirstStage, Scoreboard | None, tuple[NDArray[np.int64], Candidates]]:
    """Retrieve → judge; the last is who was judged, and what Annoy found for them."""
    seen, relevant = split.train.matrix(), split.relevant()
    users = _judged(relevant, config)
    settings = (config.half_life_days, config.annoy_trees, config.annoy_search_k, config.seed)
    first = FirstStage.fit(split.train, stage, *settings)
    found, _ = first.retrieve(users, config.k, seen, stage)
    with stage("judge", 0.54):
        judged = (found, relevant[users], np.asarray(seen.sum(axis=0)).ravel(), config.rounds, config.seed)
        board = Scoreboard.judge(*judged) if len(users) else None
    about = _about_retrieval(config, split, first, board, len(users), int((np.diff(relevant.indptr) > 0).sum()))
    return about, replace(first, others={}), board, (users, found["als_annoy"])  # the others are not asked again


def _learned(
    config: RunConfig, split: Split, first: FirstStage, timeline: Timeline, stage: _Stages
) -> tuple[SecondStage, Bundle]:
    """Rank → artifacts; raises `DataError` where the log is too small."""
    settings = config.k, config.ranker_last, config.seed, config.ranking_rounds
    with stage("rank", 0.65):
        learned = learn_second_stage(split, first.als, timeline, *settings)
    with stage("artifacts", 0.85), TemporaryDirectory() as folder:
        fitted = Bundle.of(split.train, first.als, first.popular, learned.ranker, FEED, first.index)
        fitted.save(Path(folder, "bundle"))
        return learned, Bundle.load(Path(folder, "bundle"), FEED)


def _served(
    config: RunConfig, log: Log, split: Split, bundle: Bundle, timeline: Timeline, stage: _Stages
) -> tuple[Played, Skew]:
    """Serve → audit."""
    with stage("serve", 0.88) as tell:
        requests = first_requests(split.test, config.requests, config.seed)
        recommender = Recommender(bundle, MemoryStore(FEED, log.videos), config.k, shown=min(10, config.k))
        played = play(recommender, timeline, log, requests, config.absorb_batch, tell)
    with stage("audit", 0.98):
        return played, audit(timeline, played.served)


def _judged(relevant: csr_matrix, config: RunConfig) -> NDArray[np.int64]:
    """Return the users with something relevant in the test, or a sample of them, in the order of their codes."""
    users = np.flatnonzero(np.diff(relevant.indptr))
    most = min(config.judged, max(1, _SCORES // relevant.shape[1]))
    return np.sort(np.random.default_rng(config.seed).permutation(users)[:most])


def _about_retrieval(
    config: RunConfig, split: Split, first: FirstStage, board: Scoreboard | None, judged: int, could_be: int
) -> dict[str, Any]:
    videos, events, samples = len(split.train.videos), len(split.train.events), list[str]()
    about: dict[str, Any] = {"k": config.k, "judged_users": judged, "catalogue": videos}
    if judged < could_be:
        samples.append(f"{judged:,} of the {could_be:,} people with something relevant in the test are judged")
    if events > LARGE:
        samples.append(f"of {events:,} events ALS learned in {first.als.iterations} iterations, not {ALS().iterations}")
    if events > NEWEST:
        samples.append(f"item-kNN learned likeness from the newest {NEWEST:,}")
    if samples:
        about["sample"] = "; ".join(samples)
    if videos <= config.k:
        about["note"] = f"{config.k} candidates are all of the {videos} videos there are: recall says nothing"
    if board is None:
        reason = "no user has a relevant event in the test that training did not show already"
        return about | {"recall": None, "interval": None, "reason": reason}
    return about | board.summary()
