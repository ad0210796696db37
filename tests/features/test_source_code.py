from collections.abc import Callable
from typing import Any

import pandas as pd

from mlsd_lab.features.source_code import source_code


def documented(events: pd.DataFrame) -> pd.Series:
    """Seconds watched."""
    return events.watch_seconds


def spoken(text: str) -> Callable[..., Any]:
    scope: dict[str, Any] = {}
    exec(text, scope)
    return scope["spoken"]


def test_the_source_is_read_without_docstring_and_decorators_and_is_empty_where_there_is_none() -> None:
    assert (
        source_code(documented) == "def documented(events: pd.DataFrame) -> pd.Series:\n    return events.watch_seconds"
    )
    assert source_code(spoken("def spoken(events): return events.watch_seconds")) == ""
