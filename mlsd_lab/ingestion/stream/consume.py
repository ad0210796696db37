"""From a stream into a sink: in event time, each event once, the late ones apart."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import TYPE_CHECKING

from mlsd_lab.errors import ConfigError
from mlsd_lab.ingestion.contract import Contract
from mlsd_lab.ingestion.contracts import EVENTS
from mlsd_lab.ingestion.parsing import connect, parse
from mlsd_lab.ingestion.source import Position
from mlsd_lab.ingestion.stream.event_stream import EventStream, Records
from mlsd_lab.ingestion.stream.stream_sink import Arrived, StreamSink

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LATENESS = timedelta(hours=1)
_BATCH = 50_000


@dataclass(frozen=True)
class Consumed:
    """What one piece of a stream was, and where the sink stands after it.

    >>> Consumed(read=10, on_time=8, late=1, dead=1, offset=10, lag=0, watermark=None, seconds=0.5).per_second
    20
    """

    read: int
    on_time: int
    late: int
    dead: int
    offset: int
    lag: int
    """Records of the stream that are not yet read."""
    watermark: datetime | None
    """No event on time is expected that occurred before."""
    seconds: float

    @property
    def per_second(self) -> int:
        """Records a second."""
        return round(self.read / self.seconds) if self.seconds else 0


def consume(
    stream: EventStream,
    sink: StreamSink,
    now: datetime,
    lateness: timedelta = LATENESS,
    batch: int = _BATCH,
    contract: Contract = EVENTS,
) -> Iterator[Consumed]:
    """Bring what the stream holds beyond the sink's position into the sink, and yield what each piece was.

    It ends at the stream's end; call it again to go on. An event is late if it occurred more than `lateness` before
    the newest that came earlier, whatever the pieces; a correction is late too. Raises `ConfigError` where the sink
    stands in another stream, or at an offset that was trimmed away.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from mlsd_lab.ingestion.lake import Lake
    >>> from mlsd_lab.ingestion.stream.lake_sink import LakeSink
    >>> from mlsd_lab.ingestion.stream.sqlite_stream import SqliteStream
    >>> def event(name, hour):
    ...     at = f'"2026-01-01T{hour}:00:00Z"'
    ...     what = f'"event_id": "{name}", "user_id": "u", "video_id": "v"'
    ...     return f'{{{what}, "occurred_at": {at}, "known_at": {at}}}'.encode()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     stream, sink = SqliteStream(Path(folder, "stream.db")), LakeSink(Lake(f"{folder}/lake"))
    ...     _ = stream.append([event("a", 12), event("b", 10), event("c", 13), b"poison"])
    ...     [found] = consume(stream, sink, now=datetime(2026, 1, 2, tzinfo=UTC))
    ...     stream.close()
    >>> found.on_time, found.late, found.dead, str(found.watermark)
    (2, 1, 1, '2026-01-01 12:00:00+00:00')
    """
    if batch < 1 or lateness < timedelta(0):
        raise ConfigError(f"consume: expected batch 1 or more and lateness 0 or more, found {batch} and {lateness}")
    connection = connect()
    position = sink.position() or {"stream": stream.id, "offset": stream.begin, "newest": None}
    _same_stream(stream, position)
    while True:
        began = perf_counter()
        found = stream.read(position["offset"], batch)
        if not found.records:
            return
        arrived = _part(connection, stream.id, found, position, contract, lateness, now)
        sink.apply(arrived)
        position = arrived.position
        newest = _moment(position)
        yield Consumed(
            len(found.records),
            arrived.on_time,
            arrived.late,
            len(arrived.dead),
            found.end,
            stream.end - found.end,
            None if newest is None else newest - lateness,
            perf_counter() - began,
        )


def _same_stream(stream: EventStream, position: Position) -> None:
    if position["stream"] != stream.id:
        raise ConfigError(
            f"expected the stream {position['stream']}, in which the sink stands at {position['offset']:,}, found the"
            f" stream {stream.id}: it was made anew or is another. Name the right one, or begin with an empty sink"
        )


def _part(
    connection: "DuckDBPyConnection",
    stream: str,
    found: Records,
    position: Position,
    contract: Contract,
    lateness: timedelta,
    now: datetime,
) -> Arrived:
    """Parse records into the tables `parsed` and `late` of a connection."""
    lines = b"".join(record.replace(b"\n", b" ") + b"\n" for record in found.records)
    dead = parse(connection, lines, contract, f"stream, offsets {found.offset} to {found.end - 1}", now)
    connection.execute("CREATE OR REPLACE TEMP TABLE corrections (place BIGINT)")
    if found.corrections:
        places = [[offset - found.offset] for offset in sorted(found.corrections)]
        connection.executemany("INSERT INTO corrections VALUES (?)", places)
    before = _moment(position)
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE late AS SELECT * EXCLUDE (newest) REPLACE (number AS place) FROM (
             SELECT *, max(occurred_at) OVER (ORDER BY number
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS newest FROM (
             SELECT *, rowid AS row, coalesce(place, rowid) AS number, number IN (SELECT place FROM corrections)
               AS correction FROM parsed))
           WHERE correction OR occurred_at < greatest(newest, $before) - $lateness""",
        {"before": before, "lateness": lateness},
    )
    (newest,) = connection.execute("SELECT epoch_us(greatest(max(occurred_at), ?)) FROM parsed", [before]).fetchall()[0]
    connection.execute("DELETE FROM parsed WHERE rowid IN (SELECT row FROM late)")
    on_time, late = (
        connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0] for table in ("parsed", "late")
    )
    after = {"stream": stream, "offset": found.end, "newest": newest}
    return Arrived(connection, after, now, on_time, late, tuple(dead))


def _moment(position: Position) -> datetime | None:
    newest = position["newest"]
    return None if newest is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=newest)
