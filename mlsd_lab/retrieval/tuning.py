"""A search for settings that looks neither at the test nor at the future, and ends when its budget does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import Estimate, TopK, estimate, make_split, mean_of
from mlsd_lab.retrieval.retriever import Retriever

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Tuning:
    """What was tried, in order, with its recall; how many settings there were, and why not all were tried.

    >>> trial = Trial({"factors": 8}, Estimate(0.2, 0.1, 0.3), seconds=1.0)
    >>> Tuning((trial,), of=3, k=100).best
    {'factors': 8}
    """

    trials: tuple["Trial", ...]
    of: int
    k: int

    @property
    def best(self) -> dict[str, Any]:
        """The settings of highest recall; of equal ones those tried first."""
        return max(self.trials, key=lambda trial: trial.recall.value).settings

    def to_frame(self) -> "pd.DataFrame":
        """Return a row a trial, best first: its settings, recall with interval, seconds to fit and judge."""
        import pandas as pd

        rows = [
            {**t.settings, "recall": t.recall.value, "low": t.recall.low, "high": t.recall.high, "seconds": t.seconds}
            for t in self.trials
        ]
        return pd.DataFrame(rows).sort_values("recall", ascending=False, kind="stable", ignore_index=True)


@dataclass(frozen=True)
class Trial:
    """One fit: its settings, recall at k with an interval over users, and the seconds it took.

    >>> Trial({"factors": 8}, Estimate(0.2, 0.1, 0.3), seconds=1.5).seconds
    1.5
    """

    settings: dict[str, Any]
    recall: Estimate
    seconds: float


def tune(
    make: Callable[..., Retriever],
    grid: Mapping[str, Sequence[Any]],
    log: Log,
    trials: int = 12,
    seconds: float = np.inf,
    k: int = 100,
    seed: int = 0,
) -> Tuning:
    """Try settings of a grid in a seeded random order (Bergstra & Bengio 2012), on the last part of a training log.

    The log is split once more as its datasheet says, by its own last day or each user's last event: `make(**settings)`
    is fitted on what was before, judged by recall at k on the relevant events then, what was seen left out. At most
    `trials` fits; none is begun after `seconds`, but one is always made. With `seconds` the machine decides how many.

    >>> import pandas as pd
    >>> from mlsd_lab.retrieval import ItemKNN
    >>> times = pd.date_range("2026-01-01", periods=40, freq="2h", tz="UTC")
    >>> frame = pd.DataFrame({"user_id": [i % 4 for i in range(40)], "video_id": [i * 7 % 31 for i in range(40)]})
    >>> log = Log.from_frames(frame.assign(occurred_at=times))
    >>> tuning = tune(ItemKNN, {"damping": [0.0, 0.5], "neighbours": [5, 10]}, log, trials=3, k=2)
    >>> len(tuning.trials), tuning.of, sorted(tuning.best)
    (3, 4, ['damping', 'neighbours'])
    """
    if not grid or not all(grid.values()) or trials < 1 or not seconds > 0 or seed < 0:
        raise ConfigError(
            "expected a grid of 1 or more values a setting, 1 or more trials, seconds above 0 and a seed of 0 or more, "
            f"found {dict(grid)}, {trials}, {seconds} and {seed}"
        )
    inner = make_split(log, log.datasheet.split)
    seen, relevant = inner.train.matrix(), inner.relevant()
    users = np.flatnonzero(np.diff(relevant.indptr))
    if len(users) == 0:
        raise ConfigError(
            "nobody has a relevant event in the last part of the training log: nothing tells settings apart"
        )
    every = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    tried, began = list[Trial](), perf_counter()
    for at in np.random.default_rng(seed).permutation(len(every))[:trials]:
        start = perf_counter()
        if tried and start - began > seconds:
            break
        found = make(**every[at]).fit(inner.train).retrieve(users, k, seen)
        recall = estimate(mean_of(TopK.judge(found, relevant[users]).recall()), len(users), seed=seed)
        tried.append(Trial(every[at], recall, perf_counter() - start))
    return Tuning(tuple(tried), len(every), k)
