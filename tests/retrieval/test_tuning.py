import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import Candidates, by_day
from mlsd_lab.retrieval.tuning import tune

DAY = pd.Timedelta(days=1)


def a_week() -> Log:
    """30 people over 8 days; what they watch on the last of them is all that a look at the test could tell."""
    rng = np.random.default_rng(0)
    rows = [(u, int(v), d) for d in range(8) for u in range(30) for v in rng.choice(40, size=3, replace=False)]
    frame = pd.DataFrame(rows, columns=["user_id", "video_id", "day"])
    return Log.from_frames(frame.assign(occurred_at=pd.Timestamp("2026-01-01", tz="UTC") + frame["day"] * DAY))


class Spy:
    """Finds the videos from `first` on, and remembers the logs it was fitted on."""

    logs: list[Log]

    def __init__(self, first: int = 0, step: int = 1) -> None:
        self.first, self.step = first, step

    def fit(self, log: Log) -> "Spy":
        Spy.logs.append(log)
        self.videos = len(log.videos)
        return self

    def retrieve(self, users: np.ndarray, k: int, seen: csr_matrix | None = None) -> Candidates:  # noqa: ARG002
        found = np.tile((self.first + self.step * np.arange(k, dtype=np.int32)) % self.videos, (len(users), 1))
        return Candidates(found, -np.tile(np.arange(float(k)), (len(users), 1)))


@pytest.fixture(autouse=True)
def _forget() -> None:
    Spy.logs = []


def test_every_fit_is_on_days_before_the_one_that_judges_and_never_on_the_test() -> None:
    split = by_day(a_week())
    tune(Spy, {"first": [0, 10, 20]}, split.train, trials=3, k=5)
    test_day = split.test.days().min()
    assert len(Spy.logs) == 3
    assert {log.days("known_at").max() for log in Spy.logs} == {test_day - 2 * DAY}


def test_the_best_is_the_one_of_highest_recall() -> None:
    log = a_week()
    last = log.events[log.days() == log.days().max()]
    wanted = pd.concat([log.events[log.days() < log.days().max()], last[last["video_id"].cat.codes >= 25]])
    tuning = tune(Spy, {"first": [0, 5, 25]}, log.with_events(wanted), trials=3, k=15)
    assert tuning.best == {"first": 25}
    table = tuning.to_frame()
    assert table["first"].iloc[0] == 25
    assert table["recall"].is_monotonic_decreasing
    assert ((table["low"] <= table["recall"]) & (table["recall"] <= table["high"])).all()


def test_a_budget_of_trials_is_kept_and_a_seed_gives_the_same_ones() -> None:
    grid = {"first": list(range(10)), "step": [1, 3]}
    one, again, other = (tune(Spy, grid, a_week(), trials=4, k=5, seed=seed) for seed in (0, 0, 1))
    tried = [[trial.settings for trial in tuning.trials] for tuning in (one, again, other)]
    assert len(tried[0]) == 4
    assert one.of == 20
    assert tried[0] == tried[1] != tried[2]


def test_no_fit_is_begun_when_the_seconds_are_spent_but_one_is_always_made() -> None:
    assert len(tune(Spy, {"first": list(range(10))}, a_week(), seconds=1e-9, k=5).trials) == 1


@pytest.mark.parametrize("bad", [{"grid": {}}, {"grid": {"first": []}}, {"trials": 0}, {"seconds": 0.0}, {"seed": -1}])
def test_a_search_that_cannot_be_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="expected a grid of 1 or more values a setting"):
        tune(Spy, **({"grid": {"first": [0]}, "log": a_week()} | bad))  # type: ignore[arg-type]


def test_where_nothing_can_be_judged_it_says_so() -> None:
    log = a_week()
    nobody = Log.from_frames(log.events.assign(clicked=False).drop(columns="event_id"))
    with pytest.raises(ConfigError, match="nothing tells settings apart"):
        tune(Spy, {"first": [0]}, nobody)
