"""A log in which each line covers all before it: what is changed, moved or taken away shows."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

from mlsd_lab.errors import ArtifactError, ConfigError
from mlsd_lab.features.access.anchor import SIZE, Anchor
from mlsd_lab.features.access.held_files import held_files
from mlsd_lab.features.access.verdict import Verdict

UNSYNCED = 1_000  # entries that a power cut may take, at most


class ChainedLog:
    """JSON lines that are only ever added to, by any number of threads and processes; see decision 0024.

    Each line begins with the SHA-256 of the one before it and of itself, and a file beside it (`.anchor`) says where
    the log ends. An entry is in the file when `append` returns: killing the process loses none. With `sync=False` it
    may not be on the disk yet: a power cut takes at most `unsynced` entries, and the log then says so in an entry
    "mended". `boot` names this run of the operating system; where that is not known everything is synced.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = ChainedLog(Path(folder, "reads.log"))
    ...     log.append({"what": "read"}); log.append({"what": "refused"})
    ...     _ = log.path.write_bytes(log.path.read_bytes().replace(b"refused", b"allowed"))
    ...     log.verify().broken.partition(": ")[2][:79]
    'entry 2 does not follow from those before it: changed, removed, put in or moved'
    """

    def __init__(self, path: Path, unsynced: int = UNSYNCED, boot: str | None = None) -> None:
        self.path, self._anchor_path = path, path.with_name(path.name + ".anchor")
        self._start = Anchor(hashlib.sha256(f"mlsd_lab {path.name}".encode()).hexdigest())
        self._boot = _boot() if boot is None else boot
        self._unsynced = unsynced if self._boot else 0

    def append(self, entry: Mapping[str, Any], sync: bool = True) -> None:
        """Add an entry. Raises `ArtifactError` where the log was tampered with, `StorageError` where it cannot grow."""
        with held_files(self.path, self._anchor_path) as (log, stored):
            anchor, sync = self._mended(log, stored, entry.get("at")), sync or not self._unsynced
            if not sync and anchor.entries >= anchor.promised:
                os.fsync(log)
                promised = anchor.entries + self._unsynced
                anchor = replace(anchor, synced=anchor.entries, promised=promised, boot=self._boot)
                _store(stored, anchor, sync=True)
            anchor = _written(log, anchor, entry)
            if sync:
                os.fsync(log)
                anchor = replace(anchor, synced=anchor.entries, promised=max(anchor.promised, anchor.entries))
            _store(stored, anchor)

    def close(self) -> None:
        """Sync what is not, so that a restart of the machine has nothing to ask about."""
        if not self._anchor_path.exists():
            return
        with held_files(self.path, self._anchor_path) as (log, stored):
            anchor = self._anchor(stored, log)
            if not anchor.interrupted(self._boot) and anchor.promised > anchor.synced:
                os.fsync(log)
                _store(stored, replace(anchor, synced=anchor.entries, promised=anchor.entries), sync=True)

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield entries from the first on, checked; raises `ArtifactError` where one does not follow, or is missing."""
        for _, text in self._checked(*self._snapshot()):
            yield _entry(self.path, text)

    def verify(self, receipt: str = "", each: Callable[[dict[str, Any]], None] = lambda _entry: None) -> Verdict:
        """Check the whole log, and that what a receipt of it was given for is there unchanged.

        `each` is handed the entries as they are checked, up to where something is wrong.
        """
        at, mended, broken = self._start, [], ""
        try:
            anchor, size = self._snapshot()
            for at, text in self._checked(anchor, size, receipt):
                each(entry := _entry(self.path, text))
                if entry["what"] == "mended":
                    mended.append(f"{self.path}: entry {at.entries}: {entry.get('why')}")
            if anchor.interrupted(self._boot):
                mended.append(f"{self.path}: at its end {_lost(anchor, at)}")
        except ArtifactError as error:
            broken = str(error)
        return Verdict(at.entries, f"{at.entries} {at.sha256}", broken, tuple(mended))

    def _snapshot(self) -> tuple[Anchor, int]:
        """Return the anchor and the log's length as of one moment."""
        if not self.path.exists() and not (self._anchor_path.exists() and self._anchor_path.stat().st_size):
            return self._start, 0
        with held_files(self.path, self._anchor_path, write=False) as (log, stored):
            return self._anchor(stored, log), os.fstat(log).st_size

    def _checked(self, anchor: Anchor, size: int, receipt: str = "") -> Iterator[tuple[Anchor, bytes]]:
        """Yield each entry's text with the place behind it, as far as they follow; raise where something is wrong."""
        number, digest = _receipt(receipt)
        at = self._start
        if receipt and not number and digest != at.sha256:
            raise self._wrong("the receipt is of no entry of this log")
        with self.path.open("rb") if size else BytesIO() as file:
            while at.length < size and (after := at.after(line := file.readline(size - at.length))) is not None:
                at = after
                if at.entries == anchor.entries and at.sha256 != anchor.sha256:
                    raise self._wrong(f"entry {at.entries} is not the one its anchor knows")
                if at.entries == number and at.sha256 != digest:
                    raise self._wrong(f"entry {number} is not the one that the receipt was given for")
                yield at, line[65:-1]
            file.seek(at.length)
            self._check_end(at, anchor, file.read(size - at.length))
        if number > at.entries:
            raise self._wrong(f"the receipt was given for {number} entries, {at.entries} are there")

    def _check_end(self, at: Anchor, anchor: Anchor, rest: bytes) -> None:
        """Raise unless the log ends where it may: what follows is at most a line that a crash cut short."""
        interrupted = anchor.interrupted(self._boot)
        least = anchor.synced if interrupted else anchor.entries
        if (b"\n" in rest and not interrupted) or (rest and at.entries < least):
            raise self._wrong(
                f"entry {at.entries + 1} does not follow from those before it: changed, removed, put in or moved"
            )
        if at.entries < least:
            raise self._wrong(f"{least} entries were written, {at.entries} are there: it was shortened")

    def _mended(self, log: int, stored: int, at: Any) -> Anchor:
        """Return where the log ends, after what a crash left is taken away and said."""
        anchor, size = self._anchor(stored, log), os.fstat(log).st_size
        interrupted = anchor.interrupted(self._boot)
        if size == anchor.length and not interrupted:
            if not anchor.entries:
                self._begin(stored)
            return anchor
        if size < anchor.length and not interrupted:
            raise self._wrong(f"{anchor.length} bytes were written, {size} are there: it was shortened")
        end = self._start if interrupted else anchor
        with self.path.open("rb") as file:
            file.seek(end.length)
            while (after := end.after(file.readline())) is not None:
                end = after
            file.seek(end.length)
            rest = file.read()
        self._check_end(end, anchor, rest)
        end = replace(anchor, sha256=end.sha256, entries=end.entries, length=end.length)
        if rest or interrupted:
            why = f"{len(rest)} bytes of an entry that was cut short were taken away" if rest else ""
            if interrupted:
                why = f"before this one {_lost(anchor, end)}"
            os.ftruncate(log, end.length)
            end = _written(log, end, {"what": "mended", "at": at, "why": why})
            os.fsync(log)
            end = replace(end, synced=end.entries, promised=end.entries if interrupted else end.promised)
            _store(stored, end, sync=True)
        return end

    def _wrong(self, what: str) -> ArtifactError:
        return ArtifactError(f"{self.path}: {what}. Keep the files for whoever looks into it, and bring back a copy")

    def _begin(self, stored: int) -> None:
        _store(stored, self._start, sync=True)  # a log without an anchor would look as if it had been removed
        for folder in self.path.resolve().parents[:2]:
            handle = os.open(folder, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)

    def _anchor(self, stored: int, log: int) -> Anchor:
        found = os.pread(stored, SIZE + 1, 0)
        if found:
            return Anchor.of(found, str(self._anchor_path))
        if os.fstat(log).st_size:
            raise ArtifactError(f"{self._anchor_path}: expected the anchor of a log that is there, found none: removed")
        return self._start


