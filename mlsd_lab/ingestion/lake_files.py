"""The data files of a Delta table: where they lie, how large they are, and their end."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from mlsd_lab.ingestion.shape import PARTITION

if TYPE_CHECKING:
    from deltalake import DeltaTable


def data_files(table: "DeltaTable") -> list[str]:
    """Return the data files of the version that a handle sees: local paths, or `s3://` URLs.

    >>> import duckdb, tempfile
    >>> from deltalake import DeltaTable, write_deltalake
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_deltalake(folder, duckdb.sql("SELECT 1 AS clicks"))
    ...     [path.startswith(folder) for path in data_files(DeltaTable(folder))]
    [True]
    """
    files = table.file_uris()
    return files if table.table_uri.startswith("s3://") else [unquote(file.removeprefix("file://")) for file in files]


def file_sizes(table: "DeltaTable") -> dict[str | None, list[int]]:
    """Return the sizes in bytes of the version's files by partition, sorted (`None` where there are none).

    >>> import duckdb, tempfile
    >>> from deltalake import DeltaTable, write_deltalake
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_deltalake(folder, duckdb.sql("SELECT 1 AS clicks"))
    ...     [(partition, len(sizes)) for partition, sizes in file_sizes(DeltaTable(folder)).items()]
    [(None, 1)]
    """
    import duckdb

    actions, column = table.get_add_actions(flatten=True), f"partition.{PARTITION}"
    date = f'CAST("{column}" AS VARCHAR)' if PARTITION in table.metadata().partition_columns else "NULL"
    with duckdb.connect() as connection:
        connection.register("files", actions)
        rows = connection.execute(f"SELECT {date}, list(size_bytes) FROM files GROUP BY 1 ORDER BY 1").fetchall()
    return dict(rows)


def staged_files(uri: str, before: datetime) -> list[Path]:
    """Return what killed writes left half written, last touched before a moment, below the table at a path.

    Delta's storage layer writes a file under its name with `#1` behind it, renames it, and lists none of that name. On
    S3 there are none: an upload that was not completed is no file, and a lifecycle rule of the bucket ends it.

    >>> import tempfile
    >>> from datetime import UTC, timedelta
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("a.parquet", "b.parquet#1"):
    ...         _ = Path(folder, name).write_bytes(b"")
    ...     touched = datetime.fromtimestamp(Path(folder, "b.parquet#1").stat().st_mtime, UTC)
    ...     [[path.name for path in staged_files(folder, touched + timedelta(hours=age))] for age in (-1, 1)]
    [[], ['b.parquet#1']]
    """
    if uri.startswith("s3://"):
        return []
    found = []
    for path in Path(unquote(uri.removeprefix("file://"))).rglob("*#*"):
        with suppress(FileNotFoundError):  # it has its name now
            if re.search(r"#[0-9]+$", path.name) and path.stat().st_mtime < before.timestamp():
                found.append(path)
    return found


def delete_files(uri: str, storage: Mapping[str, str], files: Sequence[str]) -> int:
    """Delete files, named as Delta's vacuum names them, of the table at a path or URL, and return how many there were.

    On S3 those count too that an earlier run deleted: it does not tell.

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "old.parquet").write_bytes(b"")
    ...     delete_files(folder, {}, ["old.parquet", "gone.parquet"]), list(Path(folder).iterdir())
    (1, [])
    """
    from deltalake._internal import DeltaFileSystemHandler  # Delta's own vacuum lists as late as it deletes

    handler, deleted = DeltaFileSystemHandler(uri, dict(storage)), 0
    for file in files:
        with suppress(FileNotFoundError):
            handler.delete_file(file)
            deleted += 1
    return deleted
