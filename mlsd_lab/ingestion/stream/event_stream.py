"""What an event stream is: records in the order in which they came, each known by its offset."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

Entry = tuple[bytes, bool]
"""A record, and whether it is a correction."""
LONGEST = 2**20
"""Bytes of the longest record that a stream takes."""
READ_BYTES = 64 * 2**20
"""A piece that is read ends with the record that makes it larger than this, however many were asked for."""


@dataclass(frozen=True)
class Receipt:
    """What became of records that were appended; they are on the disk when it is handed out.

    >>> Receipt(end=12, taken=2, corrections=1, copies=1)
    Receipt(end=12, taken=2, corrections=1, copies=1)
    """

    end: int
    """The stream's end after them."""
    taken: int
    """So many were added."""
    corrections: int
    """Of those: an earlier record of the stream has the same id and other content."""
    copies: int
    """Not added: the stream holds the same record."""


@dataclass(frozen=True)
class Records:
    """A piece of a stream.

    >>> Records(7, (b"{}", b"{}")).end
    9
    """

    offset: int
    """Of the first record."""
    records: tuple[bytes, ...]
    corrections: frozenset[int] = frozenset()
    """Offsets of records whose id an earlier one had, with other content."""

    @classmethod
    def of(cls, offset: int, entries: Iterable[Entry]) -> "Records":
        """Take entries from an offset on, as they come, until there are none or they are large enough for a piece.

        >>> Records.of(7, [(b"{}", False), (b'{"a": 1}', True)]).corrections
        frozenset({8})
        """
        records, corrections, size = list[bytes](), set[int](), 0
        for at, (record, correction) in enumerate(entries, offset):
            records.append(record)
            if correction:
                corrections.add(at)
            size += len(record)
            if size > READ_BYTES:
                break
        return cls(offset, tuple(records), frozenset(corrections))

    @property
    def end(self) -> int:
        """The offset after the last record."""
        return self.offset + len(self.records)


class EventStream(Protocol):
    """An append-only log; offsets count from 0, without gaps, and are never given twice.

    A copy of a record is dropped as long as the first lies in the stream: the horizon of deduplication is what is not
    yet trimmed. Bytes are kept as they come. Raises `StorageError` where the stream cannot be used.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from mlsd_lab.ingestion.stream.sqlite_stream import SqliteStream
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     stream: EventStream = SqliteStream(Path(folder, "stream.db"))
    ...     first = stream.append([b'{"event_id": "a"}', b'{"event_id": "b"}'])
    ...     again = stream.append([b'{"event_id": "a"}'])
    ...     found = stream.read(1, limit=10)
    ...     stream.close()
    >>> first.taken, again.copies, found.records
    (2, 1, (b'{"event_id": "b"}',))
    """

    @property
    def id(self) -> str:
        """A name that no other stream has, also not one made anew in its place."""

    @property
    def begin(self) -> int:
        """The offset of the first record that was not trimmed."""

    @property
    def end(self) -> int:
        """The offset that the next record will have."""

    def append(self, records: Sequence[bytes]) -> Receipt:
        """Add those records that the stream does not hold, all or none; return when they are on the disk.

        Raises `DataError` for a record of more than `LONGEST` bytes.
        """

    def read(self, offset: int, limit: int) -> Records:
        """Return up to `limit` records from `offset` on, fewer where they are large (`READ_BYTES`), none at the end.

        Raises `ConfigError` for an offset beyond the end, or one that was trimmed away.
        """

    def trim(self, before: int) -> int:
        """Let records with an offset smaller than `before` go, and return how many there were."""

    def close(self) -> None:
        """Let go of files and connections; the stream can be opened again."""
