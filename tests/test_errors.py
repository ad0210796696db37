import inspect

import pytest

from mlsd_lab import errors
from mlsd_lab.errors import MlsdLabError

ERRORS = [error for _, error in inspect.getmembers(errors, inspect.isclass)]


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_is_one_that_the_command_line_catches(error: type[Exception]) -> None:
    assert issubclass(error, MlsdLabError)
    with pytest.raises(MlsdLabError, match=r"^expected a, found b$"):
        raise error("expected a, found b")


def test_there_is_more_than_the_root() -> None:
    assert len(ERRORS) > 1
