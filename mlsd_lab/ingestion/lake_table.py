"""One Delta table of the lake: rows and the sources' positions in the same commit."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mlsd_lab import clock
from mlsd_lab.errors import DataError
from mlsd_lab.ingestion.delta_schema import (
    COLUMNS_KEY,
    check_format,
    configuration,
    delta_columns,
    parquet_settings,
    stored_columns,
)
from mlsd_lab.ingestion.lake_files import data_files, delete_files, file_sizes, staged_files
from mlsd_lab.ingestion.lake_view import make_view
from mlsd_lab.ingestion.shape import PARTITION, Shape, among
from mlsd_lab.ingestion.storage_errors import explained

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable
    from duckdb import DuckDBPyConnection

_APP = "mlsd_lab"  # names our transactions and our part of a commit's metadata


class LakeTable:
    """A table opened once at its newest version; each commit moves it on, and fails where another writer was first.

    >>> import tempfile
    >>> from mlsd_lab.ingestion.parsing import connect
    >>> from mlsd_lab.ingestion.shape import ERASED
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = LakeTable.open(f"{folder}/erased", ERASED)
    ...     rows = "SELECT 'ann' AS user, TIMESTAMPTZ '2026-01-01 00:00:00Z' AS erased_at"
    ...     table.append(connect(), rows, {"by hand": {"position": 1}})
    ...     table.rows, LakeTable.open(f"{folder}/erased", ERASED).states
    (1, {'by hand': {'position': 1}})
    """

    def __init__(
        self, handle: "DeltaTable", shape: Shape, storage: Mapping[str, str] | None = None, as_stored: bool = False
    ) -> None:
        self._handle, self._storage = handle, dict(storage or {})
        self.shape = shape.with_columns(stored_columns(handle)) if as_stored else shape
        self.uri = handle.table_uri
        check_format(handle)
        self.states: dict[str, Any] = self._read_states()
        """By source: its position and counts as of the newest commit."""
        self._add_columns()

    @classmethod
    def open(
        cls, uri: str, shape: Shape, storage: Mapping[str, str] | None = None, as_stored: bool = False
    ) -> "LakeTable":
        """Return the table at a path or an `s3://` URL, made empty where there is none.

        A column that the shape has and the table lacks is added; the other way round it is refused, unless the table
        is taken `as_stored`.
        Raises `StorageError` where it cannot be read or made, `DataError` for another format or other columns.
        """
        from deltalake import DeltaTable, Schema

        options = dict(storage or {})
        with explained(uri):
            if not cls.is_at(uri, storage):
                DeltaTable.create(
                    uri,
                    Schema(delta_columns(shape, shape.all_columns)),
                    mode="ignore",
                    partition_by=[PARTITION] if shape.partitioned else None,
                    configuration=configuration(shape),
                    storage_options=options,
                    commit_properties=_properties({}, 0),
                    raise_if_key_not_exists=False,
                )
            return cls(DeltaTable(uri, storage_options=options), shape, options, as_stored)

    @staticmethod
    def is_at(uri: str, storage: Mapping[str, str] | None = None) -> bool:
        """Say whether there is a Delta table."""
        from deltalake import DeltaTable

        with explained(uri):
            return bool(DeltaTable.is_deltatable(uri, dict(storage or {})))

    @property
    def rows(self) -> int:
        """How many rows the newest version has, from the log alone."""
        return int(self._handle.count())

    @property
    def files(self) -> list[str]:
        """The data files of the newest version: local paths or `s3://` URLs."""
        return data_files(self._handle)

    @property
    def sizes(self) -> dict[str | None, list[int]]:
        """The sizes in bytes of the newest version's files by partition (`None` where there are none)."""
        return file_sizes(self._handle)

    @property
    def version(self) -> int:
        """The version that this handle sees."""
        return int(self._handle.version())

    def view(
        self,
        connection: "DuckDBPyConnection",
        name: str,
        columns: Sequence[str] = (),
        dates: Sequence[str] | None = None,
    ) -> None:
        """Make the table, or some of its columns and partitions, readable in DuckDB under a name.

        Local files are read as a query asks for them; from S3 the columns are copied into a temporary table.
        """
        kinds = {column: self.shape.all_columns[column] for column in columns or self.shape.all_columns}
        within = "" if dates is None else f" WHERE {among(dates)}"
        with self.explained():
            make_view(connection, name, self._handle, kinds, within, self._widened)

    def append(self, connection: "DuckDBPyConnection", query: str, states: Mapping[str, Any]) -> None:
        """Add a query's rows; `states` of sources are committed with them, those not named stay as they are."""
        from deltalake import write_deltalake

        with self._commit(states) as properties:
            write_deltalake(
                self._handle, self._rows(connection, query), mode="append",
                writer_properties=parquet_settings(self.shape), commit_properties=properties,
            )  # fmt: skip

    def merge(self, connection: "DuckDBPyConnection", query: str, dates: list[str], states: Mapping[str, Any]) -> None:
        """Add a query's rows; where one has the key of a stored row, in a partition of `dates`, it takes its place."""
        same = " AND ".join(f't."{column}" = s."{column}"' for column in self.shape.key)
        if self.shape.partitioned:
            same += f" AND t.{among(dates)}"
        with self._commit(states) as properties:
            self._handle.merge(
                self._rows(connection, query), same, "s", "t",
                writer_properties=parquet_settings(self.shape), commit_properties=properties,
            ).when_matched_update_all().when_not_matched_insert_all().execute()  # fmt: skip

    def overwrite(
        self, connection: "DuckDBPyConnection", query: str, dates: list[str] | None, states: Mapping[str, Any]
    ) -> None:
        """Replace the partitions of `dates`, or with `None` the whole table, by a query's rows."""
        from deltalake import write_deltalake

        where = None if dates is None else among(dates)
        with self._commit(states) as properties:
            write_deltalake(
                self._handle, self._rows(connection, query), mode="overwrite", predicate=where,
                writer_properties=parquet_settings(self.shape), commit_properties=properties,
            )  # fmt: skip

    def vacuum(self, hours: int) -> int:
        """Delete files that no version of the last `hours` needs, also those of broken-off writes, and return how many.

        What they held cannot be reached by time travel any more. They are listed before an empty commit and deleted
        after it: a writer that began earlier is refused by that commit, so no file of the list can still get in.
        """
        with self.explained():
            old = self._handle.vacuum(hours, dry_run=True, enforce_retention_duration=False, full=True)
            staged = staged_files(self.uri, clock.now() - timedelta(hours=hours))
        with self._commit({}) as properties:
            self._handle.create_write_transaction([], "append", self._handle.schema(), commit_properties=properties)
        with self.explained():
            for path in staged:
                path.unlink(missing_ok=True)
            return delete_files(self.uri, self._storage, old) + len(staged)

    def explained(self) -> AbstractContextManager[None]:
        """Turn what goes wrong with the table's files into a sentence, `ConflictError` where this version is old."""
        return explained(self.uri, self._is_old)

    def _is_old(self) -> bool:
        from deltalake import DeltaTable

        return DeltaTable(self.uri, storage_options=self._storage).version() > self.version

    @contextmanager
    def _commit(self, states: Mapping[str, Any]) -> Iterator["CommitProperties"]:
        """Yield what a commit carries: all states, and a transaction that another writer's makes stale."""
        after = self.states | dict(states)
        last = self._handle.transaction_version(_APP)
        with self.explained():
            yield _properties(after, (last or 0) + 1)
        self.states = after

    def _rows(self, connection: "DuckDBPyConnection", query: str) -> Any:
        listed = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in self.shape.all_columns.items())
        return connection.sql(f"SELECT {listed} FROM ({query})")

    def _read_states(self) -> dict[str, Any]:
        """Find the newest commit of ours: another tool may have compacted the table since."""
        for limit in (1, None):
            for commit in self._handle.history(limit):
                if _APP in commit:
                    return dict(json.loads(commit[_APP])["states"])
        return {}

    def _add_columns(self) -> None:
        """Add what the shape has and the stored table lacks; refuse a shape that lacks what is stored."""
        stored = stored_columns(self._handle)
        first = self._handle.metadata().configuration[COLUMNS_KEY].split(",")
        self._widened = set(first) != set(self.shape.all_columns)  # then older files lack a column
        if unknown := [name for name in stored if name not in self.shape.all_columns]:
            raise DataError(
                f"{self.uri}: expected columns {', '.join(self.shape.all_columns)}, found {unknown[0]!r} too:"
                " this contract is older than the table; use the one that names it"
            )
        absent = [name for name in self.shape.all_columns if name not in stored]
        if absent:
            with self._commit({}) as properties:
                self._handle.alter.add_columns(delta_columns(self.shape, absent), commit_properties=properties)


def _properties(states: Mapping[str, Any], transaction: int) -> "CommitProperties":
    from deltalake import CommitProperties, Transaction

    metadata = {_APP: json.dumps({"states": dict(states)}, sort_keys=True)}
    return CommitProperties(
        custom_metadata=metadata, app_transactions=[Transaction(_APP, transaction)], max_commit_retries=0
    )
