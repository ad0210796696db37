"""From sources into the lake: read, check, drop copies, write rows and position in one commit, batch by batch."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from time import perf_counter
from typing import Any

from mlsd_lab.errors import ConfigError, ConflictError, DataError, SourceError
from mlsd_lab.ingestion.admit import Admitted, admit, write
from mlsd_lab.ingestion.contract import Contract
from mlsd_lab.ingestion.dead_letters import bury
from mlsd_lab.ingestion.erased_users import ErasedUsers
from mlsd_lab.ingestion.intake import Counts, Intake
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.lake_table import LakeTable
from mlsd_lab.ingestion.parsing import connect, parse
from mlsd_lab.ingestion.shape import Shape
from mlsd_lab.ingestion.source import Batch, Position, Source
from mlsd_lab.ingestion.storage_errors import another_was_first, explained

OnProgress = Callable[[str, float], None]
ALLOWED_BAD = 10
"""So many bad records of a batch are borne whatever their share: of twelve lines, two are no verdict."""
_SAMPLED = 20_000  # bytes at either end of a batch


def ingest(
    lake: Lake,
    sources: Sequence[Source],
    now: datetime,
    bad_share: float = 0.1,
    may_be_old: Collection[str] = ("metadata",),
    on_progress: OnProgress = lambda _stage, _share: None,
) -> list[Intake]:
    """Bring each source's new records into the lake, and return what came of them.

    A run that was killed at any moment goes on where its last commit ended. More than `bad_share` bad records in a
    batch stop the run with `DataError`, nothing of that batch written. A source named in `may_be_old` may fail: what
    the lake has of it serves on, with its age. Raises `SourceError`, `StorageError`, `ConflictError` otherwise.

    >>> import tempfile
    >>> from datetime import UTC
    >>> from pathlib import Path
    >>> from mlsd_lab.ingestion.click_log import ClickLog
    >>> at = "2026-01-01T00:00:00Z"
    >>> line = json.dumps({"event_id": "e", "user_id": "u", "video_id": "v", "occurred_at": at, "known_at": at})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder, "clicks").mkdir()
    ...     _ = Path(folder, "clicks", "1.jsonl").write_text(f"{line}\\n{line}\\noops\\n")
    ...     lake, clicks = Lake(f"{folder}/lake"), ClickLog(Path(folder, "clicks"))
    ...     [intake.counts for intake in 2 * [*ingest(lake, [clicks], datetime(2026, 1, 2, tzinfo=UTC))]][0]
    Counts(read=3, kept=1, duplicates=1, dead=1, erased=0)
    """
    if not 0 <= bad_share <= 1:
        raise ConfigError(f"bad_share: expected a share from 0 to 1, found {bad_share}")
    intakes = []
    for at, source in enumerate(sources):
        run = _Run(lake, source, now, bad_share, may_be_old)

        def tell(read: int, name: str = source.name, share: float = at / len(sources)) -> None:
            on_progress(f"{name}: {read:,} read", share)

        try:
            with explained(lake.root):  # a stored file may turn out damaged only when a query reads it
                intake = run.all(tell)
        except SourceError as error:
            intake = run.so_far(error)
        intakes.append(intake)
    on_progress("done", 1.0)
    return intakes


class _Run:
    """One source into its table."""

    def __init__(
        self, lake: Lake, source: Source, now: datetime, bad_share: float, may_be_old: Collection[str]
    ) -> None:
        self._lake, self._source, self._now = lake, source, now
        self._bad_share, self._may_be_old = bad_share, may_be_old
        self._connection = connect()
        self._notes: dict[str, None] = {}
        self._counts = Counts()
        self._began = perf_counter()

    @cached_property
    def _table(self) -> LakeTable:
        """Opened once, and made only when there is something to write: its commits see what came in between."""
        return self._lake.table(Shape.of(self._source.contract))

    @cached_property
    def _erased(self) -> ErasedUsers:
        """As of after the table was opened, as `ErasedUsers` asks."""
        return ErasedUsers(self._lake)

    def _state(self) -> dict[str, Any]:
        there = self._lake.has(self._source.contract.name)
        return dict(self._table.states.get(self._source.name, {})) if there else {}

    def all(self, tell: Callable[[int], None]) -> Intake:
        tell(0)
        position = self._state().get("position")
        for batch in self._source.since(position):
            self._notes |= dict.fromkeys(batch.notes)
            self._stop_if_moved(position)
            self._take(batch)
            position = batch.position
            if batch.present is not None:
                self._take(replace(batch, lines=self._tombstones(batch.present), present=None))
            tell(self._counts.read)
        return self._intake()

    def so_far(self, error: SourceError) -> Intake:
        state = self._state()
        if self._source.name not in self._may_be_old or not state:
            raise error
        age = (self._now - datetime.fromisoformat(state["at"])).total_seconds()
        return replace(self._intake(), trouble=str(error), age_seconds=max(0.0, age))

    def _intake(self) -> Intake:
        seconds = perf_counter() - self._began
        return Intake(self._source.name, self._source.contract.name, self._counts, seconds, tuple(self._notes))

    def _take(self, batch: Batch) -> None:
        source, contract = self._source, self._source.contract
        dead = [*batch.dead, *parse(self._connection, batch.lines, contract, batch.origin, self._now)]
        read = batch.lines.count(b"\n") + len(batch.dead)
        self._stop_if_bad(len(dead), read, [letter.reason for letter in dead], batch.origin)
        bury(self._lake, source.name, dead, self._now)  # first: without its rows the batch is read again
        self._notes |= dict.fromkeys(_added(batch.lines, contract))
        erased = self._erased.drop(self._connection) if "user_id" in contract.columns else 0
        left = read - len(dead) - erased
        admitted = admit(self._connection, self._table)
        counts = Counts(read, admitted.new, left - admitted.new, len(dead), erased)
        self._commit(batch, admitted, counts)
        self._counts += counts

    def _commit(self, batch: Batch, admitted: Admitted, counts: Counts) -> None:
        name = self._source.name
        before = self._table.states.get(name, {})
        if admitted.rows or before.get("position") != batch.position or name in self._may_be_old:
            total = Counts(**before.get("counts", {})) + counts
            state = {"position": batch.position, "counts": vars(total), "at": self._now.isoformat()}
            write(self._connection, self._table, admitted, {name: state})

    def _stop_if_moved(self, position: Position | None) -> None:
        """Refuse where the table was made, with rows of this source, after the position was asked for."""
        if self._table.states.get(self._source.name, {}).get("position") != position:
            raise ConflictError(another_was_first(self._table.uri))

    def _stop_if_bad(self, dead: int, read: int, reasons: list[str], origin: str) -> None:
        if dead > ALLOWED_BAD + self._bad_share * read:
            worst = max(set(reasons), key=reasons.count)
            raise DataError(
                f"{self._source.name}, {origin}: {dead:,} of {read:,} records are not what the contract"
                f" {self._source.contract.name!r} says, more than the limit of {self._bad_share:.0%};"
                f" most often: {worst}. Nothing of this batch was written. Mend the source or the contract,"
                " or raise the limit (--bad-share)"
            )

    def _tombstones(self, present: frozenset[str]) -> bytes:
        """Make a record of deletion for each id that the lake has alive and the source no longer has."""
        key, _ = self._table.shape.key
        self._table.view(self._connection, "known", (key, "updated_at", "deleted"))
        alive = self._connection.execute(
            f"SELECT {key} FROM known GROUP BY {key} HAVING NOT coalesce(arg_max(deleted, updated_at), false)"
        ).fetchall()
        moment = self._now.isoformat()
        gone = sorted({name for (name,) in alive} - present)
        records = ({key: name, "updated_at": moment, "deleted": True} for name in gone)
        return "".join(json.dumps(record) + "\n" for record in records).encode()


def _added(lines: bytes, contract: Contract) -> list[str]:
    """Name fields that the contract does not have, from the records at a batch's beginning and end."""
    found: set[str] = set()
    for line in lines[:_SAMPLED].split(b"\n") + lines[-_SAMPLED:].split(b"\n"):
        try:
            found |= set(json.loads(line)) - set(contract.columns)
        except (ValueError, TypeError, RecursionError):
            continue
    return [f"field {name!r} is not in the contract {contract.name!r} and was dropped" for name in sorted(found)]
