"""One BLAS thread, so that the last digit of a product does not depend on the number of cores."""

from contextlib import AbstractContextManager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


def one_blas_thread() -> AbstractContextManager[Any]:
    """Return a context within which BLAS works on one thread; threads of our own may work side by side in it.

    >>> with one_blas_thread():
    ...     2 + 2
    4
    """
    return _threads().limit(limits=1, user_api="blas")


@cache
def _threads() -> "ThreadpoolController":
    """Return what limits threads; looking for the libraries takes milliseconds, so it is done once."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
