"""What every ranker can do."""

from pathlib import Path
from typing import Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray


class Ranker(Protocol):
    """Learns which candidates succeed, then gives each row of features a probability.

    An implementation inherits the tests of `tests/ranking/ranker_contract.py`: probabilities in 0 to 1, one row scored
    as in a thousand to the bit, missing values allowed, infinite ones refused, equal after save and load.

    >>> from mlsd_lab.ranking import BoostedTrees
    >>> ranker: Ranker = BoostedTrees(seed=0)
    """

    FILE: str
    """Name of the file that it is saved as in a bundle."""
    columns: tuple[str, ...]
    """The feature columns it was fitted on, in order."""

    def fit(self, features: pd.DataFrame, labels: NDArray[np.float64]) -> Self:
        """Learn from features (rows × columns, float64, NaN allowed) and labels (0 or 1 a row)."""

    def score(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of success for each row; columns as in `columns`."""

    def save(self, path: Path) -> None:
        """Write the fitted ranker into one file that holds no pickle."""
