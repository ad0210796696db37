"""A log's events as files of JSON lines, as a collector writes them: rotated, some packed, with what goes wrong."""

import gzip
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from mlsd_lab.datasets.broken_lines import broken_line
from mlsd_lab.datasets.log import Log
from mlsd_lab.datasets.rendered import rendered
from mlsd_lab.errors import ConfigError, StorageError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

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


def write_click_files(
    log: Log,
    folder: Path,
    defects: Defects | None = None,
    files: int = 8,
    seed: int = 0,
    on_progress: Callable[[str], None] = lambda _said: None,
) -> Written:
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
        part, events = folder / ".lines.part", log.events
        if not events["known_at"].is_monotonic_increasing:
            events = events.sort_values("known_at", kind="stable")
        random = np.random.default_rng(seed)
        arranged, extra, written = _arranged(events, part, defects, files, random)
        packed = set(random.choice(files, round(defects.gzipped * files), replace=False).tolist())
        halved = set(random.choice(files, defects.cut_short, replace=False).tolist())
        for number, lines in enumerate(arranged):
            on_progress(f"click file {number + 1} of {files}")
            added = lines < 0
            text = rendered(events.iloc[lines[~added]], part)
            content = _spliced(text, added, [extra[one] for one in ~lines[added]])
            content += _half(rendered(events.iloc[:1], part)) if number in halved else b""
            path = folder / f"clicks-{number:04}.jsonl{'.gz' * (number in packed)}"
            path.write_bytes(gzip.compress(content, 1, mtime=0) if number in packed else content)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be written ({error.strerror}); free space or name another") from None
    size = sum(path.stat().st_size for path in folder.iterdir())
    return Written(folder=folder, files=files, events=len(log.events), bytes=size, **written)


def _arranged(
    events: "pd.DataFrame", part: Path, defects: Defects, files: int, random: "np.random.Generator"
) -> tuple[list["NDArray[np.int64]"], list[bytes], dict[str, int]]:
    """Return for each file its lines (rows of the events, or ~n for line n of those added), those, and kinds counted.

    Each line has a place on the axis of the events, 0 to their number; a file is a stretch of that axis.
    """
    import numpy as np

    size = len(events)
    bounds = np.arange(files + 1) * size // files
    places = np.arange(size, dtype=float)
    movable = bounds[-2]
    moved = random.choice(movable, min(round(defects.late * size), movable), replace=False)
    places[moved] = random.uniform(bounds[np.searchsorted(bounds, moved, "right")], size)
    again = random.choice(size, round(defects.repeated * size), replace=True) if size else np.arange(0)
    reach = np.where(random.random(len(again)) < 0.5, np.minimum(places[again] + 1000, size), size)
    copies = random.uniform(places[again], reach)
    broken = random.integers(0, size, round(defects.broken * size)) if size else np.arange(0)
    whole = rendered(events.iloc[broken], part).splitlines(keepends=True)
    kinds = (random.permutation(len(broken)) % 6).tolist()
    extra = [broken_line(line, kind, random) for line, kind in zip(whole, kinds, strict=True)]
    extra += [b"\n"] * round(defects.blank * size)
    lines = np.concatenate([np.arange(size), again, ~np.arange(len(extra))])
    place = np.concatenate([places, copies, random.uniform(0, size, len(extra))])
    home = np.clip(np.searchsorted(bounds, place, "right") - 1, 0, files - 1)
    if defects.shuffled:
        place = place + random.uniform(0, defects.shuffled, len(place))
    order = np.lexsort((place, home))
    edges = np.searchsorted(home[order], np.arange(files + 1))
    counts = {"lines": len(order), "repeated": len(again), "broken": len(broken), "blank": len(extra) - len(broken)}
    return [lines[order[a:b]] for a, b in pairwise(edges)], extra, counts


def _spliced(text: bytes, added: "NDArray[np.bool_]", extra: list[bytes]) -> bytes:
    """Return the lines of the text with others among them: `added` says of each line of both whether it is one."""
    import numpy as np

    before = np.cumsum(~added)[added]  # how many lines of the text stand before each other one
    cuts = _ends(text)[before].tolist()
    pieces = [piece for (a, b), line in zip(pairwise([0, *cuts]), extra, strict=True) for piece in (text[a:b], line)]
    return b"".join([*pieces, text[cuts[-1] if cuts else 0 :]])


def _ends(text: bytes) -> "NDArray[np.int64]":
    """Return where no line ends, and where each does, its newline included."""
    import numpy as np

    whole = np.frombuffer(text, np.uint8)
    blocks = range(0, len(whole), _BLOCK)
    return np.concatenate([[0], *(np.flatnonzero(whole[a : a + _BLOCK] == 10) + a + 1 for a in blocks)])


def _half(line: bytes) -> bytes:
    return line[: line.find(b"\n") // 2]
