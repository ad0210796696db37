import numpy as np
from threadpoolctl import threadpool_info

from mlsd_lab.retrieval.blas import one_blas_thread


def threads() -> list[int]:
    """Of the BLAS that numpy multiplies with."""
    return [each["num_threads"] for each in threadpool_info() if "numpy" in each["filepath"]]


def test_within_it_numpy_s_blas_has_one_thread_and_after_it_as_many_as_before() -> None:
    np.eye(2) @ np.eye(2)
    before = threads()
    with one_blas_thread():
        assert threads() == [1]
    assert threads() == before
