"""The checks that all rankers share: what is wrong with features, said before a model is fitted or asked."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlsd_lab.errors import ConfigError, DataError


def checked_examples(features: pd.DataFrame, labels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the features as a float64 matrix; labels must be 0 or 1, both kinds present, one a row.

    >>> checked_examples(pd.DataFrame({"age": ["old"]}), np.array([1.0]))
    Traceback (most recent call last):
    mlsd_lab.errors.DataError: feature age: expected float64, found ...
    """
    for column, dtype in features.dtypes.items():
        if dtype != np.float64:
            raise DataError(f"feature {column}: expected float64, found {dtype}")
    if len(labels) != len(features):
        raise ConfigError(f"labels: expected one a row ({len(features)}), found {len(labels)}")
    if set(np.unique(labels)) != {0.0, 1.0}:
        raise DataError(f"labels: expected 0 and 1, both present, found {np.unique(labels)[:5].tolist()}")
    matrix = checked_matrix(features.to_numpy(), tuple(features.columns))
    if np.isnan(matrix).all():
        raise DataError(f"features: expected a value in one of {matrix.shape[1]} columns at least, found none")
    return matrix


def checked_matrix(matrix: NDArray[np.float64], columns: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the matrix if it has these columns and no infinite value; NaN is allowed.

    >>> checked_matrix(np.array([[np.inf]]), ("age",))
    Traceback (most recent call last):
    mlsd_lab.errors.DataError: feature age: expected finite numbers or NaN, found inf in row 0
    """
    if matrix.ndim != 2 or matrix.shape[1] != len(columns):
        names = ", ".join(map(str, columns[:3]))
        raise ConfigError(f"features: expected {len(columns)} columns ({names}, …), found shape {matrix.shape}")
    if matrix.dtype != np.float64:
        raise ConfigError(f"features: expected float64, found {matrix.dtype}")
    infinite = np.isinf(matrix)
    if infinite.any():
        row, column = np.argwhere(infinite)[0]
        raise DataError(
            f"feature {columns[column]}: expected finite numbers or NaN, found {matrix[row, column]} in row {row}"
        )
    return matrix
