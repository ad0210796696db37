"""Implicit-feedback matrix factorisation by alternating least squares."""

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.evaluation import NOBODY, Candidates
from mlsd_lab.evaluation.candidates import checked_seen, checked_users
from mlsd_lab.retrieval.by_length_index import ByLengthIndex
from mlsd_lab.retrieval.from_history import checked_history
from mlsd_lab.retrieval.vector_index import VectorIndex

if TYPE_CHECKING:
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix

_PAIRS = 4096  # scored at a time, in a processor's cache
_DECIMALS = 6  # what lies beyond differs between CPU kernels, and Annoy's trees grow otherwise with it


class ALS:
    """Vectors for users and videos whose inner product is high where there was an event (Hu, Koren & Volinsky 2008).

    Every pair is an observation: one with n events has confidence `confidence` × n, all others 1. `fit` learns
    `user_factors_` and `video_factors_`, float64 of shape (rows, factors), and makes `index_`, which `retrieve` asks.
    A user without events has no taste to search with and gets an empty row: put `Backfill` around it. So does everybody
    where the regularization is too much for so few events that all vectors are zero; `known_` tells who has one.

    Float64 and one BLAS thread: the same factors on any number of cores (docs/decisions/0011).

    >>> import pandas as pd
    >>> pairs = [("ann", "a"), ("ann", "b"), ("bob", "a"), ("bob", "b"), ("cem", "a"), ("dan", "y"), ("dan", "z")]
    >>> frame = pd.DataFrame(pairs, columns=["user_id", "video_id"])
    >>> log = Log.from_frames(frame.assign(occurred_at=pd.Timestamp("2026-01-01", tz="UTC")))
    >>> cem = log.users.user_id.tolist().index("cem")
    >>> found = ALS(factors=2, regularization=0.1).fit(log).retrieve(np.array([cem]), k=1, seen=log.matrix())
    >>> log.videos.video_id[found.videos[0, 0]]
    'b'
    """

    def __init__(
        self,
        factors: int = 64,
        regularization: float = 30.0,
        confidence: float = 3.0,
        iterations: int = 15,
        seed: int = 0,
        index: Callable[[NDArray[np.float64]], VectorIndex] = ByLengthIndex,
    ) -> None:
        if factors < 1 or iterations < 1 or not regularization >= 0 or not confidence > 0 or not 0 <= seed < 2**32:
            raise ConfigError(
                "expected factors and iterations of 1 or more, regularization ≥ 0, confidence > 0 and a seed from 0 to "
                f"4294967295, found {factors}, {iterations}, {regularization}, {confidence} and {seed}"
            )
        self.factors, self.regularization, self.confidence = factors, regularization, confidence
        self.iterations, self.seed, self.index = iterations, seed, index
        self._folding: Any = None  # keeps the product of all video factors

    def fit(self, log: Log, on_iteration: Callable[[int], None] = lambda _done: None) -> Self:
        """Learn from every event of the log, whatever it led to. Raises `DataError` when the factors are not finite.

        `on_iteration` hears how many iterations are done.
        """
        from threadpoolctl import threadpool_limits

        _load()
        from implicit.recommender_base import ModelFitError

        counts = log.matrix()
        with threadpool_limits(1, user_api="blas"), np.errstate(over="ignore"):
            model = self._model()
            try:
                model.fit(counts, show_progress=False, callback=lambda at, *_: on_iteration(at + 1))
            except (ModelFitError, ValueError) as error:  # implicit's word for NaN, and for a matrix without an inverse
                raise DataError(f"ALS cannot fit these events ({error}); raise regularization or check them") from error
        if not (np.isfinite(model.user_factors).all() and np.isfinite(model.item_factors).all()):
            raise DataError("ALS learned factors that are not finite; raise regularization or check the log's events")
        self.user_factors_: NDArray[np.float64] = model.user_factors.round(_DECIMALS)
        self.video_factors_: NDArray[np.float64] = model.item_factors.round(_DECIMALS)
        self.known_ = self.user_factors_.any(axis=1)
        self.index_ = self.index(self.video_factors_)
        return self

    def fold_in(self, videos: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return the vector, shape (factors,), of a person not in the log, from codes of videos they care for.

        A code that is there twice counts as two events; without any the vector is zero.
        """
        from scipy.sparse import csr_matrix

        videos = self._checked_videos(videos).astype(np.int64)
        shape = (1, len(self.video_factors_))
        counts = csr_matrix((np.ones(len(videos)), (np.zeros_like(videos), videos)), shape=shape)
        return self.folded(counts).user_factors_[0]

    def folded(self, history: "csr_matrix") -> "ALS":
        """Return this fitted model for other people, or the same at a later time: their counts, a row a person.

        It solves, with `implicit`, the equation that `fit` solves for each user, with the video factors as they are:
        nothing is refitted, and what all people share is computed the first time alone. User codes of the returned
        model are rows of `history`. Raises `DataError` where the equation has no one solution, as it may without
        regularization.
        """
        from threadpoolctl import threadpool_limits

        history = checked_history(history, len(self.video_factors_))
        other = copy.copy(self)
        _load()
        with threadpool_limits(1, user_api="blas"):
            if getattr(self._folding, "item_factors", None) is not self.video_factors_:
                self._folding = self._model()
                self._folding.item_factors = self.video_factors_
            try:
                factors = self._folding.recalculate_user(np.arange(history.shape[0]), history)
            except ValueError as error:  # a matrix without an inverse
                raise DataError(f"ALS cannot fold these events in ({error}); raise regularization") from error
        other.user_factors_ = factors.round(_DECIMALS)
        other.known_ = other.user_factors_.any(axis=1)
        return other

    def _model(self) -> "AlternatingLeastSquares":
        """Return `implicit`'s model of these settings; not before `_load`, within a limit on threads."""
        from implicit.cpu.als import AlternatingLeastSquares

        return AlternatingLeastSquares(
            factors=self.factors,
            regularization=self.regularization,
            alpha=self.confidence,
            iterations=self.iterations,
            random_state=self.seed,
            dtype=np.float64,
            use_cg=True,
        )

    def searched_by(self, index: VectorIndex) -> "ALS":
        """Return this fitted model with another index over the same video factors."""
        if (index.size, index.dimension) != self.video_factors_.shape:
            raise ConfigError(
                f"index: expected vectors of shape {self.video_factors_.shape}, as the model has, "
                f"found {(index.size, index.dimension)}"
            )
        other = copy.copy(self)
        other.index_ = index
        return other

    def unfitted(self) -> "ALS":
        """Return a new model of the same settings, to be fitted on other events."""
        settings = (self.factors, self.regularization, self.confidence, self.iterations, self.seed, self.index)
        return ALS(*settings)

    def scores(self, users: NDArray[np.integer], videos: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return the inner product of each (user, video) pair of codes; NaN for a user without a vector.

        Summed one factor after another, so that a pair scores the same to the bit alone as among others.
        """
        users, videos = checked_users(users, len(self.user_factors_)), self._checked_videos(videos)
        total = np.where(self.known_[users], 0.0, np.nan)
        for begin in range(0, len(users), _PAIRS):
            rows = slice(begin, begin + _PAIRS)
            products = self.user_factors_[users[rows]] * self.video_factors_[videos[rows]]
            for factor in range(self.factors):
                total[rows] += products[:, factor]
        return total

    def _checked_videos(self, videos: NDArray[np.integer]) -> NDArray[np.integer]:
        videos, last = np.asarray(videos), len(self.video_factors_) - 1
        if videos.size and not 0 <= videos.min() <= videos.max() <= last:
            raise ConfigError(f"videos: expected codes from 0 to {last}, found {videos.min()} to {videos.max()}")
        return videos

    def retrieve(self, users: NDArray[np.integer], k: int, seen: "csr_matrix | None" = None) -> Candidates:
        """Return the k videos of highest inner product for each user code; empty rows for users without a vector."""
        users = checked_users(users, len(self.user_factors_))
        shape = len(self.user_factors_), len(self.video_factors_)
        exclude = None if seen is None else checked_seen(seen, *shape)[users]
        found = self.index_.search(self.user_factors_[users], k, exclude)
        known = self.known_[users][:, None]
        return Candidates(np.where(known, found.videos, NOBODY), np.where(known, found.scores, -np.inf))


def _load() -> None:
    """Load `implicit`, and the BLAS that it brings, which a limit on threads reaches only when it is there."""
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")  # of its progress bar, which is off here
        import implicit.cpu.als  # noqa: F401
