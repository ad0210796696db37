"""Where the events of a stream go."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from mlsd_lab.ingestion.source import Dead, Position

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Arrived:
    """A piece of a stream, parted into what is on time, what is late and what is no event.

    >>> from mlsd_lab.ingestion.parsing import connect
    >>> position, at = {"stream": "s", "offset": 2, "newest": None}, datetime(2026, 1, 1)
    >>> Arrived(connect(), position, at, on_time=0, late=0, dead=()).position["offset"]
    2
    """

    connection: "DuckDBPyConnection"
    """Its table `parsed` has the events on time, `late` the others: columns as in the contract, and `event_date`.

    In `late` the flag `correction` tells what is not new: the stream had another event of that id before.
    """
    position: Position
    """Where a sink stands once it has taken all of this: the stream's id, the offset, the newest `occurred_at` (µs).

    And a hash of the last record, by which a stream that was set back to an older copy is told.
    """
    at: datetime
    """When it was read."""
    on_time: int
    late: int
    """Behind the watermark when they came, or corrections: the stream had another record of the same id before.

    A stream does not know contracts, so that other record may have been one that was refused: what is sent again,
    mended, waits with the late ones for the correction.
    """
    dead: tuple[Dead, ...]


class StreamSink(Protocol):
    """Whatever takes events and remembers in the same transaction how far it has come.

    So an event that is delivered again, after a crash, changes nothing. A lake is one; so is an online store.

    >>> class Counter:
    ...     events, at = 0, None
    ...     def position(self):
    ...         return self.at
    ...     def apply(self, arrived):
    ...         self.events, self.at = self.events + arrived.on_time, arrived.position
    >>> sink: StreamSink = Counter()
    """

    def position(self) -> Position | None:
        """Return what it committed last, `None` if it has nothing yet."""

    def apply(self, arrived: Arrived) -> None:
        """Take a piece and its position, both or neither; raise `ConflictError` where another consumer was first."""
