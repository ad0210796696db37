"""What a lake table looks like: its columns, what makes two rows copies, and how it is partitioned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mlsd_lab.ingestion.contract import Contract

TYPES = {"text": "VARCHAR", "whole": "INTEGER", "number": "DOUBLE", "flag": "BOOLEAN", "moment": "TIMESTAMPTZ"}
"""A field's kind as a column of DuckDB."""
PARTITION = "event_date"
"""The partition column: the UTC date of a contract's moment `date`, or of a served row's `as_of`."""


def among(dates: Sequence[str]) -> str:
    """Return the SQL condition that a row lies in one of some partitions.

    >>> among(["2026-01-01"])
    "event_date IN (DATE '2026-01-01')"
    """
    return f"{PARTITION} IN ({', '.join(f'DATE {date!r}' for date in dates)})" if dates else "false"


@dataclass(frozen=True)
class Shape:
    """Name, columns with their DuckDB types, and key of a table of the lake.

    >>> from mlsd_lab.ingestion.contracts import USERS
    >>> Shape.of(USERS).columns["signed_up_at"]
    'TIMESTAMPTZ'
    """

    name: str
    columns: dict[str, str]
    key: tuple[str, ...]
    first: str | None = None
    """Of copies that differ the one with the earliest of this column stays; a tie goes to the smallest hash."""
    partitioned: bool = False
    """By `event_date`, which then stands after the columns."""

    @classmethod
    def of(cls, contract: Contract) -> "Shape":
        """Return the table that the records of a contract land in."""
        columns = {field.name: TYPES[field.kind] for field in contract.fields}
        return cls(contract.name, columns, contract.key, contract.first, contract.date is not None)

    @property
    def all_columns(self) -> dict[str, str]:
        """The columns as stored, with the partition's where there is one."""
        return self.columns | ({PARTITION: "DATE"} if self.partitioned else {})

    def with_columns(self, stored: Mapping[str, str]) -> "Shape":
        """Return the shape with further columns that a stored table has, after its own."""
        more = {name: kind for name, kind in stored.items() if name not in self.all_columns}
        return replace(self, columns=self.columns | more)

    @property
    def late(self) -> "Shape":
        """The table beside it in which rows wait that came late from a stream."""
        return replace(self, name=f"late_{self.name}")

    @property
    def nothing(self) -> str:
        """SQL for no rows of this shape."""
        columns = (f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in self.all_columns.items())
        return f"SELECT {', '.join(columns)} WHERE false"


DEAD_LETTERS = Shape(
    "dead_letters",
    {
        "source": "VARCHAR",
        "sha256": "VARCHAR",
        "origin": "VARCHAR",
        "reason": "VARCHAR",
        "record": "BLOB",
        "size": "BIGINT",
        "seen_at": "TIMESTAMPTZ",
    },
    key=("source", "sha256"),
    first="seen_at",
)
"""What was refused: its first 64 kB as they came, the size and hash of all of it, and why."""
SERVED = Shape(
    "served",
    {
        "request_id": "VARCHAR",
        "user_id": "VARCHAR",
        "video_id": "VARCHAR",
        "rank": "BIGINT",
        "score": "DOUBLE",
        "as_of": "TIMESTAMPTZ",
        "position_absorbed": "BIGINT",
        "newest_known_at": "TIMESTAMPTZ",
        "tile": "BIGINT",
        "surface": "VARCHAR",
        "retrieval_score": "DOUBLE",
        "bundle": "VARCHAR",
        "degraded": "VARCHAR",
    },
    key=("request_id", "video_id"),
    partitioned=True,
)
"""A row a video shown, by the UTC date of `as_of`; a feature's values stand in a column of its name after these."""
ERASED = Shape("erased", {"user": "VARCHAR", "erased_at": "TIMESTAMPTZ"}, key=("user",), first="erased_at")
"""SHA-256 of the ids of erased users, so that a late copy does not bring one back."""
