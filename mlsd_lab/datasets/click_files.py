"""A log's events as files of JSON lines, as a collector writes them: rotated, some packed, with what goes wrong."""

import gzip
import json
import mmap
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsd_lab.datasets import schema
from mlsd_lab.datasets.log import Log
from mlsd_lab.errors import ConfigError, StorageError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_TEXT = ("event_id", "user_id", "video_id", "request_id", "surface")
_WRONG: tuple[dict[str, Any], ...] = (
    {"user_id": None},
    {"occurred_at": None},
    {"known_at": 1767225600},
    {"video_id": ["a", "b"]},
    {"watch_seconds": "12 s"},
    {"clicked": "yes"},
    {"watch_seconds": -5.0},
    {"propensity": 1.5},
    {"occurred_at": "9999-12-31T23:59:59.000000Z"},
)
"""What a broken line says instead: a required field missing, a field of another type, out of range."""


@dataclass(frozen=True)
class Defects:
    """What is wrong with the files; none by default. Every event is in them once and intact, whatever is wrong.

    >>> Defects(late=0.01).repeated
    0.0
    """

    late: float = 0.0
    """Share of the events that are moved to a later file; those of the last file cannot be."""
    repeated: float = 0.0
    """Of the events, the share of lines written again: half of them soon after, half anywhere after."""
    shuffled: int = 0
    """Lines of one file may change places with others up to this many lines away."""
    broken: float = 0.0
    """Of the events, the share of lines added that no contract accepts: cut, not JSON, Latin-1, a field wrong."""
    blank: float = 0.0
    """Of the events, the share of blank lines added."""
    gzipped: float = 0.0
    """Share of the files that are packed with gzip."""
    cut_short: int = 0
    """How many files end in half a line, which is added too."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value < 0 or (value > 1 and name not in ("shuffled", "cut_short")):
                raise ConfigError(f"defects: expected {name} of 0 or more and a share of at most 1, found {value}")


@dataclass(frozen=True)
class Written:
    """What is in the files; the halves of lines that files were cut short at are in `bytes` alone.

    >>> Written(Path("clicks"), files=1, events=2, lines=3, repeated=1, broken=0, blank=0, bytes=300).lines
    3
    """

    folder: Path
    files: int
    events: int
    lines: int
    """Ended by a newline: events + repeated + broken + blank."""
    repeated: int
    broken: int
    blank: int
    bytes: int
    """On disk, so packed where a file is."""


def write_click_files(log: Log, folder: Path, defects: Defects | None = None, files: int = 8, seed: int = 0) -> Written:
    """Write the events in the order of `known_at` to clicks-0000.jsonl, clicks-0001.jsonl, … (.gz where packed).

    A line has the events' columns that have a meaning, without those that are null; ids are text, times ISO 8601 in
    UTC with microseconds, and floats read back equal. Equal seeds write equal bytes. The folder must be empty or not
    there (`ConfigError`); raises `StorageError` where it cannot be written.

    >>> import tempfile
    >>> import pandas as pd
    >>> log = Log.from_frames(pd.DataFrame({
    ...     "user_id": ["ann", "bob"], "video_id": ["v1", "v2"], "clicked": [True, None],
    ...     "occurred_at": pd.to_datetime(["2026-01-01 10:00", "2026-01-01 11:00"], utc=True)}))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = write_click_files(log, Path(folder), files=1)
    ...     json.loads(Path(folder, "clicks-0000.jsonl").read_text().splitlines()[1])
    {'event_id': '1', 'user_id': 'bob', 'video_id': 'v2',
     'occurred_at': '2026-01-01T11:00:00.000000Z', 'known_at': '2026-01-01T11:00:00.000000Z'}
    >>> written.events, written.lines
    (2, 2)
    """
    import numpy as np

    defects = defects or Defects()
    if files < 1 or defects.cut_short > files:
        raise ConfigError(f"expected 1 file or more and no more of them cut short, found {files} and {defects}")
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConfigError(f"{folder}: expected an empty folder or none, found something there")
        folder.mkdir(parents=True, exist_ok=True)
        text = _rendered(log.events, folder / ".lines.part")
        random = np.random.default_rng(seed)
        lines, written = _arranged(text, len(log.events), defects, files, random)
        packed = set(random.choice(files, round(defects.gzipped * files), replace=False).tolist())
        halved = set(random.choice(files, defects.cut_short, replace=False).tolist())
        for number, content in enumerate(lines):
            content += _half(text) * (number in halved)
            path = folder / f"clicks-{number:04}.jsonl{'.gz' * (number in packed)}"
            path.write_bytes(gzip.compress(content, 1, mtime=0) if number in packed else content)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be written ({error.strerror}); free space or name another") from None
    size = sum(path.stat().st_size for path in folder.iterdir())
    return Written(folder=folder, files=files, events=len(log.events), bytes=size, **written)


def _rendered(events: "pd.DataFrame", path: Path) -> "bytes | mmap.mmap":
    """Return the events as lines in order of known_at: DuckDB writes a file, which is mapped and removed."""
    import duckdb

    if events.empty:
        return b""
    events = events[[column for column in schema.COLUMNS["events"] if column in events]]
    if not events["known_at"].is_monotonic_increasing:
        events = events.sort_values("known_at", kind="stable")
    events = events.assign(**{name: events[name].dt.tz_convert(None) for name in schema.TIMES["events"]})
    texts = [name for name in _TEXT if name in events and events[name].dtype == object]
    events = events.assign(**{name: events[name].astype("str") for name in texts})
    values: list[str] = []
    place = str(path).replace("'", "''")
    for name in events.columns:
        value = f'"{name}"::VARCHAR'
        if name in _TEXT:
            value = f"to_json({value})"
        elif name in schema.TIMES["events"]:
            value = f"""strftime("{name}", '"%Y-%m-%dT%H:%M:%S.%fZ"')"""
        key = "{" * (not values) + "," * bool(values) + f'"{name}":'
        joint = " || " if events[name].hasnans else ", "  # concat passes over nulls, and || makes null of key and value
        values.append(f"'{key}'{joint}{value}")
    try:
        with duckdb.connect(config={"threads": 2, "preserve_insertion_order": True}) as database:
            database.execute(
                f"COPY (SELECT concat({', '.join(values)}, '}}') FROM events) TO '{place}'"
                " (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')"
            )
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except duckdb.IOException as error:
        raise OSError(0, re.sub(r'.*: ([^"]+)"?.*', r"\1", str(error))) from None
    finally:
        path.unlink(missing_ok=True)


def _arranged(
    text: "bytes | mmap.mmap", events: int, defects: Defects, files: int, random: "np.random.Generator"
) -> tuple[Iterator[bytes], dict[str, int]]:
    """Return the content of each file, one at a time, and how many lines there are of which kind.

    Each line has a place on the axis of the events, 0 to `events`; a file is a stretch of that axis.
    """
    import numpy as np

    ends = np.flatnonzero(np.frombuffer(text, np.uint8) == 10) + 1
    starts = np.concatenate([[0], ends])[: len(ends)]
    bounds = np.arange(files + 1) * events // files
    places = np.arange(events, dtype=float)
    movable = bounds[-2]
    moved = random.choice(movable, min(round(defects.late * events), movable), replace=False)
    places[moved] = random.uniform(bounds[np.searchsorted(bounds, moved, "right")], events)
    again = random.choice(events, round(defects.repeated * events), replace=True) if events else np.arange(0)
    reach = np.where(random.random(len(again)) < 0.5, np.minimum(places[again] + 1000, events), events)
    copies = random.uniform(places[again], reach)
    broken = random.integers(0, events, round(defects.broken * events)) if events else np.arange(0)
    extra = [
        _broken(text[starts[row] : ends[row]], kind, random)
        for row, kind in zip(broken.tolist(), (random.permutation(len(broken)) % 6).tolist(), strict=True)
    ]
    extra += [b"\n"] * round(defects.blank * events)
    sizes = np.fromiter(map(len, extra), np.int64, len(extra))
    after = len(text) + np.cumsum(sizes)
    begin = np.concatenate([starts, starts[again], after - sizes])
    end = np.concatenate([ends, ends[again], after])
    place = np.concatenate([places, copies, random.uniform(0, events, len(extra))])
    home = np.clip(np.searchsorted(bounds, place, "right") - 1, 0, files - 1)
    if defects.shuffled:
        place = place + random.uniform(0, defects.shuffled, len(place))
    order = np.lexsort((place, home))
    kinds = {"lines": len(order), "repeated": len(again), "broken": len(broken), "blank": len(extra) - len(broken)}
    edges = np.searchsorted(home[order], np.arange(files + 1))
    begin, end = begin[order], end[order]
    texts = memoryview(text), memoryview(b"".join(extra))
    return (_joined(*texts, begin[a:b], end[a:b]) for a, b in pairwise(edges)), kinds


def _joined(text: memoryview, extra: memoryview, begin: "np.ndarray[Any, Any]", end: "np.ndarray[Any, Any]") -> bytes:
    """Return the lines one after the other, those that already stand so as one; places go on from text to text."""
    import numpy as np

    new = np.flatnonzero((begin[1:] != end[:-1]) | (begin[1:] == len(text))) + 1
    first, last = np.concatenate([[0], new]), np.concatenate([new, [len(end)]]) - 1
    runs = zip(begin[first].tolist(), end[last].tolist(), strict=True) if len(begin) else ()
    return b"".join([text[a:b] if a < len(text) else extra[a - len(text) : b - len(text)] for a, b in runs])


def _broken(line: bytes, kind: int, random: "np.random.Generator") -> bytes:
    """Return a line like this one that no contract accepts: cut, not JSON, Latin-1, or a field wrong."""
    if kind == 0:
        return line[: random.integers(1, len(line) - 1)] + b"\n"
    if kind == 1:
        return b"<html>502 Bad Gateway</html>\n"
    if kind == 2:
        return line[:-2] + ',"note":"café"}\n'.encode("latin-1")
    record = {**json.loads(line), **_WRONG[random.integers(len(_WRONG))]}
    return json.dumps({name: value for name, value in record.items() if value is not None}).encode() + b"\n"


def _half(text: "bytes | mmap.mmap") -> bytes:
    return text[: text.find(b"\n") // 2]
