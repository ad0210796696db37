"""The stream played back with requests in it: the store absorbs, the recommender answers, in time order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import NOBODY, Candidates
from mlsd_lab.features import Timeline
from mlsd_lab.features.timeline import stream_rows, video_columns
from mlsd_lab.serving.recommender import Answer, Recommender, Request

_AT_ONCE = 1_000_000  # events, so that a long past is absorbed in bounded memory


@dataclass(frozen=True)
class Played:
    """All answers of a playback, in the order of the requests.

    >>> Played([]).summary()["requests"]
    0
    """

    answers: list[Answer]

    @property
    def served(self) -> pd.DataFrame:
        """The served log: a row a video shown; a table without rows or columns where nothing was answered."""
        shown = [answer.served for answer in self.answers if len(answer.served)]
        nothing = [answer.served for answer in self.answers[:1]] or [pd.DataFrame()]
        return pd.concat(shown or nothing, ignore_index=True)

    def slates(self, log: Log) -> tuple[NDArray[np.intp], Candidates]:
        """Return the codes of the log's users who asked, and what each was shown, best first."""
        users = pd.Index(log.users["user_id"]).get_indexer([answer.request.user_id for answer in self.answers])
        codes = [pd.Index(log.videos["video_id"]).get_indexer(answer.served["video_id"]) for answer in self.answers]
        videos = np.full((len(codes), max(map(len, codes), default=0)), NOBODY)
        for row, shown in enumerate(codes):
            videos[row, : len(shown)] = shown
        known = users >= 0
        return users[known], Candidates(videos[known], np.zeros(videos[known].shape))

    def summary(self) -> dict[str, Any]:
        """Return number of requests, percentiles of the time an answer took, each stage's median, degraded answers."""
        stages = pd.DataFrame([answer.milliseconds for answer in self.answers], columns=list(Recommender.STAGES))
        total = stages.sum(axis=1)
        quantiles = np.percentile(total, [50, 95, 99]).round(3).tolist() if len(total) else [None] * 3
        return {
            "requests": len(self.answers),
            **dict(zip(("p50_ms", "p95_ms", "p99_ms"), quantiles, strict=True)),
            "stages": {name: round(float(stages[name].median()), 3) for name in stages} if len(total) else {},
            "degraded": sum(answer.degraded is not None for answer in self.answers),
        }


def play(
    recommender: Recommender,
    timeline: Timeline,
    log: Log,
    requests: Sequence[Request],
    batch: int = 500,
    on_progress: Callable[[str], None] = lambda _said: None,
) -> Played:
    """Answer requests in time order, the store absorbing whole batches of the log's events that were known by then.

    Between two batches the store lags behind what is known: the audit counts that as staleness.

    >>> play(None, None, None, [], batch=0)
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: batch: expected 1 or more events, found 0
    """
    if batch < 1:
        raise ConfigError(f"batch: expected 1 or more events, found {batch}")
    columns, video = video_columns(log.videos), log.events["video_id"].cat.codes.to_numpy()
    answers = []
    for number, request in enumerate(sorted(requests, key=lambda request: request.as_of)):
        known = int(timeline.position(pd.Series([request.as_of]))[0])
        reached = recommender.store.position
        for start in range(reached, known // batch * batch, _AT_ONCE):
            until = min(start + _AT_ONCE, known // batch * batch)
            events = log.events.iloc[start:until]
            rows = stream_rows(events, log.datasheet.relevant(events), columns, video[start:until])
            recommender.absorb(rows, offset=start)
            on_progress(f"{until:,} events absorbed")
        answers.append(recommender.recommend(request))
        on_progress(f"{number + 1} of {len(requests)} answered")
    return Played(answers)


def first_requests(log: Log, count: int, seed: int = 0) -> list[Request]:
    """Let a random sample of a log's users ask, each at the first moment that the log has of them.

    >>> first_requests(None, 0)
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: count: expected 1 or more requests, found 0
    """
    if count < 1:
        raise ConfigError(f"count: expected 1 or more requests, found {count}")
    first = log.events.sort_values("occurred_at", kind="stable").drop_duplicates("user_id")
    rows = np.random.default_rng(seed).choice(len(first), min(count, len(first)), replace=False)
    chosen = first.iloc[np.sort(rows)]
    surfaces = chosen.get("surface", pd.Series(None, index=chosen.index, dtype=object)).astype(object)
    asked = zip(
        chosen["user_id"].astype(object), chosen["occurred_at"], surfaces.where(surfaces.notna(), None), strict=True
    )
    return [Request(f"r{number}", user, time, surface) for number, (user, time, surface) in enumerate(asked)]
