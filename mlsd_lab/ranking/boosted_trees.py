"""Gradient-boosted trees over binned features."""

from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlsd_lab.errors import ArtifactError
from mlsd_lab.ranking.inputs import checked_examples, checked_matrix
from mlsd_lab.ranking.model_file import load_model, save_model

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


class BoostedTrees:
    """scikit-learn's HistGradientBoostingClassifier with settings for a few thousand to a few million examples.

    A column without any value carries nothing and is left out (`used_`). One seed gives one model on any number of
    cores; a slate is scored on one, since waking others takes longer than a slate.

    >>> rng = np.random.default_rng(0)
    >>> features = pd.DataFrame({"good": rng.random(400), "empty": np.nan})
    >>> ranker = BoostedTrees(seed=0).fit(features, (features.good > 0.5).to_numpy(np.float64))
    >>> low, high = ranker.score(np.array([[0.1, np.nan], [0.9, np.nan]]))
    >>> bool(low < 0.1 < 0.9 < high)
    True
    """

    FILE = "boosted_trees.skops"

    def __init__(self, seed: int = 0, trees: int = 150, learning_rate: float = 0.05) -> None:
        self.seed, self.trees, self.learning_rate = seed, trees, learning_rate
        self.columns: tuple[str, ...] = ()

    def fit(self, features: pd.DataFrame, labels: NDArray[np.float64]) -> Self:
        """Learn from features (float64, NaN allowed) and labels (0 or 1 a row)."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        matrix = checked_examples(features, labels)
        self.columns = tuple(features.columns)
        self.used_ = np.flatnonzero(~np.isnan(matrix).all(axis=0))
        self.model_ = HistGradientBoostingClassifier(
            max_iter=self.trees,
            learning_rate=self.learning_rate,
            max_leaf_nodes=15,
            min_samples_leaf=min(100, max(5, len(matrix) // 50)),
            l2_regularization=1.0,
            early_stopping=False,
            random_state=self.seed,
        )
        with _one_thread_for_few(len(matrix)):
            self.model_.fit(matrix[:, self.used_], labels)
        return self

    def score(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of success for each row."""
        matrix = checked_matrix(features, self.columns)
        if len(matrix) == 0:
            return np.empty(0)
        with _one_thread_for_few(len(matrix)):
            return self.model_.predict_proba(matrix[:, self.used_])[:, 1]

    def save(self, path: Path) -> None:
        """Write the fitted model into one file that holds no pickle."""
        save_model(path, {"columns": list(self.columns), "used": self.used_.tolist(), "model": self.model_})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a saved model; raises `ArtifactError` for a file that holds anything but one."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        stored = load_model(path, ("columns", "used", "model"))
        columns, used, model = stored["columns"], stored["used"], stored["model"]
        lists = isinstance(columns, list) and isinstance(used, list)
        inside = lists and all(isinstance(at, int) and 0 <= at < len(columns) for at in used)
        trees = type(model) is HistGradientBoostingClassifier
        if not (inside and trees and getattr(model, "n_features_in_", 0) == len(used)):
            raise ArtifactError(f"{path}: expected boosted trees and their columns, found {type(model).__name__}")
        ranker = cls()
        ranker.columns, ranker.used_, ranker.model_ = tuple(columns), np.array(used, dtype=np.int64), model
        return ranker


def _one_thread_for_few(rows: int) -> AbstractContextManager[Any]:
    """Keep OpenMP to one thread for a slate or a small log: waking others takes longer than the work."""
    return _threads().limit(limits=1 if rows < 20_000 else None, user_api="openmp")


@cache
def _threads() -> "ThreadpoolController":
    """Find the thread pools of the loaded libraries once: looking for them takes longer than scoring a slate."""
    import sklearn.ensemble  # noqa: F401 (loads the OpenMP library that is to be found)
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
