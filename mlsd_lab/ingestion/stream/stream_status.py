"""Where a stream and the lake that it runs into stand."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mlsd_lab.ingestion.contract import Contract
from mlsd_lab.ingestion.contracts import EVENTS
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.shape import DEAD_LETTERS, Shape
from mlsd_lab.ingestion.source import Position
from mlsd_lab.ingestion.stream.consume import LATENESS, moment_of, require_same_record, require_same_stream
from mlsd_lab.ingestion.stream.event_stream import EventStream


@dataclass(frozen=True)
class StreamStatus:
    """Offsets of the stream, how far the lake has read, and what waits.

    >>> StreamStatus(begin=10, end=50, offset=30, watermark=None, events=19, late=1, dead=0).lag
    20
    """

    begin: int
    """The offset of the first record that was not trimmed."""
    end: int
    """The offset that the next record will have."""
    offset: int
    """Where the lake stands; the stream's begin where it has read nothing."""
    watermark: datetime | None
    """No event on time is expected that occurred before."""
    events: int
    """Rows of the lake's events, wherever they came from."""
    late: int
    """Events that wait for the correction."""
    dead: int
    """Records that were refused."""

    @property
    def lag(self) -> int:
        """Records that the lake has not read."""
        return self.end - self.offset


def stream_status(
    stream: EventStream,
    lake: Lake,
    lateness: timedelta = LATENESS,
    contract: Contract = EVENTS,
    source: str = "stream",
) -> StreamStatus:
    """Look at both, and change neither; `source` is the stream's name in the lake.

    Raises `ConfigError` where the lake reads another stream, or one that was set back to an older copy.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from mlsd_lab.ingestion.stream.sqlite_stream import SqliteStream
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     stream = SqliteStream(Path(folder, "stream.db"))
    ...     _ = stream.append([b'{"event_id": "a"}', b'{"event_id": "b"}'])
    ...     found = stream_status(stream, Lake(f"{folder}/lake"))
    ...     stream.close()
    >>> found.end, found.lag, found.events
    (2, 2, 0)
    """
    shape = Shape.of(contract)
    events = lake.table(shape.name) if lake.has(shape.name) else None
    state = events.states.get(source) if events else None
    position: Position = state["position"] if state else {"stream": stream.id, "offset": stream.begin, "newest": None}
    require_same_stream(stream, position)
    require_same_record(stream, position)
    newest = moment_of(position)
    return StreamStatus(
        stream.begin,
        stream.end,
        position["offset"],
        None if newest is None else newest - lateness,
        events.rows if events else 0,
        _count(lake, shape.late.name, "count(*)"),
        _count(lake, DEAD_LETTERS.name, "count(*) FILTER (source = $source)", {"source": source}),
    )


def _count(lake: Lake, table: str, what: str, values: dict[str, str] | None = None) -> int:
    connection = connect()
    lake.view(connection, table, "held")
    return int(connection.execute(f"SELECT {what} FROM held", values).fetchall()[0][0])
