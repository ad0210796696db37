"""A lake's events in stream order, as they are at one moment."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsd_lab.errors import ConflictError, DataError
from mlsd_lab.ingestion.content import row_text
from mlsd_lab.ingestion.erased_users import ErasedUsers
from mlsd_lab.ingestion.lake import SHAPES, Lake
from mlsd_lab.ingestion.lake_table import LakeTable
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.shape import PARTITION
from mlsd_lab.ingestion.source import Position

if TYPE_CHECKING:
    import pandas as pd

_VECTOR = 2048  # rows that DuckDB hands over at once
_SORTED_AT_ONCE = 500_000
_HOUR = 3_600_000_000
_TRIES = 20  # a tenth of a second apart: longer than a consumer is between its two commits


@dataclass(frozen=True)
class Place:
    """A place in stream order: behind an event, and what came up to it.

    >>> Place(known_at=7, event_id="e1", events=1, digest=0).events
    1
    """

    known_at: int
    """Of the last event, microseconds UTC."""
    event_id: str | None
    """Of the last event; None for all that were known at that moment."""
    events: int
    digest: int | None
    """Of what these events are, whatever their order; None where nobody has kept it."""


class LakeEvents:
    """The events of a lake by (`known_at`, `event_id`), late ones too: as its correction would leave them.

    It reads one state of the lake, whoever writes meanwhile. `stream` is where the lake stood in its event stream:
    just those of its records that lie before are among the events. Raises `ConflictError` where a consumer is at work
    on late events, or has left them half done.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Lake(folder).table("events")
    ...     events = LakeEvents(Lake(folder))
    ...     events.total, events.stream, list(events.pieces("user_id", None, 2048))
    (0, None, [])
    """

    def __init__(self, lake: Lake, source: str = "stream") -> None:
        lake.require()
        if not lake.has("events"):
            raise DataError(f"{lake.root} holds no events; bring some in with mlsd-lab ingest --clicks DIR")
        self._connection = connect()
        self._events, late = _as_of_one_moment(lake, source)
        state = self._events.states.get(source)
        self.stream: Position | None = None if state is None else state["position"]
        values = ", ".join(f'"{name}"' for name in SHAPES["events"].columns)
        self._digest = f"hash({values})"
        self._events.view(self._connection, "on_time")
        self._connection.execute("CREATE VIEW events AS FROM on_time")
        if late is not None and late.rows:
            self._settle(lake, late)
        with self._events.explained():
            self.total = int(self._connection.execute("SELECT count(*) FROM events").fetchall()[0][0])

    def until(self, known_at: int, event_id: str | None) -> Place:
        """Return the place behind an event, with what the lake has up to there."""
        query = f"SELECT count(*), bit_xor({self._digest}) FROM events WHERE NOT ({_behind(known_at, event_id)})"
        with self._events.explained():
            [(events, digest)] = self._connection.execute(query, _value(event_id)).fetchall()
        return Place(known_at, event_id, events, digest or 0)

    def to_frame(self) -> "pd.DataFrame":
        """Return all of them in order, with the contract's columns."""
        query = f"SELECT * EXCLUDE ({PARTITION}) FROM events ORDER BY known_at, event_id"
        with self._events.explained(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # DuckDB's own use of pandas
            return self._connection.execute(query).df()

    def pieces(self, select: str, after: Place | None, rows: int) -> "Iterator[pd.DataFrame]":
        """Yield what is behind a place (None for all), in order: SQL's `select`, `event_id` and each one's `digest`.

        A piece has about so many rows, a multiple of 2,048; some hours are sorted at once.
        """
        behind = "true" if after is None else _behind(after.known_at, after.event_id)
        value = {} if after is None else _value(after.event_id)
        columns = f"{select}, event_id, {self._digest} AS digest"
        for begin, end, first, last in self._spans(behind, value):
            query = f"""SELECT {columns} FROM events WHERE ({behind})
                AND known_at >= make_timestamptz({begin}) AND known_at < make_timestamptz({end})
                AND {PARTITION} BETWEEN DATE '{first}' AND DATE '{last}' ORDER BY events.known_at, event_id"""
            with self._events.explained():
                found = self._connection.execute(query, value)
                while len(piece := found.fetch_df_chunk(max(1, rows // _VECTOR))):
                    yield piece

    def _spans(self, behind: str, value: dict[str, Any]) -> list[tuple[int, int, str, str]]:
        """Return spans of `known_at` with not too many events, and in which partitions these lie."""
        query = f"""SELECT min(hour), max(hour) + {_HOUR}, CAST(min(first) AS VARCHAR),
              CAST(max(last) AS VARCHAR) FROM (
            SELECT *, CAST(sum(events) OVER (ORDER BY hour) AS BIGINT) // {_SORTED_AT_ONCE} AS span FROM (
            SELECT epoch_us(date_trunc('hour', known_at)) AS hour, count(*) AS events, min({PARTITION}) AS first,
              max({PARTITION}) AS last FROM events WHERE ({behind}) GROUP BY hour)) GROUP BY span ORDER BY span"""
        with self._events.explained():
            return self._connection.execute(query, value).fetchall()

    def _settle(self, lake: Lake, late: LakeTable) -> None:
        """Let late events in: of copies the earliest stays, of equally early ones that with the smallest hash."""
        late.view(self._connection, "waiting")
        text = row_text(self._events.shape, "c")
        with late.explained():
            self._connection.execute("CREATE TEMP TABLE parsed AS SELECT * FROM waiting")
        ErasedUsers(lake).drop(self._connection)
        with self._events.explained():
            self._connection.execute("ALTER TABLE parsed RENAME TO late")
            self._connection.execute(
                f"""CREATE TEMP TABLE settled AS SELECT * FROM (
                      FROM late UNION ALL BY NAME SELECT * FROM on_time SEMI JOIN late USING (event_id)) c
                    QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY known_at, sha256({text})) = 1"""
            )
            self._connection.execute(
                """CREATE OR REPLACE VIEW events AS
                   SELECT * FROM on_time ANTI JOIN late USING (event_id) UNION ALL BY NAME FROM settled"""
            )


def _as_of_one_moment(lake: Lake, source: str) -> tuple[LakeTable, LakeTable | None]:
    """Open both tables, the late one as it was when the events got to where they stand: try until they agree."""
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

    def opened() -> tuple[LakeTable, LakeTable | None]:
        events = lake.table("events")
        name = events.shape.late.name
        late = lake.table(name) if lake.has(name) else None
        reached, ahead = (table.states.get(source) if table else None for table in (events, late))
        if lake.table("events").version != events.version:
            raise ConflictError(f"{lake.root}: others write to it all the time; run again when there is less to do")
        if ahead and (reached is None or reached["position"]["offset"] < ahead["position"]["offset"]):
            raise ConflictError(
                f"{lake.root}: a consumer has written late events and not yet those on time; if it is gone, let it go "
                "on (mlsd-lab stream consume), then run again"
            )
        return events, late

    retried = retry_if_exception_type(ConflictError)
    return Retrying(retry=retried, stop=stop_after_attempt(_TRIES), wait=wait_fixed(0.1), reraise=True)(opened)


def _behind(known_at: int, event_id: str | None) -> str:
    moment = f"make_timestamptz({known_at})"
    return f"known_at > {moment}" + ("" if event_id is None else f" OR known_at = {moment} AND event_id > $event_id")


def _value(event_id: str | None) -> dict[str, Any]:
    return {} if event_id is None else {"event_id": event_id}
