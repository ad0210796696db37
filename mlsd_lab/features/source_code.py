"""A function as it is written, less what does not change its meaning."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any


def source_code(function: Callable[..., Any]) -> str:
    """Return a function without decorators, docstring, comments and layout; nothing where there is no source.

    >>> from mlsd_lab.features.feed import user_impressions
    >>> print(source_code(user_impressions.rows))
    def user_impressions(events: pd.DataFrame) -> pd.Series:
        return events.relevant
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError):  # typed at a prompt, or not a Python function
        return ""
    (written,) = tree.body
    if isinstance(written, ast.FunctionDef):
        written.decorator_list = []
        written.body = written.body[ast.get_docstring(written) is not None :]
    return ast.unparse(written)
