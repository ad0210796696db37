"""Starts a command and writes its exit code, seconds and peak memory: `python launcher.py FILE COMMAND…`.

Linux begins to count a process's peak at that of the process that started it, so that one must be small: the harness,
which makes the inputs, is not.
"""

import json
import os
import subprocess
import sys
from time import perf_counter


def main() -> None:
    """Wait for the command alone; on a signal the command ends too."""
    began = perf_counter()
    child = subprocess.Popen(sys.argv[2:])
    try:
        _, status, usage = os.wait4(child.pid, 0)
    except BaseException:
        child.kill()
        raise
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    facts = {"seconds": perf_counter() - began, "peak_memory_gb": round(usage.ru_maxrss * unit / 1e9, 2)}
    with open(sys.argv[1], "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib would make this process larger
        json.dump(facts | {"code": os.waitstatus_to_exitcode(status)}, file)


if __name__ == "__main__":
    main()
