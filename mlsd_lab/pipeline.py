"""The main job: load → split → retrieve → judge → show. The areas in order, and nothing else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from mlsd_lab.datasets import Log, load
from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import Candidates, Popular, Split, make_split
from mlsd_lab.evaluation.scoreboard import Scoreboard
from mlsd_lab.machine import machine, versions
from mlsd_lab.retrieval import ALS, AnnoyIndex, Backfill, Retriever

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

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
    seed: int = 0
    """Of everything random; one seed, one report."""
    k: int = 100
    """Candidates a user."""
    half_life_days: float = 7.0
    """Of `popular_lately`: after so many days an event counts half."""
    annoy_trees: int = 50
    """More trees: more memory, better recall."""
    annoy_search_k: int = 40_000
    """Nodes Annoy looks at a query; more is slower and better."""
    rounds: int = 1000
    """Bootstrap rounds of each interval."""
    people: int = 3
    """How many real users are shown with their recommendations."""


@dataclass(frozen=True)
class Run:
    """What a run found: the report (JSON-ready), and the scoreboard behind its plots.

    >>> Run({"data": {"name": "mine"}}, scoreboard=None).report["data"]["name"]
    'mine'
    """

    report: dict[str, Any]
    scoreboard: Scoreboard | None


@dataclass
class _Stages:
    """Times the stages and tells whoever listens which one runs."""

    on_progress: OnProgress
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str, share: float) -> Iterator[None]:
        self.on_progress(name, share)
        began = perf_counter()
        yield
        self.seconds[name] = round(perf_counter() - began, 4)


def run(config: RunConfig, on_progress: OnProgress = lambda _stage, _share: None) -> Run:
    """Do the main job and return what it found; nothing is written. `on_progress` hears (stage, share done).

    Raises `MlsdLabError` for a data set that is unknown, missing or not as its schema says.

    >>> run(RunConfig(data="netflix"))
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: expected a data set of movielens, kuairand, csv; found 'netflix'
    """
    if config.k < 1 or config.people < 0 or config.seed < 0:
        raise ConfigError(
            f"expected k ≥ 1, people ≥ 0 and seed ≥ 0, found {config.k}, {config.people} and {config.seed}"
        )
    stage = _Stages(on_progress)
    began = perf_counter()
    with threadpool_limits(1, user_api="blas"):  # sums in one order, whatever the number of cores
        with stage("load", 0.0):
            log = load(config.data, config.path, config.timezone)
        with stage("split", 0.15):
            split = make_split(log, log.datasheet.split)
            seen, relevant = split.train.matrix(), _unseen_relevant(split)
            users = np.flatnonzero(np.diff(relevant.indptr))
        retrievers = _fitted(config, split, stage)
        found = {}
        for at, (name, retriever) in enumerate(retrievers.items()):
            with stage(f"retrieve {name}", 0.6 + 0.08 * at):
                found[name] = retriever.retrieve(users, config.k, seen)
        with stage("judge", 0.9):
            popularity = np.asarray(seen.sum(axis=0)).ravel()
            board = (
                Scoreboard.judge(found, relevant[users], popularity, config.rounds, config.seed) if len(users) else None
            )
        with stage("show", 0.98):
            people = _people(log, split, users, found["als_annoy"], config)
    stage.seconds["total"] = round(perf_counter() - began, 4)
    report = {
        "data": log.summary(),
        "split": {
            "kind": split.kind,
            "train_events": len(split.train.events),
            "test_events": len(split.test.events),
            "left_out": split.left_out,
        },
        "retrieval": _about_retrieval(config, log, board, len(users)),
        "recommendations": people,
        "seed": config.seed,
        "timings": {f"{name.replace(' ', '_')}_seconds": value for name, value in stage.seconds.items()},
        "machine": machine(),
        "versions": versions(),
    }
    on_progress("done", 1.0)
    return Run(report, board)


def _unseen_relevant(split: Split) -> "csr_matrix":
    """Relevant test videos a user, without those seen in training, which the seen-filter never returns."""
    from scipy.sparse import csr_matrix

    test = split.test.with_events(split.test.events[split.test.relevant.to_numpy()]).matrix() > 0
    unseen = csr_matrix(test > test.multiply(split.train.matrix() > 0))
    unseen.eliminate_zeros()
    return unseen


def _fitted(config: RunConfig, split: Split, stage: _Stages) -> dict[str, Retriever]:
    with stage("fit popular", 0.2):
        popular = Popular().fit(split.train)
        lately = Popular(config.half_life_days).fit(split.train)
    with stage("fit als", 0.22):
        als = ALS(seed=config.seed).fit(split.train)
    with stage("build annoy", 0.55):
        index = AnnoyIndex.build(als.video_factors_, "dot", config.annoy_trees, config.annoy_search_k, config.seed)
    return {
        "popular": popular,
        "popular_lately": lately,
        "als_exact": Backfill(als, popular),
        "als_annoy": Backfill(als.searched_by(index), popular),
    }


def _about_retrieval(config: RunConfig, log: Log, board: Scoreboard | None, judged: int) -> dict[str, Any]:
    about: dict[str, Any] = {"k": config.k, "judged_users": judged, "catalogue": len(log.videos)}
    if len(log.videos) <= config.k:
        about["note"] = (
            f"the catalogue has {len(log.videos)} videos, so {config.k} candidates are all of it: recall says nothing"
        )
    if board is None:
        reason = "no user has a relevant event in the test that training did not show already"
        return {**about, "recall": None, "interval": None, "reason": reason}
    recall = {name: board.metrics[name]["recall"] for name in board.systems}
    return {
        **about,
        "recall": {name: round(value.value, 6) for name, value in recall.items()},
        "interval": {name: [round(value.low, 6), round(value.high, 6)] for name, value in recall.items()},
        "paired": board.paired_json(),
        "verdict": board.verdicts(),
        "metrics": board.metrics_json(),
    }


def _people(
    log: Log, split: Split, users: "NDArray[np.intp]", found: Candidates, config: RunConfig
) -> list[dict[str, Any]]:
    """Pick a few judged users with a past, and say what they liked last and what they would be shown, by title."""
    events = split.train.events[split.train.relevant.to_numpy()]
    past = np.bincount(events["user_id"].cat.codes, minlength=len(log.users))[users]
    with_past = np.flatnonzero(past >= 3)
    rng = np.random.default_rng(config.seed)
    chosen = np.sort(rng.choice(with_past, size=min(config.people, len(with_past)), replace=False))
    labels = log.labels()
    return [
        {
            "user_id": str(log.users["user_id"].iloc[users[row]]),
            "liked_last": [
                labels[v] for v in events[events["user_id"].cat.codes == users[row]]["video_id"].cat.codes[-5:]
            ],
            "recommended": [labels[v] for v in found.videos[row, :10] if v >= 0],
        }
        for row in chosen
    ]
