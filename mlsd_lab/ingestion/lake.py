"""The lake: Delta tables under one root, a folder or an S3 prefix."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mlsd_lab.errors import ConfigError, StorageError
from mlsd_lab.ingestion.contracts import CONTRACTS, EVENTS
from mlsd_lab.ingestion.lake_table import LakeTable
from mlsd_lab.ingestion.shape import DEAD_LETTERS, ERASED, SERVED, Shape

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SHAPES = {name: Shape.of(contract) for name, contract in CONTRACTS.items()}
SHAPES |= {shape.name: shape for shape in (SHAPES[EVENTS.name].late, DEAD_LETTERS, SERVED, ERASED)}
"""The tables of a lake, by the folder each lies in."""


class Lake:
    """Tables under a root: a folder, or `s3://bucket/prefix` with the usual AWS variables in the environment.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lake = Lake(folder)
    ...     lake.table("users").rows, lake.has("users"), lake.has("videos")
    (0, True, False)
    """

    def __init__(self, root: str | Path, storage: Mapping[str, str] | None = None) -> None:
        self.root = _address(root)
        self.storage = _storage(self.root) | dict(storage or {})

    def table(self, shape: str | Shape) -> LakeTable:
        """Open a table at its newest version; one that is not there yet is made, empty.

        By name, it has the columns that are stored; by shape, also those that are new in the shape.
        """
        if isinstance(shape, str):
            return LakeTable.open(self._uri(shape), SHAPES[shape], self.storage, as_stored=True)
        return LakeTable.open(self._uri(shape.name), shape, self.storage)

    def has(self, name: str) -> bool:
        """Say whether a table is there."""
        return LakeTable.is_at(self._uri(name), self.storage)

    def _uri(self, name: str) -> str:
        return f"{self.root}/{name}" if self.root.startswith("s3://") else Path(self.root, name).as_uri()

    def view(self, connection: "DuckDBPyConnection", name: str, view: str) -> None:
        """Make a table readable in DuckDB; one that is not there is an empty view, and is not made."""
        if self.has(name):
            self.table(name).view(connection, view)
        else:
            connection.execute(f'CREATE OR REPLACE VIEW "{view}" AS {SHAPES[name].nothing}')

    def require(self) -> None:
        """Raise `StorageError` unless there is a lake: at least one of its tables."""
        if not any(self.has(name) for name in SHAPES):
            raise StorageError(f"expected a lake at {self.root}, found none; make one with mlsd-lab ingest --lake")


def _address(root: str | Path) -> str:
    text = str(root)
    if text.startswith("s3://"):
        if not text.removeprefix("s3://").strip("/"):
            raise ConfigError("--lake: expected s3://BUCKET/PREFIX, found no bucket")
        return text.rstrip("/")
    if "://" in text:
        raise ConfigError(f"--lake: expected a folder or s3://BUCKET/PREFIX, found {str(root)!r}")
    path = str(Path(text).expanduser().resolve())
    if odd := sorted(set("%\\[]^|") & set(path)):  # Delta's storage layer misreads these, or stops the process
        raise ConfigError(f"--lake: expected a folder without {odd[0]} in its path, found {path}")
    return path


def _storage(root: str) -> dict[str, str]:
    """Bound how long S3 may refuse, and allow plain HTTP where the endpoint is one."""
    if not root.startswith("s3://"):
        return {}
    options = {"max_retries": "3", "retry_timeout": "20s", "timeout": "60s", "connect_timeout": "5s"}
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    return options | ({"AWS_ALLOW_HTTP": "true"} if endpoint.startswith("http://") else {})