def _written(log: int, anchor: Anchor, entry: Mapping[str, Any]) -> Anchor:
    line = anchor.line(json.dumps(entry, separators=(",", ":")).encode())
    if os.write(log, line) != len(line):  # the disk is full
        os.ftruncate(log, anchor.length)
        raise OSError(0, "no space is left for an entry")
    return anchor.after(line) or anchor


def _store(stored: int, anchor: Anchor, sync: bool = False) -> None:
    if os.pwrite(stored, anchor.to_bytes(), 0) != SIZE:  # the first one, on a disk that is full
        os.ftruncate(stored, 0)
        raise OSError(0, "no space is left for an anchor")
    if sync:
        os.fsync(stored)


def _lost(anchor: Anchor, end: Anchor) -> str:
    return f"up to {anchor.promised - end.entries} entries may be lost: the machine stopped before they were synced"


def _entry(path: Path, text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("what"), str):
        raise ArtifactError(f"{path}: expected entries of JSON, found {text[:40]!r}")
    return found


def _receipt(text: str) -> tuple[int, str]:
    number, _, digest = text.partition(" ")
    if not text:
        return 0, ""
    if not (number.isascii() and number.isdecimal() and len(number) < 20 and len(digest) == 64):
        raise ConfigError(f"receipt: expected a number and a SHA-256, found {text!r}")
    return int(number), digest


def _boot() -> str:
    """Return what Linux calls this run of its kernel, nothing on other systems."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
