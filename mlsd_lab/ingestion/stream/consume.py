"""From a stream into a sink: in event time, each event once, the late ones apart."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
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
_BATCH = 100_000
_CENTURY = timedelta(days=36_500)  # further back a watermark may be before all calendars


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
    clock: Callable[[], datetime],
    lateness: timedelta = LATENESS,
    batch: int = _BATCH,
    contract: Contract = EVENTS,
    wait: Callable[[], bool] = lambda: False,
) -> Iterator[Consumed]:
    """Bring what the stream holds beyond the sink's position into the sink, and yield what each piece was.

    At the stream's end `wait` is called: where it returns true, more is read, else this ends; call it again to go on.
    `clock` is asked for each piece what time it is. An event is late if it occurred more than `lateness` before
    the newest that came earlier, whatever the pieces; a correction is late too. Raises `ConfigError` where the sink
    stands in another stream, at an offset that was trimmed away, or after a record that the stream does not hold.

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
    ...     [found] = consume(stream, sink, lambda: datetime(2026, 1, 2, tzinfo=UTC))
    ...     stream.close()
    >>> found.on_time, found.late, found.dead, str(found.watermark)
    (2, 1, 1, '2026-01-01 12:00:00+00:00')
    """
    if batch < 1 or not timedelta(0) <= lateness <= _CENTURY:
        raise ConfigError(
            f"consume: expected batch 1 or more and lateness 0 to 100 years, found {batch} and {lateness}"
        )
    connection = connect()
    position = sink.position() or {"stream": stream.id, "offset": stream.begin, "newest": None}
    require_same_stream(stream, position)
    require_same_record(stream, position)
    while True:
        began = perf_counter()
        found = stream.read(position["offset"], batch)
        if not found.records:
            if not wait():
                return
            continue
        require_same_stream(
            stream, position
        )  # once more: it may have been emptied and filled again since the last piece
        arrived = _part(connection, position["stream"], found, position, contract, lateness, clock())
        lag = stream.end - found.end  # asked first: what was applied must be told, also if the stream is gone by then
        sink.apply(arrived)
        position = arrived.position
        newest = moment_of(position)
        yield Consumed(
            len(found.records),
            arrived.on_time,
            arrived.late,
            len(arrived.dead),
            found.end,
            lag,
            None if newest is None else newest - lateness,
            perf_counter() - began,
        )


def require_same_stream(stream: EventStream, position: Position) -> None:
    """Raise `ConfigError` where a sink's position is one of another stream.

    >>> from types import SimpleNamespace
    >>> require_same_stream(SimpleNamespace(id="b"), {"stream": "a", "offset": 7})
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: expected the stream a, in which the sink stands at 7, found the stream b: it was \
made anew or is another. Name the right one, or begin with an empty sink
    """
    if position["stream"] != stream.id:
        raise ConfigError(
            f"expected the stream {position['stream']}, in which the sink stands at {position['offset']:,}, found the"
            f" stream {stream.id}: it was made anew or is another. Name the right one, or begin with an empty sink"
        )


def require_same_record(stream: EventStream, position: Position) -> None:
    """Raise `ConfigError` where another record stands in the place of the one that a sink read last.

    >>> from types import SimpleNamespace
    >>> stream = SimpleNamespace(id="a", begin=0, end=9, read=lambda offset, limit: Records(offset, (b"{}",)))
    >>> require_same_record(stream, {"offset": 7, "last": "0" * 16})
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: stream a: expected at offset 6 the record that the sink read last, found another: ...
    """
    if "last" in position and stream.begin < position["offset"] <= stream.end:
        for record in stream.read(position["offset"] - 1, 1).records:
            if _digest(record) != position["last"]:
                raise ConfigError(
                    f"stream {stream.id}: expected at offset {position['offset'] - 1:,} the record that the sink read"
                    " last, found another: the stream was set back to an older copy and written on. Begin with an"
                    " empty sink, or bring in what is new from the click files (mlsd-lab ingest)"
                )


def _digest(record: bytes) -> str:
    return blake2b(record, digest_size=8).hexdigest()


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
        places = [offset - found.offset for offset in sorted(found.corrections)]
        connection.execute("INSERT INTO corrections SELECT unnest(?)", [places])
    before = moment_of(position)
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
    after = {"stream": stream, "offset": found.end, "newest": newest, "last": _digest(found.records[-1])}
    return Arrived(connection, after, now, on_time, late, tuple(dead))


def moment_of(position: Position) -> datetime | None:
    """Return when the newest event occurred that a sink at this position has read.

    >>> moment_of({"newest": 3_600_000_000}), moment_of({"newest": None})
    (datetime.datetime(1970, 1, 1, 1, 0, tzinfo=datetime.timezone.utc), None)
    """
    newest = position["newest"]
    return None if newest is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=newest)
