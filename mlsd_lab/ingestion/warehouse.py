"""The warehouse: facts and dimensions over the lake, asked in SQL."""

import warnings
from typing import TYPE_CHECKING

from mlsd_lab.datasets import Datasheet, Log
from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.lake_events import LakeEvents
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.shape import DEAD_LETTERS, ERASED, PARTITION, SERVED
from mlsd_lab.ingestion.storage_errors import explained

if TYPE_CHECKING:
    import pandas as pd

TABLES = {
    "fact_events": "a row an exposure, each once",
    "dim_users": "a row a user, as last updated, without deleted ones",
    "dim_videos": "a row a video, the same way",
    "users_history": "each update of a user; updated_at says from when it holds",
    "videos_history": "each update of a video",
    "dead_letters": "what was refused, with its bytes and the reason",
    "served": "a row a video shown by us, with the feature values it was ranked by",
}
"""What can be asked, and what a row is."""


class Warehouse:
    """DuckDB over a lake as it is when this is made; nothing is copied from a local lake until a query reads it.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Lake(folder).table("events")
    ...     Warehouse(Lake(folder)).query("SELECT count(*) AS events FROM fact_events").to_dict("list")
    {'events': [0]}
    """

    def __init__(self, lake: Lake) -> None:
        lake.require()
        self._lake, self._root = lake, lake.root
        self._connection = connect()
        tables = {"fact_events": "events", "erased_users": ERASED.name}
        for view, table in (tables | {name: name for name in (DEAD_LETTERS.name, SERVED.name)}).items():
            lake.view(self._connection, table, view)
        for table, key in (("users", "user_id"), ("videos", "video_id")):
            lake.view(self._connection, table, f"{table}_history")
            self._connection.execute(
                f"""CREATE VIEW dim_{table} AS SELECT * EXCLUDE (deleted) FROM (
                    SELECT * FROM {table}_history
                    QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY updated_at DESC) = 1)
                WHERE NOT coalesce(deleted, false)"""
            )

    def query(self, sql: str) -> "pd.DataFrame":
        """Return what one SELECT finds; times are in UTC. Raises `ConfigError` for SQL that is none or that writes."""
        import duckdb

        try:
            statements = self._connection.extract_statements(sql)
            kinds = [statement.type for statement in statements]
            if kinds not in ([duckdb.StatementType.SELECT], [duckdb.StatementType.EXPLAIN]):
                raise ConfigError(
                    f"sql: expected one SELECT, found {', '.join(kind.name for kind in kinds) or 'nothing'}"
                )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # DuckDB's own use of pandas
                return self._connection.execute(sql).df()
        except duckdb.Error as error:
            if isinstance(error, duckdb.OperationalError) or type(error) is duckdb.Error or ".parquet'" in str(error):
                with explained(self._root):  # not the query is at fault: a file cannot be read, or memory is short
                    raise
            raise ConfigError(f"sql: {str(error).strip().splitlines()[0]}. Tables: {', '.join(TABLES)}") from error

    def outline(self, datasheet: Datasheet | None = None) -> Log:
        """Return the `Log` without its events, whatever their number: videos, users, and which events are relevant."""
        known = "any_value(COLUMNS(* EXCLUDE (occurred_at, known_at)))"  # what is no null, where there is such
        times = "min(occurred_at) AS occurred_at, max(known_at) AS known_at"
        first = self.query(f"SELECT {known}, {times} FROM fact_events HAVING count(*) > 0")
        log = self._log(first.drop(columns=PARTITION), datasheet)
        return log.with_events(log.events.iloc[:0])

    def log(self, datasheet: Datasheet | None = None, late: bool = False) -> Log:
        """Return facts and dimensions as a `Log`, the form in which everything after ingestion reads them.

        With `late` it is as the correction will leave it: with the events that came late from a stream and wait, all
        as of now; raises `ConflictError` as `LakeEvents` does.
        """
        if late:
            return self._log(LakeEvents(self._lake).to_frame(), datasheet)
        query = f"SELECT * EXCLUDE ({PARTITION}) FROM fact_events ORDER BY known_at, event_id"
        return self._log(self.query(query), datasheet)

    def _log(self, events: "pd.DataFrame", datasheet: Datasheet | None) -> Log:
        if events.empty:
            raise DataError("the lake holds no events; bring some in with mlsd-lab ingest --clicks DIR")
        videos, users = (self.query(f"SELECT * EXCLUDE (updated_at) FROM dim_{name}") for name in ("videos", "users"))
        return Log.from_frames(events.dropna(axis="columns", how="all"), videos, users, datasheet)
