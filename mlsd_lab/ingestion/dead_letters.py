"""Where refused records lie, with their bytes and the reason, until the contract or the records are mended."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mlsd_lab.errors import DataError
from mlsd_lab.ingestion.admit import admit, write
from mlsd_lab.ingestion.contract import Contract
from mlsd_lab.ingestion.contracts import BY_SOURCE
from mlsd_lab.ingestion.erased_users import ErasedUsers
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect, parse
from mlsd_lab.ingestion.shape import DEAD_LETTERS, Shape
from mlsd_lab.ingestion.source import Dead

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_COLUMNS = ", ".join(f'"{name}" {kind}' for name, kind in DEAD_LETTERS.columns.items())


def bury(lake: Lake, source: str, letters: Sequence[Dead], now: datetime) -> int:
    """Add dead letters of a source to the lake, each record once and none that names an erased user.

    Returns how many were new.

    >>> import tempfile
    >>> from datetime import UTC
    >>> from mlsd_lab.ingestion.parsing import refused
    >>> letter, now = refused(b"oops", "no JSON object", "clicks-1.jsonl"), datetime(2026, 1, 1, tzinfo=UTC)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [bury(Lake(folder), "clicks", [letter], now), bury(Lake(folder), "clicks", [letter], now)]
    [1, 0]
    """
    if not letters:
        return 0
    connection, table = connect(), lake.table(DEAD_LETTERS.name)
    erased = ErasedUsers(lake)
    _lay_out(connection, source, [letter for letter in letters if not erased.are_named(letter.record)], now)
    admitted = admit(connection, table)
    if admitted.rows:
        write(connection, table, admitted, {})  # a copy of the same moment may take the place of the stored one
    return admitted.new


@dataclass(frozen=True)
class Redriven:
    """What became of a source's dead letters.

    >>> Redriven("clicks", tried=3, kept=1, duplicates=1).dead
    1
    """

    source: str
    tried: int
    kept: int
    duplicates: int
    erased: int = 0
    """Of users who were erased: dropped."""

    @property
    def dead(self) -> int:
        """Refused again: they stay where they lie."""
        return self.tried - self.kept - self.duplicates - self.erased


def redrive(
    lake: Lake,
    now: datetime,
    contracts: Mapping[str, Contract] = BY_SOURCE,
    mend: Callable[[bytes], bytes] = lambda record: record,
) -> list[Redriven]:
    """Try the dead letters again, under mended contracts (by source) or after `mend` was applied to each record.

    What is now good goes into its table like any record, then leaves the dead letters; a run killed in between is
    simply run again. Records over 64 kB, of which only the beginning was kept, stay.

    >>> import tempfile
    >>> from datetime import UTC
    >>> from mlsd_lab.ingestion.parsing import refused
    >>> letter = refused(b'{"user_id": "ann"}', "updated_at: expected a time, found nothing", "users, page 1")
    >>> add = lambda record: record[:-1] + b', "updated_at": "2026-01-01T00:00:00Z"}'
    >>> now = datetime(2026, 1, 2, tzinfo=UTC)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = bury(Lake(folder), "profiles", [letter], now)
    ...     redrive(Lake(folder), now, mend=add), Lake(folder).table("users").rows
    ([Redriven(source='profiles', tried=1, kept=1, duplicates=0, erased=0)], 1)
    """
    if not lake.has(DEAD_LETTERS.name):
        return []
    connection, letters = connect(), lake.table(DEAD_LETTERS.name)
    letters.view(connection, "letters")
    with letters.explained():
        found = [_redrive_source(lake, connection, name, contract, mend, now) for name, contract in contracts.items()]
    if any(one.tried > one.dead for one, _ in found):
        connection.execute("CREATE TEMP TABLE out (source VARCHAR, sha256 VARCHAR)")
        gone = [[one.source, digest] for one, digests in found for digest in digests]
        connection.executemany("INSERT INTO out VALUES (?, ?)", gone)
        letters.overwrite(connection, "SELECT * FROM letters ANTI JOIN out USING (source, sha256)", None, {})
    return [one for one, _ in found if one.tried]


def _redrive_source(
    lake: Lake,
    connection: "DuckDBPyConnection",
    source: str,
    contract: Contract,
    mend: Callable[[bytes], bytes],
    now: datetime,
) -> tuple[Redriven, list[str]]:
    """Return what came of one source's letters, and the hashes of those that are good now."""
    whole = "SELECT sha256, record FROM letters WHERE source = ? AND octet_length(record) = size ORDER BY sha256"
    good, lines = [], []
    letters = connection.execute(whole, [source]).fetchall()
    for digest, record in letters:
        line = mend(record)
        try:
            contract.read(line, now)
        except DataError:
            continue
        good.append(digest)
        lines.append(line.replace(b"\n", b" ") + b"\n")
    if not good:
        return Redriven(source, len(letters), 0, 0), []
    table = lake.table(Shape.of(contract))
    parse(connection, b"".join(lines), contract, "dead letters", now)
    erased = ErasedUsers(lake).drop(connection) if "user_id" in contract.columns else 0
    admitted = admit(connection, table)
    write(connection, table, admitted, {})
    return Redriven(source, len(letters), admitted.new, len(good) - erased - admitted.new, erased), good


def _lay_out(connection: "DuckDBPyConnection", source: str, letters: Sequence[Dead], now: datetime) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE parsed ({_COLUMNS})")
    rows = [
        [source, letter.sha256, letter.origin, letter.reason, letter.record, letter.size, now] for letter in letters
    ]
    if rows:
        connection.executemany("INSERT INTO parsed VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
