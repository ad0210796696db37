"""A shape in Delta's words: schema, configuration, and how its Parquet files are written."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mlsd_lab.errors import DataError
from mlsd_lab.ingestion.shape import Shape

if TYPE_CHECKING:
    from deltalake import DeltaTable, WriterProperties
    from deltalake import Field as Column

FORMAT = 1
"""Of the lake; a reader refuses a table of a newer one."""
FORMAT_KEY, COLUMNS_KEY = "mlsd_lab.format", "mlsd_lab.columns"
"""Where a table's configuration says its format, and which columns it was made with."""
_TYPES = {"VARCHAR": "string", "INTEGER": "integer", "BIGINT": "long", "DOUBLE": "double", "BOOLEAN": "boolean"}
_TYPES |= {"TIMESTAMPTZ": "timestamp", "DATE": "date", "BLOB": "binary"}


def delta_columns(shape: Shape, names: Iterable[str]) -> "list[Column]":
    """Return columns of a shape as Delta's.

    >>> from mlsd_lab.ingestion.shape import ERASED
    >>> [(column.name, column.type.type) for column in delta_columns(ERASED, ["erased_at"])]
    [('erased_at', 'timestamp')]
    """
    from deltalake import Field as Column
    from deltalake.schema import PrimitiveType

    return [Column(name, PrimitiveType(_TYPES[shape.all_columns[name]])) for name in names]


def stored_columns(handle: "DeltaTable") -> dict[str, str]:
    """Return the columns of a Delta table with their types in DuckDB.

    >>> import tempfile
    >>> from deltalake import DeltaTable, Schema
    >>> from mlsd_lab.ingestion.shape import ERASED
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     stored_columns(DeltaTable.create(folder, Schema(delta_columns(ERASED, ERASED.columns))))
    {'user': 'VARCHAR', 'erased_at': 'TIMESTAMPTZ'}
    """
    kinds = {delta: kind for kind, delta in _TYPES.items()}
    return {column.name: kinds[str(column.type.type)] for column in handle.schema().fields}


def check_format(handle: "DeltaTable") -> None:
    """Raise `DataError` unless a Delta table is ours and of a format that this version reads.

    >>> import tempfile
    >>> from deltalake import DeltaTable, Schema
    >>> from mlsd_lab.ingestion.shape import ERASED
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     check_format(DeltaTable.create(folder, Schema(delta_columns(ERASED, ERASED.columns))))
    Traceback (most recent call last):
    mlsd_lab.errors.DataError: ...: expected a lake table of format 1 or older, found another Delta table...
    """
    found = handle.metadata().configuration.get(FORMAT_KEY)
    if found is None or not found.isdecimal() or int(found) > FORMAT:
        what, then = ("another Delta table", "name another lake")
        if found:
            what, then = found, "install a newer mlsd_lab: pip install -U mlsd_lab"
        raise DataError(f"{handle.table_uri}: expected a lake table of format {FORMAT} or older, found {what}; {then}")


def configuration(shape: Shape) -> dict[str, str]:
    """Return what a new table of a shape says of itself; only its times get statistics in Delta's log.

    >>> from mlsd_lab.ingestion.shape import ERASED
    >>> configuration(ERASED)["delta.dataSkippingStatsColumns"]
    'erased_at'
    """
    columns = ",".join(shape.all_columns)
    return {FORMAT_KEY: str(FORMAT), COLUMNS_KEY: columns, "delta.dataSkippingStatsColumns": ",".join(_times(shape))}


def parquet_settings(shape: Shape) -> "WriterProperties":
    """Return how files are written: an id in a file's statistics would get into the log, and outlive its erasure.

    >>> from mlsd_lab.ingestion.shape import ERASED
    >>> parquet_settings(ERASED).compression
    'ZSTD(1)'
    """
    from deltalake import ColumnProperties, WriterProperties

    plain = ColumnProperties(dictionary_enabled=False, statistics_enabled="NONE")
    timed = ColumnProperties(dictionary_enabled=False, statistics_enabled="CHUNK")
    times = dict.fromkeys(_times(shape), timed)
    return WriterProperties(compression="ZSTD", default_column_properties=plain, column_properties=times)


def _times(shape: Shape) -> list[str]:
    return [name for name, kind in shape.columns.items() if kind == "TIMESTAMPTZ"]
