"""What a row, and a whole table, is, however it is stored."""

import hashlib
from typing import TYPE_CHECKING

from mlsd_lab.ingestion.lake_table import LakeTable
from mlsd_lab.ingestion.shape import Shape

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def row_text(shape: Shape, alias: str) -> str:
    """Return SQL for a row's text: a JSON array of its columns in order, times as microseconds since 1970 in UTC.

    >>> from mlsd_lab.ingestion.shape import ERASED
    >>> row_text(ERASED, "e")
    'CAST(json_array(e."user", epoch_us(e."erased_at")) AS VARCHAR)'
    """
    values = (
        f'epoch_us({alias}."{name}")' if kind == "TIMESTAMPTZ" else f'{alias}."{name}"'
        for name, kind in shape.columns.items()
    )
    return f"CAST(json_array({', '.join(values)}) AS VARCHAR)"


def content_hash(connection: "DuckDBPyConnection", table: LakeTable) -> str:
    """Return the SHA-256 over a table's rows sorted by its key, each row's text ended by a newline.

    Equal for equal rows, whatever the order in which they came, the files they lie in, and the table's history.

    >>> import tempfile
    >>> from mlsd_lab.ingestion.parsing import connect
    >>> from mlsd_lab.ingestion.lake import Lake
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     content_hash(connect(), Lake(folder).table("users")) == hashlib.sha256(b"").hexdigest()
    True
    """
    table.view(connection, "hashed")
    order = ", ".join(f'"{name}"' for name in table.shape.key)
    digest = hashlib.sha256()
    with table.explained():
        rows_in_order = f"(SELECT * FROM hashed ORDER BY {order})"  # sorted as they are: their text takes more memory
        result = connection.execute(f"SELECT {row_text(table.shape, 'h')} FROM {rows_in_order} h")
        while rows := result.fetchmany(50_000):
            digest.update("".join(f"{text}\n" for (text,) in rows).encode())
    return digest.hexdigest()
