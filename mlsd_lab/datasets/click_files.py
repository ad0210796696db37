"""A log's events as files of JSON lines, as a collector writes them: rotated, some packed, with what goes wrong."""

import gzip
import mmap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsd_lab.datasets.broken_lines import broken_line
from mlsd_lab.datasets.log import Log
from mlsd_lab.datasets.rendered import rendered
from mlsd_lab.errors import ConfigError, StorageError

if TYPE_CHECKING:
    import numpy as np

_BLOCK = 64 * 2**20  # bytes looked through at a time


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

    >>> import json, tempfile
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
        text = rendered(log.events, folder / ".lines.part")
        random = np.random.default_rng(seed)
        lines, written = _arranged(text, len(log.events), defects, files, random)
        packed = set(random.choice(files, round(defects.gzipped * files), replace=False).tolist())
        halved = set(random.choice(files, defects.cut_short, replace=False).tolist())
        for number, content in enumerate(lines):
            content += _half(text) * (number in halved)
            path = folder / f"clicks-{number:04}.jsonl{'.gz' * (number in packed)}"
            _let_go(text)
            path.write_bytes(gzip.compress(content, 1, mtime=0) if number in packed else content)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be written ({error.strerror}); free space or name another") from None
    size = sum(path.stat().st_size for path in folder.iterdir())
    return Written(folder=folder, files=files, events=len(log.events), bytes=size, **written)


def _arranged(
    text: "bytes | mmap.mmap", events: int, defects: Defects, files: int, random: "np.random.Generator"
) -> tuple[Iterator[bytes], dict[str, int]]:
    """Return the content of each file, one at a time, and how many lines there are of which kind.

    Each line has a place on the axis of the events, 0 to `events`; a file is a stretch of that axis.
    """
    import numpy as np

    ends = _ends(text)
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
        broken_line(text[starts[row] : ends[row]], kind, random)
        for row, kind in zip(broken.tolist(), (random.permutation(len(broken)) % 6).tolist(), strict=True)
    ]
    _let_go(text)
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


def _ends(text: "bytes | mmap.mmap") -> "np.ndarray[Any, Any]":
    """Return where each line ends, its newline included."""
    import numpy as np

    whole = np.frombuffer(text, np.uint8)
    blocks = range(0, max(1, len(whole)), _BLOCK)
    ends = np.concatenate([np.flatnonzero(whole[a : a + _BLOCK] == 10) + a + 1 for a in blocks])
    _let_go(text)
    return ends


def _let_go(text: "bytes | mmap.mmap") -> None:
    """Let the system take back what of a mapped text has been read; it is read from the file again where needed."""
    if isinstance(text, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        text.madvise(mmap.MADV_DONTNEED)


def _half(text: "bytes | mmap.mmap") -> bytes:
    return text[: text.find(b"\n") // 2]
