"""The rows of a Delta table in DuckDB."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlsd_lab.ingestion.lake_files import data_files
from mlsd_lab.ingestion.shape import PARTITION

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from duckdb import DuckDBPyConnection


def make_view(
    connection: "DuckDBPyConnection",
    name: str,
    table: "DeltaTable",
    columns: Mapping[str, str],
    within: str = "",
    widened: bool = False,
) -> None:
    """Make columns (name to DuckDB type) of a Delta table readable, of the rows `within` a WHERE of its partitions.

    From S3 they are copied into a temporary table: DuckDB's own reader of S3 is an extension that must be downloaded.
    Say `widened` where older files lack a column.

    >>> import duckdb, tempfile
    >>> from deltalake import DeltaTable, write_deltalake
    >>> connection = duckdb.connect()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_deltalake(folder, connection.sql("SELECT 1 AS clicks"))
    ...     make_view(connection, "days", DeltaTable(folder), {"clicks": "BIGINT"})
    ...     connection.sql("SELECT sum(clicks) FROM days").fetchall()
    [(1,)]
    """
    listed = ", ".join(f'CAST("{column}" AS {kind}) AS "{column}"' for column, kind in columns.items())
    nulls = ", ".join(f'CAST(NULL AS {kind}) AS "{column}"' for column, kind in columns.items())
    nothing, files = f"SELECT {nulls} WHERE false", data_files(table)
    if not files:
        query = nothing
    elif files[0].startswith("s3://"):
        query = f'SELECT {listed} FROM "{_copied(connection, name, table, list(columns), within)}"'
    else:
        paths = ", ".join("'" + _literal_glob(path).replace("'", "''") + "'" for path in files)
        options = f"union_by_name = {widened}, hive_partitioning = {PARTITION in columns or bool(within)}"
        stored = f"FROM read_parquet([{paths}], {options}){within}"
        if widened:  # there may be no file yet that has the new column
            stored = f"FROM ({stored} UNION ALL BY NAME {nothing})"
        query = f"SELECT {listed} {stored}"
    connection.execute(f'CREATE OR REPLACE VIEW "{name}" AS {query}')


def _copied(connection: "DuckDBPyConnection", name: str, table: "DeltaTable", columns: list[str], within: str) -> str:
    from deltalake import QueryBuilder

    names = ", ".join(f'"{column}"' for column in columns)
    stream = QueryBuilder().register("stored", table).execute(f"SELECT {names} FROM stored{within}")
    connection.register("stored_stream", stream)
    connection.execute(f'CREATE OR REPLACE TEMP TABLE "{name}_copy" AS SELECT * FROM stored_stream')
    connection.unregister("stored_stream")
    return f"{name}_copy"


def _literal_glob(path: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)
