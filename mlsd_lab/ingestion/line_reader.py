"""One file of JSON lines, plain or gzip: its whole lines, in bounded memory."""

import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from mlsd_lab.errors import SourceError
from mlsd_lab.ingestion.source import Dead

MEND = "see that the file and its folder can be read, or take it out of the folder, and ingest again"
"""What to do where a file cannot be read."""
_PACKED_PIECE = 2**16  # deflate makes at most 1032 bytes of one, so no piece unpacks to more than 66 MiB
_HEAD = 64_000


@dataclass(frozen=True)
class Lines:
    r"""Whole lines of one file, where they end in it, and how many bytes were read for them.

    >>> Lines(b"{}\n", end=3, size=3).dead
    ()
    """

    lines: bytes
    end: int
    size: int
    dead: tuple[Dead, ...] = ()


@dataclass
class _Long:
    """A line that is too long to be held."""

    head: bytes = b""
    size: int = 0
    sha256: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def add(self, piece: bytes) -> "_Long":
        self.head += piece[: _HEAD - len(self.head)]
        self.size += len(piece)
        self.sha256.update(piece)
        return self

    def dead(self, name: str, longest: int) -> Dead:
        reason = f"expected a line of at most {longest} bytes, found one of {self.size}"
        return Dead(self.head, reason, shown(name), self.size, self.sha256.hexdigest())


@dataclass
class LineReader:
    r"""One open file: its pieces, and the whole lines that they make; hand `plain` or `unpacked` to `parts`.

    >>> from io import BytesIO
    >>> reader = LineReader(BytesIO(b"{}\r\n\n[1"), "a.jsonl", piece=4, longest=100)
    >>> [(part.lines, part.end) for part in reader.parts(reader.plain(0, 7), 0)]
    [(b'{}\n', 4), (b'', 5)]
    >>> reader.notes
    ['a.jsonl: 2 bytes at the end are half a line; they are read when the rest is there']
    """

    file: BinaryIO
    name: str
    piece: int
    longest: int
    notes: list[str] = field(default_factory=list)
    damage: Dead | None = None
    whole: bool = False
    length: int = 0

    def plain(self, start: int, size: int) -> Iterator[bytes]:
        """Yield what the file held when it was opened: a writer may be faster than we are."""
        self.file.seek(start)
        while start < size and (data := self._read(min(self.piece, size - start))):
            start += len(data)
            yield data

    def unpacked(self, start: int) -> Iterator[bytes]:
        """Yield the content beyond `start`; set `whole`, or add the note that says why it is not."""
        self.length, unpack, begun = 0, zlib.decompressobj(31), False
        while data := self._read(_PACKED_PIECE):
            while data and not self.damage:
                if unpack.eof:
                    unpack, begun, data = zlib.decompressobj(31), False, data.lstrip(b"\0")  # members may be padded
                safe, begun = unpack.copy(), begun or bool(data)
                try:
                    content = unpack.decompress(data)
                    data = unpack.unused_data
                except zlib.error as error:
                    content, data = _before_the_damage(safe, data)
                    self.damage = self._damaged(data, error)
                skipped = min(max(start - self.length, 0), len(content))
                self.length += len(content)
                for at in range(skipped, len(content), self.piece):
                    yield content[at : at + self.piece]
            if self.damage:
                return
        self.whole = unpack.eof or not begun
        if not self.whole:
            self.notes.append(f"{shown(self.name)}: the gzip is cut short; the rest is read when it is there")

    def parts(self, pieces: Iterator[bytes], at: int) -> Iterator[Lines]:
        """Yield the whole lines of the pieces, the first of which begins at byte `at` of the content."""
        rest, long = b"", None
        for piece in pieces:
            ended = 0
            dead: list[Dead] = []
            if long:
                end = piece.find(b"\n")
                long.add(piece if end < 0 else piece[:end])
                if end < 0:
                    continue
                dead, ended, piece = [long.dead(self.name, self.longest)], long.size + 1, piece[end + 1 :]
                long = None
            block = rest + piece
            cut = block.rfind(b"\n") + 1
            rest = block[cut:]
            if len(rest) > self.longest:
                long, rest = _Long().add(rest), b""
            lines, found = self._without_long(block[:cut])
            at += ended + cut
            if ended or cut:
                yield Lines(_tidy(lines), at, cut + sum(len(one.record) for one in dead) + 1, (*dead, *found))
        if self.damage:
            self.notes.append(f"{shown(self.name)}: {self.damage.reason}; the lines before the damage are read")
            yield Lines(b"", at, len(self.damage.record) + 1, (self.damage,))
        elif not long and _is_object(rest):
            yield Lines(_tidy(rest + b"\n"), at + len(rest), len(rest))
        elif left := long.size if long else len(rest) * bool(rest.strip()):
            half = f"{left} bytes at the end are half a line; they are read when the rest is there"
            self.notes.append(f"{shown(self.name)}: {half}")

    def _without_long(self, block: bytes) -> tuple[bytes, list[Dead]]:
        """Part the whole lines from those too long; a step goes over as many lines as one line may be long."""
        at, begin = 0, 0
        good: list[bytes] = []
        dead: list[Dead] = []
        while at < len(block):
            end = block.rfind(b"\n", at, at + self.longest + 1)
            if end < 0:
                end = block.index(b"\n", at)
                dead.append(_Long().add(block[at:end]).dead(self.name, self.longest))
                good.append(block[begin:at])
                begin = end + 1
            at = end + 1
        return (b"".join([*good, block[begin:]]) if dead else block), dead

    def _damaged(self, rest: bytes, error: zlib.error) -> Dead:
        packed = _Long().add(rest)
        at = self.file.tell() - len(rest)
        while data := self._read(_PACKED_PIECE):
            packed.add(data)
        reason = f"expected a gzip, found other bytes or a wrong checksum at byte {at} ({error})"
        return Dead(packed.head, reason, shown(self.name), packed.size, packed.sha256.hexdigest())

    def _read(self, size: int) -> bytes:
        try:
            return self.file.read(size)
        except OSError as error:
            raise SourceError(f"{self.name}: cannot be read ({error.strerror}); {MEND}") from None


