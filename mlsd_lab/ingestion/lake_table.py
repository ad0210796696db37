"""One Delta table of the lake: rows and the sources' positions in the same commit."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from mlsd_lab.errors import DataError
from mlsd_lab.ingestion.shape import PARTITION, Shape
from mlsd_lab.ingestion.storage_errors import explained

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable, WriterProperties
    from duckdb import DuckDBPyConnection

FORMAT = 1
"""Of the lake; a reader refuses a table of a newer one."""
_APP = "mlsd_lab"  # names our transactions and our part of a commit's metadata
_DELTA_TYPES = {"VARCHAR": "string", "INTEGER": "integer", "BIGINT": "long", "DOUBLE": "double", "BOOLEAN": "boolean"}
_DELTA_TYPES |= {"TIMESTAMPTZ": "timestamp", "DATE": "date", "BLOB": "binary"}


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

    def __init__(self, handle: "DeltaTable", shape: Shape, as_stored: bool = False) -> None:
        self._handle = handle
        self.shape = shape.with_columns(_stored(handle)) if as_stored else shape
        self.uri = handle.table_uri
        self._check_format()
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
                    Schema(_columns(shape, shape.all_columns)),
                    mode="ignore",
                    partition_by=[PARTITION] if shape.partitioned else None,
                    configuration=_configuration(shape),
                    storage_options=options,
                    commit_properties=_properties({}, 0),
                    raise_if_key_not_exists=False,
                )
            return cls(DeltaTable(uri, storage_options=options), shape, as_stored)

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
        uris = self._handle.file_uris()
        return uris if self.uri.startswith("s3://") else [unquote(uri.removeprefix("file://")) for uri in uris]

    @property
    def version(self) -> int:
        """The version that this handle sees."""
        return int(self._handle.version())

    def view(self, connection: "DuckDBPyConnection", name: str, columns: tuple[str, ...] = ()) -> None:
        """Make the table, or some of its columns, readable in DuckDB under a name.

        Local files are read where they lie, as a query asks for them; from S3 the columns are copied into a
        temporary table, since DuckDB's own reader of S3 is an extension that must be downloaded.
        """
        kinds = {column: self.shape.all_columns[column] for column in columns or self.shape.all_columns}
        listed = ", ".join(f'CAST("{column}" AS {kind}) AS "{column}"' for column, kind in kinds.items())
        connection.execute(f'DROP VIEW IF EXISTS "{name}"')
        files = self.files
        if not files:
            connection.execute(f'CREATE VIEW "{name}" AS SELECT {listed} FROM ({self.shape.nothing})')
        elif self.uri.startswith("s3://"):
            from deltalake import QueryBuilder

            names = ", ".join(f'"{column}"' for column in kinds)
            with explained(self.uri):
                stream = QueryBuilder().register("stored", self._handle).execute(f"SELECT {names} FROM stored")
                connection.register("stored_stream", stream)
                connection.execute(f'CREATE OR REPLACE TEMP TABLE "{name}_copy" AS SELECT {listed} FROM stored_stream')
                connection.unregister("stored_stream")
            connection.execute(f'CREATE VIEW "{name}" AS SELECT * FROM "{name}_copy"')
        else:
            paths = ", ".join("'" + _literal_glob(path).replace("'", "''") + "'" for path in files)
            partitioned, widened = (str(flag).lower() for flag in (self.shape.partitioned, self._widened))
            source = f"read_parquet([{paths}], union_by_name = {widened}, hive_partitioning = {partitioned})"
            with explained(self.uri):
                connection.execute(f'CREATE VIEW "{name}" AS SELECT {listed} FROM {source}')

    def append(self, connection: "DuckDBPyConnection", query: str, states: Mapping[str, Any]) -> None:
        """Add a query's rows; `states` of sources are committed with them, those not named stay as they are."""
        from deltalake import write_deltalake

        with self._commit(states) as properties:
            write_deltalake(
                self._handle, self._rows(connection, query), mode="append",
                writer_properties=self._writing(), commit_properties=properties,
            )  # fmt: skip

    def merge(self, connection: "DuckDBPyConnection", query: str, dates: list[str], states: Mapping[str, Any]) -> None:
        """Add a query's rows; where one has the key of a stored row, in a partition of `dates`, it takes its place."""
        same = " AND ".join(f't."{column}" = s."{column}"' for column in self.shape.key)
        if self.shape.partitioned:
            same += f" AND t.{PARTITION} IN ({', '.join(f'DATE {date!r}' for date in dates)})"
        with self._commit(states) as properties:
            self._handle.merge(
                self._rows(connection, query), same, "s", "t",
                writer_properties=self._writing(), commit_properties=properties,
            ).when_matched_update_all().when_not_matched_insert_all().execute()  # fmt: skip

    def overwrite(
        self, connection: "DuckDBPyConnection", query: str, dates: list[str] | None, states: Mapping[str, Any]
    ) -> None:
        """Replace the partitions of `dates`, or with `None` the whole table, by a query's rows."""
        from deltalake import write_deltalake

        where = None if dates is None else f"{PARTITION} IN ({', '.join(f'DATE {date!r}' for date in dates)})"
        with self._commit(states) as properties:
            write_deltalake(
                self._handle, self._rows(connection, query), mode="overwrite", predicate=where,
                writer_properties=self._writing(), commit_properties=properties,
            )  # fmt: skip

    def compact(self) -> None:
        """Join small files of a partition into larger ones; no row changes."""
        with self._commit({}) as properties:
            self._handle.optimize.compact(writer_properties=self._writing(), commit_properties=properties)

    def vacuum(self, hours: int, everything: bool = False) -> int:
        """Remove files that no version of the last `hours` needs, and with `everything` those of broken-off writes.

        Returns how many; what they held can then not be reached by time travel any more.
        """
        with self._commit({}, counted=False) as properties:
            removed = self._handle.vacuum(
                hours, dry_run=False, enforce_retention_duration=False, full=everything, commit_properties=properties
            )
        return len(removed)

    @contextmanager
    def _commit(self, states: Mapping[str, Any], counted: bool = True) -> Iterator["CommitProperties"]:
        """Yield what a commit carries: all states, and a transaction that another writer's makes stale."""
        after = self.states | dict(states)
        last = self._handle.transaction_version(_APP)
        with explained(self.uri):
            yield _properties(after, (last or 0) + 1 if counted else None)
        self.states = after

    def _rows(self, connection: "DuckDBPyConnection", query: str) -> Any:
        listed = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in self.shape.all_columns.items())
        return connection.sql(f"SELECT {listed} FROM ({query})")

    def _writing(self) -> "WriterProperties":
        """Statistics for times alone: an id in the log's statistics would outlive the erasure of its rows."""
        from deltalake import ColumnProperties, WriterProperties

        plain = ColumnProperties(dictionary_enabled=False, statistics_enabled="NONE")
        timed = ColumnProperties(dictionary_enabled=False, statistics_enabled="CHUNK")
        times = {name: timed for name, kind in self.shape.columns.items() if kind == "TIMESTAMPTZ"}
        return WriterProperties(compression="ZSTD", default_column_properties=plain, column_properties=times)

    def _read_states(self) -> dict[str, Any]:
        """Find the newest commit of ours: another tool may have compacted the table since."""
        for limit in (1, None):
            for commit in self._handle.history(limit):
                if _APP in commit:
                    return dict(json.loads(commit[_APP])["states"])
        return {}

    def _check_format(self) -> None:
        configuration = self._handle.metadata().configuration
        found = configuration.get(f"{_APP}.format")
        if found is None or not found.isdecimal() or int(found) > FORMAT:
            what, then = ("another Delta table", "name another lake")
            if found:
                what, then = found, "install a newer mlsd_lab: pip install -U mlsd_lab"
            raise DataError(
                f"{self.uri}: expected a lake table of format {FORMAT} or older, found {what}; {then}"
            )

    def _add_columns(self) -> None:
        """Add what the shape has and the stored table lacks; refuse a shape that lacks what is stored."""
        stored = _stored(self._handle)
        first = self._handle.metadata().configuration[f"{_APP}.columns"].split(",")
        self._widened = set(first) != set(self.shape.all_columns)  # then older files lack a column
        if unknown := [name for name in stored if name not in self.shape.all_columns]:
            raise DataError(
                f"{self.uri}: expected columns {', '.join(self.shape.all_columns)}, found {unknown[0]!r} too:"
                " this contract is older than the table; use the one that names it"
            )
        absent = [name for name in self.shape.all_columns if name not in stored]
        if absent:
            with self._commit({}) as properties:
                self._handle.alter.add_columns(_columns(self.shape, absent), commit_properties=properties)


