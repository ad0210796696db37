"""Upkeep of a lake: small files joined, old versions and old days let go."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from mlsd_lab.errors import ConfigError
from mlsd_lab.ingestion.lake import SHAPES, Lake
from mlsd_lab.ingestion.lake_table import LakeTable
from mlsd_lab.ingestion.parsing import connect

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SMALL, _AT_ONCE = 32 * 2**20, 256 * 2**20  # bytes: of a small file, and of what one commit rewrites


@dataclass(frozen=True)
class Upkeep:
    """What upkeep did to one table.

    >>> Upkeep("events", files_before=300, files_after=14, removed=286, rows_dropped=0).files_after
    14
    """

    table: str
    files_before: int
    files_after: int
    removed: int
    """Data files that no kept version needs any more, deleted from the storage."""
    rows_dropped: int


def compact(lake: Lake, keep_hours: int = 168, drop_before: date | None = None) -> list[Upkeep]:
    """Join each table's small files, drop events of days before a date (UTC), remove what no kept version needs.

    Versions of the last `keep_hours` stay reachable by time travel; what queries and writes began before then must
    have ended. Files that broken-off writes left are removed once they are so old.
    The positions of the sources stay; raises `ConflictError` where another writer commits meanwhile.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lake = Lake(folder)
    ...     for user in ("ann", "bob"):
    ...         row = f"SELECT '{user}' AS user_id, now() AS updated_at, false AS deleted"
    ...         row += ", NULL AS signed_up_at, NULL AS app, NULL AS region"
    ...         lake.table("users").append(connect(), row, {})
    ...     compact(lake, keep_hours=0)
    [Upkeep(table='users', files_before=2, files_after=1, removed=2, rows_dropped=0)]
    """
    if keep_hours < 0:
        raise ConfigError(f"--keep-hours: expected 0 or more, found {keep_hours}")
    lake.require()
    connection, done = connect(), []
    for name in SHAPES:
        if lake.has(name):
            table = lake.table(name)
            before, dropped = len(table.files), 0
            with table.explained():
                if drop_before is not None and table.shape.partitioned:
                    dropped = _drop(connection, table, drop_before)
                _join(connection, table)
            removed = table.vacuum(keep_hours)
            done.append(Upkeep(name, before, len(table.files), removed, dropped))
    return done


def _join(connection: "DuckDBPyConnection", table: LakeTable) -> None:
    """Rewrite the partitions that have several small files; decision 0017 says why not with Delta's own command."""
    for dates in _groups(table.sizes):
        within = None if dates == [None] else [str(date) for date in dates]
        table.view(connection, "joined", dates=within)
        table.overwrite(connection, "SELECT * FROM joined", within, {})


def _groups(sizes: Mapping[str | None, list[int]]) -> Iterator[list[str | None]]:
    group: list[str | None] = []
    for partition, files in sizes.items():
        if sum(size < _SMALL for size in files) > 1:
            group.append(partition)
            if sum(sum(sizes[one]) for one in group) > _AT_ONCE:
                yield group
                group = []
    if group:
        yield group


def _drop(connection: "DuckDBPyConnection", table: LakeTable, before: date) -> int:
    table.view(connection, "days", ("event_date",))
    old = f"FROM days WHERE event_date < DATE '{before}'"
    (rows,) = connection.execute(f"SELECT count(*) {old}").fetchall()[0]
    if rows:
        dates = connection.execute(f"SELECT DISTINCT CAST(event_date AS VARCHAR) {old} ORDER BY 1").fetchall()
        table.overwrite(connection, table.shape.nothing, [day for (day,) in dates], {})
    return int(rows)
