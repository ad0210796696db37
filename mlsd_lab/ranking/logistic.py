"""Logistic regression: the ranker that a more complex one must beat."""

from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlsd_lab.artifacts import read_arrays
from mlsd_lab.errors import ArtifactError
from mlsd_lab.ranking.inputs import checked_examples, checked_matrix

_FARTHEST = 1e6
"""Standard deviations from the mean at which a value counts as no farther: no training row of fewer than 1e12 is."""


class Logistic:
    """L2-regularised logistic regression on standardised features, a missing value standing at its column's mean.

    Fitted by scikit-learn on one BLAS thread. A row's score is summed the same way alone as among thousands.

    >>> rng = np.random.default_rng(0)
    >>> features = pd.DataFrame({"good": rng.random(400)})
    >>> ranker = Logistic().fit(features, (features.good > 0.5).to_numpy(np.float64))
    >>> low, high = ranker.score(np.array([[0.1], [0.9]]))
    >>> bool(low < 0.1 < 0.9 < high)
    True
    """

    FILE = "logistic.npz"

    def __init__(self, strength: float = 1.0) -> None:
        self.strength = strength
        self.columns: tuple[str, ...] = ()

    def fit(self, features: pd.DataFrame, labels: NDArray[np.float64]) -> Self:
        """Learn from features (float64, NaN allowed) and labels (0 or 1 a row)."""
        from sklearn.linear_model import LogisticRegression
        from threadpoolctl import threadpool_limits

        matrix = checked_examples(features, labels)
        self.columns = tuple(features.columns)
        counts = np.maximum(1, (~np.isnan(matrix)).sum(axis=0))
        self.mean_ = np.nansum(matrix, axis=0) / counts
        spread = np.sqrt(np.nansum((matrix - self.mean_) ** 2, axis=0) / counts)
        rounding = 1e-9 * np.abs(self.mean_)  # a constant column's mean is off by a last digit, which is no spread
        self.scale_ = np.where(spread > rounding, spread, 1.0)
        with threadpool_limits(1):
            model = LogisticRegression(C=self.strength, max_iter=1000).fit(self._standard(matrix), labels)
        self.weights_ = np.append(model.coef_[0], model.intercept_)
        return self

    def score(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of success for each row."""
        standard = self._standard(checked_matrix(features, self.columns))
        logit = np.full(len(standard), self.weights_[-1])
        for column, weight in enumerate(self.weights_[:-1]):  # in one order, whatever the number of rows
            logit += standard[:, column] * weight
        with np.errstate(over="ignore"):  # 1 / (1 + inf) is the 0 that it should be
            return 1 / (1 + np.exp(-logit))

    def save(self, path: Path) -> None:
        """Write means, scales and weights into one `.npz` file."""
        with path.open("wb") as file:  # given a name, numpy would add its own ending
            np.savez(file, columns=np.array(self.columns), mean=self.mean_, scale=self.scale_, weights=self.weights_)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a saved model; raises `ArtifactError` for a file that holds anything but one."""
        stored = read_arrays(path, ("columns", "mean", "scale", "weights"))
        ranker = cls()
        ranker.columns = tuple(str(name) for name in stored["columns"].ravel())
        ranker.mean_, ranker.scale_, ranker.weights_ = stored["mean"], stored["scale"], stored["weights"]
        size = len(ranker.columns)
        for name, length in (("mean", size), ("scale", size), ("weights", size + 1)):
            if stored[name].shape != (length,) or stored[name].dtype != np.float64:
                found = f"{stored[name].dtype} of shape {stored[name].shape}"
                raise ArtifactError(f"{path}: {name}: expected float64 of shape ({length},), found {found}")
        return ranker

    def _standard(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        with np.errstate(over="ignore"):
            standard = (matrix - self.mean_) / self.scale_
        return np.where(np.isnan(matrix), 0.0, np.clip(standard, -_FARTHEST, _FARTHEST))
