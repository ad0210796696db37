"""What the tests of commands share: how a command ended, logs to call it with, and what a refusal looks like."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

HEADER = "user_id,video_id,occurred_at,clicked\n"


class Done(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


CommandLine = Callable[..., Done]


def write_log(folder: Path, people: int, videos: int, days: int = 3, events: int = 900) -> Path:
    rng = random.Random(0)
    times = [f"2026-01-{1 + at * days // events:02d}T12:{at % 60:02d}:00Z" for at in range(events)]
    rows = [f"u{rng.randrange(people)},v{rng.randrange(videos)},{time},1" for time in times]
    return write_rows(folder, *rows)


def write_rows(folder: Path, *rows: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "events.csv").write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return folder


def report_in(folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return report


def assert_sentence(done: Done, *parts: str) -> None:
    """One sentence on stderr, exit code 2, nothing on stdout."""
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("mlsd-lab: ")
    assert done.err.count("\n") == 1
    assert done.err.strip().isprintable()
    for part in parts:
        assert part in done.err


def assert_refused(done: Done, *parts: str) -> None:
    """The same, and nothing in the working folder."""
    assert_sentence(done, *parts)
    assert list(Path.cwd().iterdir()) == []


def assert_usage(done: Done, *parts: str) -> None:
    """What the parser of options says: usage and the option at fault, exit code 2, no traceback."""
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Usage: mlsd-lab ")
    assert "Traceback" not in done.err
    for part in parts:
        assert part in done.err
    assert list(Path.cwd().iterdir()) == []
