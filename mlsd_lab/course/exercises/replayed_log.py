"""A tiny log, the table it is brought into, and a process that dies after a chosen call: the world of exercise 2.3.

Of a table a learner sees the five calls, and no more. What Python's variables hold must die with the process although
Python lives on: each process gets the events under new ids, and finds those in the table renamed alike, so whatever an
earlier process remembered, or an earlier replay, is of no use.
"""

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import accumulate, count
from typing import Any

Row = dict[str, Any]
Log = tuple[str, ...]
"""Each letter is the id of an event, each word a batch."""
_PATIENCE = 3  # so many deliveries without a step forward are one too many
_marks = (f"-{number}" for number in count())  # behind each id that a process sees


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
class _Stored:
    """What outlives the process."""

    rows: list[Row] = field(default_factory=list)
    offset: int = 0


@dataclass(repr=False)
class Table:
    """What one process has in its hands; each call is I/O, and after one of them the process may die.

    >>> table = Table()
    >>> table.commit([{"event_id": "a"}], 1)
    >>> table.has(["a", "b"]), table.offset()
    ({'a'}, 1)
    """

    _stored: _Stored = field(default_factory=_Stored)
    _dies_after: int = 0  # calls; 0 is never
    _calls: list[str] = field(default_factory=list)  # that took effect
    _refused: int = 0

    def has(self, ids: Iterable[str]) -> set[str]:
        """Return those of the ids that the table holds."""
        asked: list[Any] = [None] if isinstance(ids, str) else list(ids)
        if "event_id" in asked or not all(isinstance(name, str) for name in asked):  # a row, rows or a lone id
            raise TypeError(f"has: expected several event_ids, such as a list of them, found {ids!r:.60}")
        held = {row["event_id"] for row in self._stored.rows}
        return held.intersection(asked) if self._call("has") else set(asked)

    def append(self, rows: Iterable[Row]) -> None:
        """Add rows, even those that the table holds."""
        self._write("append", rows, self._stored.offset)

    def write_offset(self, offset: int) -> None:
        """Store the offset."""
        self._write("write_offset", (), offset)

    def commit(self, rows: Iterable[Row], offset: int) -> None:
        """Add rows and store the offset in one transaction."""
        self._write("commit", rows, offset)

    def offset(self) -> int:
        """Return the stored offset."""
        self._call("offset")
        return self._stored.offset

    @property
    def _dead(self) -> bool:
        return 0 < self._dies_after <= len(self._calls)

    def _write(self, name: str, rows: Iterable[Row], offset: int) -> None:
        added = list(rows)
        if not all(isinstance(row, dict) and isinstance(row.get("event_id"), str) for row in added):
            raise TypeError(f"{name}: expected rows with an event_id, as in batch.rows, found {added!r:.60}")
        self._call(name, _Stored([*self._stored.rows, *map(dict, added)], operator.index(offset)))

    def _call(self, name: str, after: _Stored | None = None) -> bool:
        """Let a call take effect, or refuse it to a dead process; return whether it did."""
        if self._dead:
            self._refused += 1
            if self._refused < 100:
                raise _DiedError
            return False  # as if all were well, so that a loop that tries until it works comes to its end
        self._calls.append(name)
        if after is not None:
            self._stored.rows, self._stored.offset = after.rows, after.offset
        if self._dead:
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


def deliver(log: Log, offset: int, mark: str = "") -> Batch:
    """Return what a log has from an offset to the end of a batch, a mark behind each id.

    >>> [row["event_id"] for row in deliver(("ab", "cd"), 1, "-7").rows]
    ['b-7']
    """
    start = max(offset, 0)
    end = next(end for end in accumulate(map(len, log)) if end > start)
    return Batch([_row(name, mark) for name in "".join(log)[start:end]], end)


def replay(sink: Callable[[Batch, Table], object], log: Log, dies_after: int = 0) -> Replay:
    """Call a sink with one batch after the other, from the stored offset to the end; what it raises goes through.

    >>> replay(lambda batch, table: table.commit(batch.rows, batch.offset), ("ab", "a"), dies_after=1).ids
    ('a', 'a', 'b')
    """
    stored, end, waited, delivered, mark = _Stored(), len("".join(log)), 0, 0, next(_marks)
    first = table = Table(stored, dies_after)
    while stored.offset < end and waited < _PATIENCE and delivered < 10 + _PATIENCE * end:
        before = stored.offset
        try:
            sink(deliver(log, before, mark), table)
        except (Exception, SystemExit, _DiedError):
            if not table._dead:
                raise
        waited = 0 if table._dead or stored.offset > before else waited + 1
        delivered += 1
        if table._dead:
            table, old, mark = Table(stored), mark, next(_marks)
            stored.rows = [_renamed(row, old, mark) for row in stored.rows]
    came = [_row(name, mark) for name in "".join(log)]
    changed = tuple(row["event_id"].removesuffix(mark) for row in stored.rows if row not in came)
    ids = tuple(sorted(row["event_id"].removesuffix(mark) for row in stored.rows))
    return Replay(dies_after, tuple(first._calls), ids, stored.offset, stored.offset < end, changed)


def _row(name: str, mark: str) -> Row:
    return {"event_id": name + mark, "video_id": f"v{ord(name) % 2}", "watch_seconds": float(ord(name) % 3)}


def _renamed(row: Row, old: str, new: str) -> Row:
    name = row["event_id"]
    return {**row, "event_id": name.removesuffix(old) + new} if name.endswith(old) else row
