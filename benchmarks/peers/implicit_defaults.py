# /// script
# requires-python = ">=3.11"
# dependencies = ["implicit==0.7.3", "numpy>=2", "scipy>=1.14", "threadpoolctl>=3.5"]
# ///
"""The ALS of implicit with its defaults: 100 factors, regularization 0.01, alpha 1, float32, conjugate gradients."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from benchmarks.als_curve import told


def fit(counts: csr_matrix, iterations: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return user and video factors."""
    from implicit.cpu.als import AlternatingLeastSquares

    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(iterations=iterations, random_state=0)
        model.fit(counts, show_progress=False)
    return model.user_factors, model.item_factors


if __name__ == "__main__":
    told(fit, "implicit", "numpy", "scipy")
