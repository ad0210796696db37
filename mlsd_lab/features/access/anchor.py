"""Where a chained log stands, kept beside it: its end, which a file cannot prove of itself."""

import hashlib
from dataclasses import dataclass, replace

from mlsd_lab.errors import ArtifactError

SIZE = 320  # bytes of a stored anchor: within one sector of a disk, so that it is written whole
NO_BOOT, _HEX = "unknown", 64


@dataclass(frozen=True)
class Anchor:
    """A place in a chain of lines: how many there are, and the SHA-256 that covers them all.

    A line is the SHA-256 of the one before it and of its own text, in hexadecimal, a space, the text, a line feed.

    >>> start = Anchor(sha256="0" * 64)
    >>> line = start.line(b"first")
    >>> start.after(line).entries, start.after(line.replace(b"first", b"worst"))
    (1, None)
    """

    sha256: str
    entries: int = 0
    length: int = 0
    """Of the file up to here, in bytes."""
    synced: int = 0
    """So many entries were on the disk for certain."""
    promised: int = 0
    """Entries with numbers up to this may have been written without being synced."""
    boot: str = ""
    """The run of the operating system that was said in."""

    def line(self, text: bytes) -> bytes:
        """Return the line that carries a text, if it follows here."""
        return hashlib.sha256(self.sha256.encode() + text).hexdigest().encode() + b" " + text + b"\n"

    def after(self, line: bytes) -> "Anchor | None":
        """Return the place behind a line, None where that does not follow from here."""
        if line != self.line(line[_HEX + 1 : -1]):
            return None
        return replace(self, sha256=line[:_HEX].decode(), entries=self.entries + 1, length=self.length + len(line))

    def interrupted(self, boot: str) -> bool:
        """Say whether the system went down while entries may have waited to be synced."""
        return self.promised > self.synced and self.boot != boot

    def to_bytes(self) -> bytes:
        """Return it as stored: a checksum and its fields."""
        fields = f"{self.sha256} {self.entries} {self.length} {self.synced} {self.promised} {self.boot or NO_BOOT}"
        text = fields.ljust(SIZE - _HEX - 2)
        return f"{hashlib.sha256(text.encode()).hexdigest()} {text}\n".encode()

    @classmethod
    def of(cls, stored: bytes, name: str) -> "Anchor":
        """Return what is stored; raises `ArtifactError` for anything else."""
        try:
            _, sha256, *numbers, boot = stored.decode("ascii").split()
            entries, length, synced, promised = map(int, numbers)
            found = cls(sha256, entries, length, synced, promised, "" if boot == NO_BOOT else boot)
            if found.to_bytes() == stored:
                return found
        except ValueError:
            pass
        raise ArtifactError(f"{name}: expected an anchor with its checksum, found {stored[:40]!r}: it was changed")
