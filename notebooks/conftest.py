"""Plain `pytest --nbval notebooks/` is the strict run: these are the settings it would otherwise need as options."""

from pathlib import Path

import pytest

collect_ignore = ["source"]
_SECONDS_A_CELL = 120.0  # a dead kernel is waited for this long


def pytest_configure(config: pytest.Config) -> None:
    """Mask live numbers, and run in the environment that pytest was started from."""
    option = config.option
    if not getattr(option, "nbval", False) and not getattr(option, "nbval_lax", False):
        return
    option.nbval_sanitize_with = option.nbval_sanitize_with or str(Path(__file__).with_name("sanitize.cfg"))
    option.nbval_current_env = option.nbval_current_env or option.nbval_kernel_name is None
    option.nbval_cell_timeout = min(option.nbval_cell_timeout, _SECONDS_A_CELL)