def _before_the_damage(unpack: "zlib._Decompress", data: bytes) -> tuple[bytes, bytes]:
    """Unpack byte by byte up to the one that fails; return the content and the bytes from there on."""
    content = bytearray()
    for at in range(len(data)):
        try:
            content += unpack.decompress(data[at : at + 1])
        except zlib.error:
            return bytes(content), data[at if content else 0 :]
    return bytes(content), b""


def _tidy(lines: bytes) -> bytes:
    """Drop blank lines and the returns before newlines; numpy tells in passing that a block has neither."""
    if b"\r" in lines:
        lines = lines.replace(b"\r\n", b"\n")
    codes = np.frombuffer(lines, np.uint8)
    starts = np.flatnonzero(codes == 10)[:-1] + 1
    suspects = starts[codes[starts] <= 32].tolist()  # lines that begin with a blank or a control code
    if lines and lines[0] <= 32:
        suspects.insert(0, 0)
    if not suspects:
        return lines
    kept, begin = [], 0
    for at in suspects:
        end = lines.index(b"\n", at) + 1
        if not lines[at:end].strip():
            kept.append(lines[begin:at])
            begin = end
    return b"".join([*kept, lines[begin:]])


def _is_object(tail: bytes) -> bool:
    try:
        return tail.rstrip().endswith(b"}") and isinstance(json.loads(tail), dict)
    except (ValueError, RecursionError):
        return False


def shown(name: str) -> str:
    r"""Return a file's name as text: it may hold bytes that are none.

    >>> shown("caf\udce9.jsonl")
    'caf?.jsonl'
    """
    return name.encode("utf-8", "replace").decode()
