"""Which machine, and which versions, a measurement was made with."""

import os
import platform
from importlib import metadata

PACKAGES = ("mlsd_lab", "annoy", "deltalake", "duckdb", "implicit", "numpy", "pandas", "scikit-learn", "scipy")


def cores() -> int:
    """Return how many cores this process may use.

    >>> cores() >= 1
    True
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_bytes() -> int | None:
    """Return this machine's memory in bytes, or None where the system does not tell.

    >>> memory_bytes() is None or memory_bytes() > 100_000_000
    True
    """
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def machine() -> dict[str, str | float | None]:
    """Return system, architecture, cores and memory (in GB of 10⁹ bytes) of this machine.

    >>> sorted(machine())
    ['architecture', 'cores', 'memory_gb', 'system']
    """
    memory = memory_bytes()
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "cores": cores(),
        "memory_gb": None if memory is None else round(memory / 1e9, 1),
    }


def versions() -> dict[str, str]:
    """Return the versions of Python, this package and the libraries that its numbers come from.

    >>> "numpy" in versions()
    True
    """
    return {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
