"""Which of a batch's rows are new: copies are found in the batch and in all of the table's history."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsd_lab.ingestion.content import row_text
from mlsd_lab.ingestion.lake_table import LakeTable
from mlsd_lab.ingestion.shape import PARTITION, Shape

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Admitted:
    """What remains to be written of the rows in `parsed`.

    >>> Admitted(rows=3, replaced=1, dates=["2026-01-01"]).new
    2
    """

    rows: int
    """In `parsed` now: each key once, and none that the table holds in an equal or better copy."""
    replaced: int
    """So many of them take the place of a stored copy."""
    dates: list[str]
    """The partitions in which those stored copies lie, none where the table has no partitions."""

    @property
    def new(self) -> int:
        """Rows whose key the table does not hold."""
        return self.rows - self.replaced


def admit(connection: "DuckDBPyConnection", table: LakeTable) -> Admitted:
    """Delete from the table `parsed` of a connection what is a copy; of copies that differ the earliest stays.

    "Earliest" is by the shape's `first`; a tie goes to the smallest SHA-256 of the row's text.

    >>> import tempfile
    >>> from mlsd_lab.ingestion.lake import Lake
    >>> from mlsd_lab.ingestion.parsing import connect, parse
    >>> from mlsd_lab.ingestion.contracts import USERS
    >>> line = b'{"user_id": "ann", "updated_at": "2026-01-01T00:00:00Z"}\\n'
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     connection = connect()
    ...     _ = parse(connection, line + line, USERS, "by hand")
    ...     admit(connection, Lake(folder).table("users")).rows
    1
    """
    _drop_copies_within(connection, table.shape)
    with table.explained():  # stored files are read
        replaced, dates = _drop_stored(connection, table) if table.rows else (0, [])
    return Admitted(_one(connection, "SELECT count(*) FROM parsed"), replaced, dates)


def write(connection: "DuckDBPyConnection", table: LakeTable, admitted: Admitted, states: Mapping[str, Any]) -> None:
    """Write what was admitted, and `states` with it, in one commit: an append, or where rows are replaced a merge.

    >>> import tempfile
    >>> from mlsd_lab.ingestion.lake import Lake
    >>> from mlsd_lab.ingestion.parsing import connect, parse
    >>> from mlsd_lab.ingestion.contracts import USERS
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     connection, table = connect(), Lake(folder).table("users")
    ...     _ = parse(connection, b'{"user_id": "ann", "updated_at": "2026-01-01T00:00:00Z"}', USERS, "by hand")
    ...     write(connection, table, admit(connection, table), {"by hand": {"position": 1}})
    ...     table.rows, table.states["by hand"]["position"]
    (1, 1)
    """
    query = f"SELECT {', '.join(table.shape.all_columns)} FROM parsed"
    if admitted.replaced:
        table.merge(connection, query, admitted.dates, states)
    else:
        table.append(connection, query, states)


def _drop_copies_within(connection: "DuckDBPyConnection", shape: Shape) -> None:
    key = _listed(shape.key)
    repeated = f"SELECT {key} FROM parsed GROUP BY {key} HAVING count(*) > 1"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE repeated AS {repeated}")
    if _one(connection, "SELECT count(*) FROM repeated"):
        better = f'"{shape.first}", ' if shape.first else ""
        connection.execute(
            f"""DELETE FROM parsed WHERE rowid IN (SELECT row FROM (
                SELECT p.rowid AS row, row_number() OVER (
                  PARTITION BY {key} ORDER BY {better} sha256({row_text(shape, "p")})) AS place
                FROM parsed p SEMI JOIN repeated USING ({key})) WHERE place > 1)"""
        )


def _drop_stored(connection: "DuckDBPyConnection", table: LakeTable) -> tuple[int, list[str]]:
    """Delete what the table holds as well or better; return how many rows replace a stored one, and in which days."""
    shape = table.shape
    dates = _days_of_copies(connection, table) if shape.partitioned else None
    needed = [*shape.key, *([shape.first] if shape.first else []), *([PARTITION] if shape.partitioned else [])]
    table.view(connection, "history", tuple(dict.fromkeys(needed)), dates)
    _find_stored_copies(connection, shape)
    if _one(connection, "SELECT count(*) FROM copies WHERE tie"):
        _settle_ties(connection, table)
    connection.execute("DELETE FROM parsed WHERE rowid IN (SELECT row FROM copies WHERE NOT wins)")
    days = "SELECT DISTINCT CAST(day AS VARCHAR) FROM copies WHERE wins AND day IS NOT NULL ORDER BY 1"
    replaced = _one(connection, "SELECT count(*) FROM copies WHERE wins")
    return replaced, [day for (day,) in connection.execute(days).fetchall()]


def _days_of_copies(connection: "DuckDBPyConnection", table: LakeTable) -> list[str]:
    """Look for the keys alone in all of history, so that more than the keys is read of few days."""
    table.view(connection, "keys", (*table.shape.key, PARTITION))
    days = (
        f"SELECT DISTINCT CAST(h.{PARTITION} AS VARCHAR) FROM keys h JOIN parsed p ON {_same(table.shape)} ORDER BY 1"
    )
    return [day for (day,) in connection.execute(days).fetchall()]


def _find_stored_copies(connection: "DuckDBPyConnection", shape: Shape) -> None:
    """Make `copies`: rows of `parsed` whose key is stored, whether they win, or tie with the stored one."""
    first = f'"{shape.first}"' if shape.first else None
    wins = f"p.{first} < h.{first}" if first else "false"
    tie = f"p.{first} = h.{first}" if first else "true"
    day = f"h.{PARTITION}" if shape.partitioned else "NULL"
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE copies AS SELECT p.rowid AS row, {wins} AS wins, {tie} AS tie, {day} AS day
            FROM parsed p JOIN history h ON {_same(shape)}"""
    )


def _settle_ties(connection: "DuckDBPyConnection", table: LakeTable) -> None:
    """A copy that is equally early wins only if it differs and its hash is smaller."""
    shape = table.shape
    days = connection.execute("SELECT DISTINCT CAST(day AS VARCHAR) FROM copies WHERE tie ORDER BY 1").fetchall()
    table.view(connection, "stored_rows", dates=[day for (day,) in days] if shape.partitioned else None)
    # a table of its own, or the text of every stored row would be made before the join
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE tied AS SELECT p.rowid AS "parsed row", h.* FROM stored_rows h JOIN parsed p
            ON {_same(shape)} WHERE p.rowid IN (SELECT row FROM copies WHERE tie)"""
    )
    ours, theirs = row_text(shape, "p"), row_text(shape, "t")
    connection.execute(
        f"""UPDATE copies SET wins = true FROM (
              SELECT t."parsed row" AS row FROM tied t JOIN parsed p ON p.rowid = t."parsed row"
              WHERE {ours} <> {theirs} AND sha256({ours}) < sha256({theirs})) AS smaller
            WHERE copies.row = smaller.row"""
    )


def _same(shape: Shape) -> str:
    return " AND ".join(f'p."{name}" = h."{name}"' for name in shape.key)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _one(connection: "DuckDBPyConnection", query: str) -> Any:
    return connection.execute(query).fetchall()[0][0]
