"""One request, answered: retrieve → filter → features → rank → arrange, each stage timed."""

from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from time import perf_counter

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.features import OnlineStore
from mlsd_lab.features.access.reader import Reader
from mlsd_lab.serving.bundle import Bundle


@dataclass(frozen=True)
class Request:
    """Who asks, when, and where in the app.

    >>> Request("r1", "ann", pd.Timestamp("2026-01-01", tz="UTC")).surface is None
    True
    """

    request_id: str
    user_id: str
    as_of: datetime
    """With a time zone; features see what was known before it."""
    surface: str | None = None


@dataclass(frozen=True)
class Answer:
    """The slate, best first, and how it came about.

    >>> Answer(Request("r1", "ann", None), pd.DataFrame({"video_id": ["v"]}), {}).served["video_id"].tolist()
    ['v']
    """

    request: Request
    served: pd.DataFrame
    """A row a video shown: the `served` table's columns, feature values included."""
    milliseconds: dict[str, float]
    """Time a stage took."""
    degraded: str | None = None
    """Why the ranker was not asked or failed, and what ordered the slate instead; None when all went well."""


@dataclass
class _Stages:
    milliseconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        began = perf_counter()
        try:
            yield
        finally:
            self.milliseconds[name] = 1000 * (perf_counter() - began)


class Recommender:
    """Answers requests from one bundle of models and one online store, in this process.

    `absorb` fills the store and the seen-filter together, from the first event on; a request must be later than that.
    Unknown users get what is popular, ranked. When the ranker fails the slate stays in retrieval order and says so.
    With a `reader` (`Access.reader`) features are read as its role may, and what is personal is logged; a feature that
    the role may not read refuses the request with `AccessError`.

    An example of the whole path stands at `mlsd_lab.serving.Bundle`.

    >>> Recommender.STAGES
    ('retrieve', 'filter', 'features', 'rank', 'arrange')
    """

    STAGES = ("retrieve", "filter", "features", "rank", "arrange")

    def __init__(
        self,
        bundle: Bundle,
        store: OnlineStore,
        candidates: int = 100,
        shown: int = 10,
        reader: Reader | None = None,
    ) -> None:
        if not 1 <= shown <= candidates:
            raise ConfigError(f"expected 1 ≤ shown ≤ candidates, found {shown} and {candidates}")
        if store.catalogue.fingerprint != bundle.fingerprint:
            raise ConfigError(
                f"the bundle's ranker expects features {bundle.fingerprint}, "
                f"the store has {store.catalogue.fingerprint}"
            )
        if store.position:
            raise ConfigError(
                f"expected a store that has absorbed nothing, found one at position {store.position}: "
                "what a person has seen is learned from the stream as it is absorbed"
            )
        self.bundle, self.store, self.candidates, self.shown = bundle, store, candidates, shown
        self._lookup = store.lookup if reader is None else partial(reader.lookup, store, store.catalogue.columns)
        self._seen: dict[str, array[int]] = {}

    def absorb(self, batch: pd.DataFrame, offset: int) -> None:
        """Take in a batch of the stream (as `features.stream` makes it) that begins at position `offset`."""
        new = batch.iloc[max(0, self.store.position - offset) :]
        self.store.absorb(batch, offset)
        for user, video in zip(new["user_id"], new["video_id"], strict=True):
            code = self.bundle.video_code.get(video)
            if code is not None:
                self._seen.setdefault(user, array("i")).append(code)  # a set of them takes ten times the memory

    def recommend(self, request: Request) -> Answer:
        """Return the slate for one request. Raises `ConfigError` when it is not later than what was absorbed."""
        stage = _Stages()
        seen = set(self._seen.get(request.user_id, ()))
        with stage("retrieve"):
            found = self.bundle.retrieve(request.user_id, self.candidates + len(seen))
        with stage("filter"):
            videos = np.array([code for code in found if code not in seen][: self.candidates], dtype=np.int64)
            scores = self.bundle.retrieval_scores(request.user_id, videos)
            ids = self.bundle.video_ids[videos]
        with stage("features"):
            features = self._lookup(request.user_id, ids.tolist(), request.as_of, request.surface, scores)
        degraded = None
        with stage("rank"):
            try:
                value = _one_a_row(self.bundle.ranker.score(features.values), len(videos))
            except Exception as error:  # whatever a broken ranker raises, the person gets an answer
                degraded = f"retrieval order: the ranker failed ({type(error).__name__}: {error})"
                value = -np.arange(len(videos), dtype=np.float64)
        with stage("arrange"):
            best = arranged(value, self.shown)
            served = pd.DataFrame(features.values[best], columns=list(features.columns))
            facts = {
                "request_id": request.request_id,
                "user_id": request.user_id,
                "video_id": ids[best],
                "rank": np.arange(len(best)),
                "score": value[best],
                "as_of": pd.Timestamp(request.as_of).tz_convert("UTC"),
                "position_absorbed": features.position,
                "newest_known_at": pd.DatetimeIndex(
                    np.full(len(best), features.newest).astype("datetime64[us]"), tz="UTC"
                ),
                "tile": features.tile,
                "surface": request.surface,
                "retrieval_score": scores[best],
                "bundle": self.bundle.content_sha256,
                "degraded": degraded,
            }
            served = pd.concat([pd.DataFrame(facts, index=served.index), served], axis=1)
        return Answer(request, served, stage.milliseconds, degraded)


def arranged(value: NDArray[np.float64], shown: int) -> NDArray[np.intp]:
    """Return the rows of the `shown` highest values, best first; of equal ones the earlier candidate.

    >>> arranged(np.array([0.2, 0.9, 0.9]), shown=2).tolist()
    [1, 2]
    """
    return np.argsort(-value, kind="stable")[:shown]


def _one_a_row(scores: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    if np.shape(scores) != (rows,) or not np.isfinite(scores).all():
        raise DataError(f"expected a finite score for each of {rows} rows, found shape {np.shape(scores)}")
    return scores
