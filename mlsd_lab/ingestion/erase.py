"""A user asks to be erased: rows, history and dead letters go, and late copies stay out."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mlsd_lab.errors import ConfigError
from mlsd_lab.ingestion.erased_users import user_digest
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.lake_table import LakeTable
from mlsd_lab.ingestion.mentioned_users import mentioned_users
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.shape import DEAD_LETTERS, ERASED, SERVED, among

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Erased:
    """What was erased of a user, in one table.

    >>> Erased("events", rows=12, partitions=3, files=5).rows
    12
    """

    table: str
    rows: int
    partitions: int
    """So many were rewritten without the user; a table without partitions is one."""
    files: int
    """Old data files removed: with them the table's earlier versions, which held the user's rows."""


def erase(lake: Lake, user: str, now: datetime) -> list[Erased]:
    """Erase a user from all tables of a lake, time travel included, and report it by table.

    Partitions are rewritten, never deleted from by a condition: the condition would keep the id in Delta's own log.
    The SHA-256 of the id is kept, so that a late copy or the profile database does not bring the user back. The
    sources keep what they have; so does whatever was made from the lake before. Run again after a `ConflictError`.

    >>> import tempfile
    >>> from datetime import UTC
    >>> now = datetime(2026, 1, 1, tzinfo=UTC)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lake = Lake(folder)
    ...     lake.table("users").append(connect(), "SELECT 'ann' AS user_id, now() AS updated_at, false AS deleted,"
    ...         " NULL AS signed_up_at, NULL AS app, NULL AS region", {})
    ...     erase(lake, "ann", now)[0].rows, lake.table("users").rows
    (1, 0)
    """
    if not user or user != user.encode("utf-8", "ignore").decode():
        found = repr(user) if user else "an empty text"
        raise ConfigError(f"--user: expected the id of a user, as text in UTF-8, found {found}")
    lake.require()
    connection = connect()
    _remember(connection, lake.table(ERASED.name), user, now)
    parts = dict.fromkeys(("events", "late_events", "users", SERVED.name), _erase_rows)
    parts |= {DEAD_LETTERS.name: _erase_letters}
    done = []
    for name, erase_from in parts.items():
        if lake.has(name):
            table = lake.table(name)
            with table.explained():
                done.append(erase_from(connection, table, user))
    return done


def _remember(connection: "DuckDBPyConnection", table: LakeTable, user: str, now: datetime) -> None:
    table.view(connection, "known")
    digest = user_digest(user)
    with table.explained():
        known = connection.execute("SELECT 1 FROM known WHERE user = ?", [digest]).fetchall()
    if not known:
        row = f"SELECT '{digest}' AS user, TIMESTAMPTZ '{now.isoformat()}' AS erased_at"
        table.append(connection, row, {})


def _erase_rows(connection: "DuckDBPyConnection", table: LakeTable, user: str) -> Erased:
    table.view(connection, "stored")
    connection.execute("CREATE OR REPLACE TEMP TABLE theirs AS SELECT CAST(? AS VARCHAR) AS user_id", [user])
    (rows,) = connection.execute("SELECT count(*) FROM stored SEMI JOIN theirs USING (user_id)").fetchall()[0]
    rest = "SELECT * FROM stored ANTI JOIN theirs USING (user_id)"
    dates: list[str] | None = None
    if table.shape.partitioned:
        days = "SELECT DISTINCT CAST(event_date AS VARCHAR) FROM stored SEMI JOIN theirs USING (user_id) ORDER BY 1"
        dates = [day for (day,) in connection.execute(days).fetchall()]
        rest += f" WHERE {among(dates)}"
    if rows:
        table.overwrite(connection, rest, dates, {})
    partitions = (1 if dates is None else len(dates)) if rows else 0
    return Erased(table.shape.name, int(rows), partitions, table.vacuum(0))


def _erase_letters(connection: "DuckDBPyConnection", table: LakeTable, user: str) -> Erased:
    """Drop each letter that names the user, in whatever state its bytes are."""
    table.view(connection, "letters")
    found = connection.execute("SELECT source, sha256, record FROM letters").fetchall()
    theirs = [[source, digest] for source, digest, record in found if user in mentioned_users(record)]
    if theirs:
        connection.execute("CREATE OR REPLACE TEMP TABLE theirs (source VARCHAR, sha256 VARCHAR)")
        connection.executemany("INSERT INTO theirs VALUES (?, ?)", theirs)
        table.overwrite(connection, "SELECT * FROM letters ANTI JOIN theirs USING (source, sha256)", None, {})
    return Erased(table.shape.name, len(theirs), int(bool(theirs)), table.vacuum(0))
