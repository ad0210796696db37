"""What a run of ingestion brought: counts by source, and the hash of the events as they now are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlsd_lab.ingestion.content import content_hash
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect


@dataclass(frozen=True)
class Counts:
    """What became of the records that a source gave: read = kept + duplicates + dead + erased.

    >>> Counts(read=3, kept=2, duplicates=1) + Counts(read=1, dead=1)
    Counts(read=4, kept=2, duplicates=1, dead=1, erased=0)
    """

    read: int = 0
    kept: int = 0
    """Rows that the table did not have."""
    duplicates: int = 0
    """Copies of a row that it has, or that came earlier in the batch."""
    dead: int = 0
    """Refused, and laid down in `dead_letters` unless they name an erased user."""
    erased: int = 0
    """Of users who were erased: dropped."""

    def __add__(self, other: "Counts") -> "Counts":
        ours, theirs = vars(self), vars(other)
        return Counts(**{name: ours[name] + theirs[name] for name in ours})


@dataclass(frozen=True)
class Intake:
    """What one source brought in one run."""

    source: str
    table: str
    counts: Counts = Counts()
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    """What a person should know: files cut short, fields that the contract does not name."""
    trouble: str | None = None
    """Why it could not be read to its end, where the lake's older rows serve instead."""
    age_seconds: float | None = None
    """Then: how long ago it could."""

    @property
    def per_second(self) -> float | None:
        """Records read a second."""
        return round(self.counts.read / self.seconds) if self.seconds and self.counts.read else None


def summary(lake: Lake, intakes: Sequence[Intake]) -> dict[str, Any]:
    """Return a run's counts, JSON-ready: those of the click log on top, all sources' below, and the events' hash.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = summary(Lake(folder), [Intake("clicks", "events", Counts(read=3, kept=2, dead=1), seconds=0.5)])
    >>> found["kept"], found["events_per_s"], found["rows"], found["content_hash"][:8]
    (2, 6, 0, 'e3b0c442')
    """
    events = lake.table("events")
    clicks = next((one for one in intakes if one.table == "events"), Intake("clicks", "events"))
    return {
        "events_per_s": clicks.per_second,
        **vars(clicks.counts),
        "rows": events.rows,
        "content_hash": content_hash(connect(), events),
        "sources": {one.source: _about(lake, one) for one in intakes},
    }


def _about(lake: Lake, one: Intake) -> dict[str, Any]:
    total = lake.table(one.table).states.get(one.source, {}).get("counts", vars(Counts()))
    trouble = {"trouble": one.trouble, "age_seconds": one.age_seconds} if one.trouble else {}
    return {**vars(one.counts), "seconds": round(one.seconds, 3), "notes": list(one.notes), **trouble, "total": total}
