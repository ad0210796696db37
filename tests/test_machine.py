import os
import platform
import subprocess
import sys

import numpy as np
import pytest

from mlsd_lab.machine import cores, machine, versions


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot bind a process to one core")
def test_cores_are_those_this_process_may_use() -> None:
    code = "import os; os.sched_setaffinity(0, {0}); from mlsd_lab.machine import cores; print(cores())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "1\n"
    assert 1 <= cores() <= (os.cpu_count() or 1)


def test_versions_are_those_that_run() -> None:
    assert versions()["numpy"] == np.__version__
    assert versions()["python"] == platform.python_version()


def test_memory_is_given_in_gigabytes() -> None:
    memory = machine()["memory_gb"]
    assert memory is None or 0.5 < float(memory) < 50_000
