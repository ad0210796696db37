"""The click log: a folder of files of JSON lines that grows, plain or gzip."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO, FileIO
from pathlib import Path
from typing import Any

from mlsd_lab.errors import ConfigError, SourceError
from mlsd_lab.ingestion.contract import Contract
from mlsd_lab.ingestion.contracts import EVENTS
from mlsd_lab.ingestion.line_reader import MEND, LineReader, Lines, shown
from mlsd_lab.ingestion.source import Batch, Dead, Position

_ENDINGS = tuple(ending + packed for ending in (".jsonl", ".json", ".ndjson") for packed in ("", ".gz"))
_PIECE = 2**20  # what is read at once stays in the cache of a core
_POSITION = ("files", "gzip", "heads")
_HEAD = 4096  # bytes by which a file is known again


@dataclass
class ClickLog:
    r"""Every *.jsonl, *.json and *.ndjson below a folder, each also as .gz, in the order of their paths.

    Names that begin with a dot and folders that end in .tmp or .part are passed over. A file may grow at its end; one
    that shrank or begins otherwise than before (rotated away, or of another folder) is read from its start, and so is
    the gzip that takes a file's place: the lake drops the copies.
    A last line without a newline waits for its rest, unless it is a whole JSON object. Blank lines are dropped, "\r\n"
    becomes "\n", all else comes as it is; of a damaged gzip the lines before the damage come, which may be wrong too.
    Memory: about `batch_bytes` and one more for the batch that the caller still holds. Raises `SourceError`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.jsonl").write_bytes(b'{"event_id": "1"}\n{"event')
    ...     [batch] = ClickLog(Path(folder)).since(None)
    >>> batch.lines, batch.position["files"]
    (b'{"event_id": "1"}\n', {'a.jsonl': 18})
    >>> batch.notes
    ('a.jsonl: 7 bytes at the end are half a line; they are read when the rest is there',)
    """

    folder: Path
    contract: Contract = EVENTS
    batch_bytes: int = 256 * 2**20
    """About the size of a batch of whole lines."""
    longest_line: int = 2**20
    """In bytes, without its newline; a longer one is dead, and never held whole."""
    name: str = "clicks"

    def since(self, position: Position | None) -> Iterator[Batch]:
        """Yield what the files hold beyond `position`: which bytes of each are read, and how it begins."""
        files, gzip, heads = (dict(position[part]) if position else {} for part in _POSITION)
        pack = _Pack(files, gzip, heads)
        found = _find(self.folder, expected=not pack.files)
        pack.forget(found)
        for name, path in found.items():
            for part in self._parts(name, path, pack):
                if pack.size and pack.size + part.size > self.batch_bytes:
                    yield pack.batch()
                pack.add(name, part)
        if pack.size or pack.notes:
            yield pack.batch(last=True)

    def __post_init__(self) -> None:
        if self.batch_bytes < 1 or self.longest_line < 1:
            raise ConfigError(f"expected batch_bytes and longest_line of 1 or more, found {self}")

    def _parts(self, name: str, path: Path, pack: "_Pack") -> Iterator["Lines"]:
        try:
            file = path.open("rb", buffering=0)
        except FileNotFoundError:
            pack.notes.append(f"{shown(name)}: was taken away before it was read")
            return
        except OSError as error:
            raise SourceError(f"{path}: cannot be read ({error.strerror}); {MEND}") from None
        with file:
            size = os.fstat(file.fileno()).st_size
            start = pack.begin(name, file, size)
            packed = name.lower().endswith(".gz")
            if packed and (size == 0 or pack.gzip.get(name) == size):
                return
            pieces = min(_PIECE, self.batch_bytes)
            reader = LineReader(file, name, pieces, self.longest_line)
            if not packed:
                start = pack.restart(name, size) if start > size else start
                yield from reader.parts(reader.plain(start, size), start)
            else:
                yield from reader.parts(reader.unpacked(start), start)
                if reader.whole and reader.length < start:  # nothing was yielded: all of it was skipped
                    file.seek(0)
                    yield from reader.parts(reader.unpacked(0), pack.restart(name, reader.length))
            pack.notes += reader.notes
            if packed and reader.whole and not reader.notes:
                pack.gzip[name] = file.tell()


@dataclass
class _Pack:
    """What is gathered for the next batch, and the position after it."""

    files: dict[str, int] = field(default_factory=dict)
    """Bytes read, unpacked."""
    gzip: dict[str, int] = field(default_factory=dict)
    """Sizes of those that are read whole."""
    heads: dict[str, list[Any]] = field(default_factory=dict)
    """How many first bytes, packed as they lie, have which hash."""
    notes: list[str] = field(default_factory=list)
    lines: BytesIO = field(default_factory=BytesIO)
    dead: list[Dead] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, name: str, part: Lines) -> None:
        self.lines.write(part.lines)
        self.dead += part.dead
        self.names += [name] * (self.names[-1:] != [name])
        self.size += part.size
        self.files[name] = part.end

    def batch(self, last: bool = False) -> Batch:
        position = {part: dict(getattr(self, part)) for part in _POSITION}
        more = f" to {shown(self.names[-1])} ({len(self.names)} files)" if len(self.names) > 1 else ""
        origin = shown(self.names[0]) + more if self.names else "the click log"
        lines = self.lines.getvalue()  # the buffer itself, not a copy: it is given up on the next line
        self.lines = BytesIO()
        dead, self.dead, self.names, self.size = tuple(self.dead), [], [], 0
        return Batch(lines, position, origin, dead, notes=tuple(self.notes) if last else ())

    def begin(self, name: str, file: FileIO, size: int) -> int:
        """Return where to go on in a file: at its start, unless it begins as it did when it was read."""
        if name in self.files and self.heads[name] != _head(file, self.heads[name][0]):
            self.notes.append(f"{shown(name)}: begins otherwise than before; it is read from its start")
            del self.files[name]
            self.gzip.pop(name, None)
        self.heads[name] = _head(file, min(size, _HEAD))
        file.seek(0)
        return self.files.get(name, 0)

    def forget(self, found: dict[str, Path]) -> None:
        """Take from the position what is no longer there, so that a file of that name is read from its start."""
        gone = [name for name in self.files if name not in found]
        for name in gone:
            del self.files[name]
        self.heads = {name: head for name, head in self.heads.items() if name in found}
        self.gzip = {name: size for name, size in self.gzip.items() if name in found}
        if gone:
            files = f"{shown(gone[0])}: was read and is" if len(gone) == 1 else f"{len(gone)} files were read and are"
            self.notes.append(f"{files} no longer there")

    def restart(self, name: str, size: int) -> int:
        said = f"{shown(name)}: shrank from {self.files[name]} to {size} bytes; it is read again from its start"
        self.notes.append(said)
        self.files[name] = 0
        return 0


def _head(file: FileIO, size: int) -> list[Any]:
    file.seek(0)
    return [size, hashlib.sha256(file.read(size)).hexdigest()[:16]]


def _find(folder: Path, expected: bool) -> dict[str, Path]:
    """Return the files by their names below the folder; real folders go before links, and none is entered twice."""
    found: dict[str, Path] = {}
    others: list[str] = []
    seen: set[tuple[int, int]] = set()
    links = [(folder, "")]
    try:
        while links:
            queue, links = sorted(links, key=lambda link: link[1]), []
            for place, prefix in queue:
                todo = [(place, prefix)]
                while todo:
                    here, below = todo.pop()
                    status = here.stat()
                    if (key := (status.st_dev, status.st_ino)) in seen:
                        continue
                    seen.add(key)
                    for entry in list(os.scandir(here)):
                        if entry.name.startswith(".") or entry.name.endswith((".tmp", ".part")):
                            continue
                        name, path = below + entry.name, Path(entry.path)
                        if entry.is_dir():
                            (links if entry.is_symlink() else todo).append((path, name + "/"))
                        elif not entry.name.lower().endswith(_ENDINGS):
                            others.append(name)
                        elif entry.is_symlink() and not path.exists():
                            raise SourceError(f"{path}: cannot be read (a link to nothing); {MEND}")
                        elif entry.is_file():
                            found[name] = path
    except OSError as error:
        raise SourceError(f"{error.filename or folder}: cannot be read ({error.strerror}); {MEND}") from None
    if expected and others and not found:
        raise SourceError(f"{folder}: expected files *.jsonl, *.json or *.ndjson, found {shown(min(others))}")
    return dict(sorted(found.items()))
