"""A tiny log, the table it is brought into, and a process that dies after a chosen call: the world of exercise 2.3."""

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

Row = dict[str, Any]
World = tuple[str, ...]
"""A log: each letter is the id of an event, each word a batch."""
_PATIENCE = 3  # so many deliveries without a step forward are one too many


class _DiedError(BaseException):
    """The process dies: no `except Exception` of a learner's catches it."""


@dataclass
class Batch:
    """What the log delivers: rows, and the offset after the last of them.

    >>> deliver(("ab", "c"), 2).offset
    3
    """

    rows: list[Row]
    offset: int


@dataclass
class Stored:
    """What outlives the process.

    >>> Stored()
    Stored(rows=[], offset=0)
    """

    rows: list[Row] = field(default_factory=list)
    offset: int = 0


@dataclass
class Table:
    """What one process has in its hands; each call is I/O, and after one of them the process may die.

    >>> table = Table(("ab",))
    >>> table.commit([{"event_id": "a"}], 1)
    >>> table.has(["a", "b"]), table.offset()
    ({'a'}, 1)
    """

    world: World = field(repr=False)
    stored: Stored = field(default_factory=Stored, repr=False)
    dies_after: int = field(default=0, repr=False)  # calls; 0 is never
    calls: list[str] = field(default_factory=list, repr=False)  # that took effect
    _refused: int = field(default=0, repr=False)

    def has(self, ids: Iterable[str]) -> set[str]:
        """Return those of the ids that the table holds."""
        if isinstance(ids, str):
            raise TypeError(f"has: expected several ids, such as a list, found the text {ids!r}")
        found = set(ids) & {row["event_id"] for row in self.stored.rows}
        return found if self._call("has") else set()

    def append(self, rows: Iterable[Row]) -> None:
        """Add rows."""
        self._write("append", rows, self.stored.offset)

    def write_offset(self, offset: int) -> None:
        """Store the offset."""
        self._write("write_offset", (), offset)

    def commit(self, rows: Iterable[Row], offset: int) -> None:
        """Add rows and store the offset in one transaction."""
        self._write("commit", rows, offset)

    def offset(self) -> int:
        """Return the stored offset."""
        found = self.stored.offset
        self._call("offset")
        return found

    @property
    def dead(self) -> bool:
        """Whether the process died."""
        return 0 < self.dies_after <= len(self.calls)

    def _write(self, name: str, rows: Iterable[Row], offset: int) -> None:
        added = list(rows)
        if not all(isinstance(row, dict) and isinstance(row.get("event_id"), str) for row in added):
            raise TypeError(f"{name}: expected rows with an event_id, as in batch.rows, found {added!r:.60}")
        self._call(name, Stored([*self.stored.rows, *map(dict, added)], operator.index(offset)))

    def _call(self, name: str, after: Stored | None = None) -> bool:
        """Let a call take effect, or refuse it to a dead process; return whether it did."""
        if self.dead:
            self._refused += 1
            if self._refused < 100:
                raise _DiedError
            return False  # so that a loop that tries until it works comes to its end
        self.calls.append(name)
        if after is not None:
            self.stored.rows, self.stored.offset = after.rows, after.offset
        if self.dead:
            raise _DiedError
        return True


@dataclass(frozen=True)
class Replay:
    """What came of a log when the process died after one call, or after none (0).

    >>> Replay(0, (), (), offset=0, stuck=True, changed=())
    Replay(died_after=0, calls=(), ids=(), offset=0, stuck=True, changed=(), alike=True)
    """

    died_after: int
    calls: tuple[str, ...]  # of the first process
    ids: tuple[str, ...]  # in the table at the end, sorted
    offset: int
    stuck: bool  # at that offset
    changed: tuple[str, ...]  # ids of rows that are not as they came
    alike: bool = True  # the same came of it on another empty table


def deliver(world: World, offset: int, mark: str = "") -> Batch:
    """Return what a log has from an offset to the end of a batch; a mark at each id makes events that nobody has seen.

    >>> [row["event_id"] for row in deliver(("ab", "cd"), 1, "-7").rows]
    ['b-7']
    """
    start = max(offset, 0)
    end = next(end for end in accumulate(map(len, world)) if end > start)
    return Batch([_row(name, mark) for name in "".join(world)[start:end]], end)


def replay(sink: Callable[[Batch, Table], object], world: World, mark: str = "", dies_after: int = 0) -> Replay:
    """Call a sink with one batch after the other, from the stored offset to the end; what it raises goes through.

    >>> replay(lambda batch, table: table.commit(batch.rows, batch.offset), ("ab", "a"), dies_after=1).ids
    ('a', 'a', 'b')
    """
    stored, end, waited, delivered = Stored(), len("".join(world)), 0, 0
    first = table = Table(world, stored, dies_after)
    while stored.offset < end and waited < _PATIENCE and delivered < 10 + _PATIENCE * end:
        before = stored.offset
        try:
            sink(deliver(world, before, mark), table)
        except (Exception, SystemExit, _DiedError):
            if not table.dead:
                raise
        waited = 0 if table.dead or stored.offset > before else waited + 1
        delivered += 1
        table = Table(world, stored) if table.dead else table
    came = [_row(name, mark) for name in "".join(world)]
    changed = tuple(row["event_id"].removesuffix(mark) for row in stored.rows if row not in came)
    ids = tuple(sorted(row["event_id"].removesuffix(mark) for row in stored.rows))
    return Replay(dies_after, tuple(first.calls), ids, stored.offset, stored.offset < end, changed)


def _row(name: str, mark: str) -> Row:
    return {"event_id": name + mark, "video_id": f"v{ord(name) % 7}", "watch_seconds": float(ord(name) % 11)}
