"""What a source of raw data is: records since a position, and the next position."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from mlsd_lab.ingestion.contract import Contract

Position = Mapping[str, Any]
"""Where a source stands: JSON-ready, made by the source, committed with the rows, handed back to it."""


@dataclass(frozen=True)
class Dead:
    """A record that cannot be read as a line: its bytes (of a huge one the first 64 kB), and what is wrong with it.

    >>> Dead(b"{", "a line cut short", "clicks-1.jsonl", size=1, sha256="0" * 64).reason
    'a line cut short'
    """

    record: bytes
    reason: str
    origin: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Batch:
    """Records of one source and where it stands after them.

    >>> Batch(b'{"user_id": "ann"}\\n', {"page": 1}, origin="page 1").lines.count(b"\\n")
    1
    """

    lines: bytes
    """One JSON object a line, each line ended by a newline; as it came, so it may be broken."""
    position: Position
    """Hand it to `since` to go on after this batch."""
    origin: str
    """Where the records came from, as a person would look for it: file names, a table, a page."""
    dead: tuple[Dead, ...] = ()
    """What could not even become a line."""
    present: frozenset[str] | None = None
    """All ids that the source now holds, where it tells of deletes in no other way; the lake's others are deleted."""
    notes: tuple[str, ...] = ()
    """What a person should know, such as a file cut short; none of it stops the run."""


class Source(Protocol):
    """Records since a position; `name` names the position in the lake, `contract` what each record must look like.

    A batch that was read twice holds the same records; the lake drops what it has. A source that has nothing new
    yields nothing. Raises `SourceError` where it cannot be read at all.

    >>> from mlsd_lab.ingestion.contracts import USERS
    >>> class Friends:
    ...     name, contract = "friends", USERS
    ...     def since(self, position):
    ...         if position is None:
    ...             yield Batch(b'{"user_id": "ann", "updated_at": "2026-01-31T00:00:00Z"}\\n', {"read": 1}, "by hand")
    >>> source: Source = Friends()
    >>> [batch.position for batch in source.since(None)], [*source.since({"read": 1})]
    ([{'read': 1}], [])
    """

    name: str
    contract: Contract

    def since(self, position: Position | None) -> Iterator[Batch]:
        """Yield what came after `position` (`None`: everything), in batches of bounded size."""