def _columns(shape: Shape, names: Iterable[str]) -> list[Any]:
    from deltalake import Field as Column
    from deltalake.schema import PrimitiveType

    return [Column(name, PrimitiveType(_DELTA_TYPES[shape.all_columns[name]])) for name in names]


def _stored(handle: "DeltaTable") -> dict[str, str]:
    kinds = {delta: kind for kind, delta in _DELTA_TYPES.items()}
    return {column.name: kinds[str(column.type.type)] for column in handle.schema().fields}


def _configuration(shape: Shape) -> dict[str, str]:
    times = ",".join(name for name, kind in shape.columns.items() if kind == "TIMESTAMPTZ")
    columns = ",".join(shape.all_columns)
    return {f"{_APP}.format": str(FORMAT), f"{_APP}.columns": columns, "delta.dataSkippingStatsColumns": times}


def _properties(states: Mapping[str, Any], transaction: int | None) -> "CommitProperties":
    from deltalake import CommitProperties, Transaction

    transactions = None if transaction is None else [Transaction(_APP, transaction)]
    metadata = {_APP: json.dumps({"states": dict(states)}, sort_keys=True)}
    return CommitProperties(custom_metadata=metadata, app_transactions=transactions, max_commit_retries=0)


def _literal_glob(path: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)
