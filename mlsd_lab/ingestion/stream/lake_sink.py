"""The lake as the sink of a stream: events on time, late events and dead letters, each into its table."""

from typing import TYPE_CHECKING, Any

from mlsd_lab.ingestion.admit import admit, write
from mlsd_lab.ingestion.contract import Contract
from mlsd_lab.ingestion.contracts import EVENTS
from mlsd_lab.ingestion.dead_letters import bury
from mlsd_lab.ingestion.erased_users import ErasedUsers
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.lake_table import LakeTable
from mlsd_lab.ingestion.shape import Shape
from mlsd_lab.ingestion.source import Position
from mlsd_lab.ingestion.stream.stream_sink import Arrived

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class LakeSink:
    """A `StreamSink` that adds events to the lake's `events`, those that are late to `late_events`.

    The position is committed with the events. Dead letters and late events are written before: after a crash in
    between they come again, and are known; where the late events stand further, who reads both tables knows of it.
    `source` names the stream among the sources of dead letters and positions.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     LakeSink(Lake(folder)).position() is None
    True
    """

    def __init__(self, lake: Lake, contract: Contract = EVENTS, source: str = "stream") -> None:
        self._lake, self._source = lake, source
        self._shape = Shape.of(contract)
        self._events: LakeTable | None = None

    def position(self) -> Position | None:
        """Return what was committed last, by whomever; what is applied next must follow it."""
        self._events = self._lake.table(self._shape)
        self._erased = ErasedUsers(self._lake)  # after the table was opened, as it asks
        state = self._events.states.get(self._source)
        return None if state is None else state["position"]

    def apply(self, arrived: Arrived) -> None:
        """Write a piece into its tables; raise `ConflictError` where the events were written to since `position`."""
        if self._events is None:
            self.position()
        assert self._events is not None
        connection = arrived.connection
        bury(self._lake, self._source, arrived.dead, arrived.at)
        state = {"position": dict(arrived.position), "at": arrived.at.isoformat()}
        if arrived.late:
            self._put_aside(connection, state)
        self._erased.drop(connection)
        write(connection, self._events, admit(connection, self._events), {self._source: state})

    def _put_aside(self, connection: "DuckDBPyConnection", state: dict[str, Any]) -> None:
        """Add `late` to the late events; a table is written from `parsed`, so the two change places meanwhile."""
        connection.execute("ALTER TABLE parsed RENAME TO on_time")
        connection.execute("ALTER TABLE late RENAME TO parsed")
        table = self._lake.table(self._shape.late)
        ErasedUsers(self._lake).drop(connection)  # anew: this table was opened later than the events
        admitted = admit(connection, table)
        if admitted.rows:
            write(connection, table, admitted, {self._source: state})
        connection.execute("ALTER TABLE parsed RENAME TO late")
        connection.execute("ALTER TABLE on_time RENAME TO parsed")
