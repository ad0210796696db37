"""Vectors for videos that nobody has watched, from what they are about."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.evaluation import Candidates
from mlsd_lab.evaluation.candidates import checked_seen, checked_users
from mlsd_lab.retrieval.als import ALS
from mlsd_lab.retrieval.content import COLUMNS, content_features
from mlsd_lab.retrieval.exact_index import ExactIndex
from mlsd_lab.retrieval.fresh import ages, uploaded

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class ContentTower:
    """Candidates among the videos without events: a regression from content to the factors that ALS would learn.

    The other tower is ALS's user vectors (van den Oord et al. 2013). `fit` fits `als`, then `regressor` (of
    scikit-learn; ridge unless another is given: docs/decisions/0031) on the videos with `least` events or more. It
    learns `new_`, codes of the videos that are there and have no events, and `new_factors_`, their vectors; an index
    that was built before they came reaches them with `WithNew`. A user without events gets an empty row.

    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": ["ann", "bob"] * 2, "video_id": ["cat1", "dog1", "cat2", "dog2"]})
    >>> topics = pd.DataFrame({"video_id": ["cat1", "dog1", "cat2", "dog2", "cat3", "dog3"], "topic": ["c", "d"] * 3})
    >>> log = Log.from_frames(frame.assign(occurred_at=pd.Timestamp("2026-01-01", tz="UTC")), topics)
    >>> found = ContentTower(ALS(factors=2, regularization=0.1), least=1).fit(log).retrieve(np.array([0, 1]), k=1)
    >>> log.videos.video_id[found.videos.ravel()].tolist()
    ['cat3', 'dog3']
    """

    def __init__(
        self, als: ALS | None = None, regressor: Any = None, least: int = 5, columns: Sequence[str] = COLUMNS
    ) -> None:
        if least < 1:
            raise ConfigError(f"least: expected 1 or more events, found {least}")
        self.als, self.regressor, self.least, self.columns = als or ALS(), regressor, least, tuple(columns)

    def fit(self, log: Log) -> Self:
        """Fit ALS on the log's events, then the regression on its factors."""
        self.als.fit(log)
        return self.fit_content(log)

    def fit_content(self, log: Log) -> Self:
        """Fit the regression alone, where `als` was fitted on this log already.

        Raises `DataError` when no video has enough events, or no content is known.
        """
        from sklearn.base import clone
        from sklearn.linear_model import Ridge
        from threadpoolctl import threadpool_limits

        features, events = content_features(uploaded(log), self.columns), log.matrix().sum(axis=0).A1
        taught = events >= self.least
        if not taught.any():
            raise DataError(f"expected videos with {self.least} events or more, found none; lower `least`")
        model = Ridge(alpha=100.0, solver="sparse_cg") if self.regressor is None else clone(self.regressor)
        age = ages(log)
        self.new_: NDArray[np.int64] = np.flatnonzero((events == 0) & ~(age < 0))
        with threadpool_limits(1):
            model.fit(features[taught], self.als.video_factors_[taught])
            predicted = model.predict(features[self.new_]) if len(self.new_) else np.empty((0, self.als.factors))
        self.new_factors_: NDArray[np.float64] = predicted.reshape(-1, self.als.factors).round(6)
        return self

    def retrieve(self, users: NDArray[np.integer], k: int, seen: "csr_matrix | None" = None) -> Candidates:
        """Return the k videos without events of highest inner product for each user code."""
        known, factors = self.als.known_, self.als.user_factors_
        users = checked_users(users, len(factors))
        if seen is not None:
            seen = checked_seen(seen, len(factors), len(self.als.video_factors_))[users][:, self.new_]
        found = ExactIndex(self.new_factors_).search(factors[users], k, seen)
        codes = np.append(self.new_, -1)[found.videos]
        there = known[users][:, None]
        return Candidates(np.where(there, codes, -1), np.where(there, found.scores, -np.inf))
