from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count, pairwise
from typing import Any

import pandas as pd
import pytest

from mlsd_lab.course.check import check
from mlsd_lab.course.exercise import exercise
from mlsd_lab.course.exercises.replayed_log import Batch, Table

Sink = Callable[[Batch, Table], Any]


def new(batch: Batch, table: Table) -> list[dict[str, Any]]:
    """Return the rows of a batch that the table does not hold, each once."""
    rows = {row["event_id"]: row for row in batch.rows}
    there = table.has(rows)
    return [row for name, row in rows.items() if name not in there]


def idempotent(batch: Batch, table: Table) -> None:
    table.append(new(batch, table))
    table.write_offset(batch.offset)


def row_by_row(batch: Batch, table: Table) -> None:
    for at, row in enumerate(batch.rows):
        known = table.has({row["event_id"]})
        table.commit([] if known else [row], batch.offset - len(batch.rows) + at + 1)


def lazy(batch: Batch, table: Table) -> None:
    table.commit((row for row in new(batch, table)), batch.offset)


def asks_first(batch: Batch, table: Table) -> None:
    if table.offset() < batch.offset:
        lazy(batch, table)


def consumes(batch: Batch, table: Table) -> None:
    rows = new(batch, table)
    batch.rows.clear()
    table.commit(rows, batch.offset)
    for row in rows:
        row.clear()


def tries_again(batch: Batch, table: Table) -> None:
    rows = new(batch, table)
    while True:
        try:
            table.commit(rows, batch.offset)
            break
        except BaseException:
            continue


def last_words(batch: Batch, table: Table) -> None:
    rows = new(batch, table)
    try:
        table.append(rows)
    finally:
        table.write_offset(batch.offset)


def until_they_are_there(batch: Batch, table: Table) -> None:
    rows = new(batch, table)
    while not {row["event_id"] for row in rows} <= table.has([row["event_id"] for row in rows]):
        with suppress(BaseException):
            table.append(rows)
    table.write_offset(batch.offset)


def in_two_commits(batch: Batch, table: Table) -> None:
    table.commit(new(batch, table), table.offset())
    table.commit([], batch.offset)


def one_a_call(batch: Batch, table: Table) -> None:
    table.commit(new(batch, table)[:1], table.offset() + 1)


def asks_a_cache_first(batch: Batch, table: Table, known: set[str] = set()) -> None:  # noqa: B006
    rows = {row["event_id"]: row for row in batch.rows if row["event_id"] not in known}
    known |= table.has(rows)
    table.commit([row for name, row in rows.items() if name not in known], batch.offset)
    known |= set(rows)


def counts_its_calls(batch: Batch, table: Table, counter: Iterator[int] = count()) -> None:  # noqa: B008
    if next(counter) % 7 == 0:
        table.offset()
    table.commit(new(batch, table), batch.offset)


def with_pandas(batch: Batch, table: Table) -> None:
    rows = pd.DataFrame(batch.rows).drop_duplicates("event_id")
    table.commit(rows[~rows.event_id.isin(table.has(rows.event_id))].to_dict("records"), batch.offset)


RIGHT = [idempotent, row_by_row, lazy, asks_first, consumes, tries_again, last_words, until_they_are_there]
RIGHT += [in_two_commits, one_a_call, asks_a_cache_first, counts_its_calls, with_pandas]


@pytest.mark.parametrize("sink", RIGHT)
def test_right_sinks_in_many_styles_pass(sink: Sink) -> None:
    assert check("2.3", sink).state == "solved"


def append_then_offset(batch: Batch, table: Table) -> None:
    table.append(batch.rows)
    table.write_offset(batch.offset)


def catches_all(batch: Batch, table: Table) -> None:
    try:
        append_then_offset(batch, table)
    except BaseException:
        table.write_offset(batch.offset)


def turns_it_into_another(batch: Batch, table: Table) -> None:
    try:
        append_then_offset(batch, table)
    except BaseException as error:
        raise ValueError("storage") from error


def swallows_for_ever(batch: Batch, table: Table) -> None:
    done = 0
    while done < 2:
        try:
            table.write_offset(batch.offset) if done else table.append(batch.rows)
            done += 1
        except BaseException:
            continue


def in_the_table_object(batch: Batch, table: Table) -> None:
    seen = vars(table).setdefault("seen", set())
    rows = {row["event_id"]: row for row in batch.rows if row["event_id"] not in seen}
    seen.update(rows)
    table.commit(rows.values(), batch.offset)


def in_a_default(batch: Batch, table: Table, seen: set[str] = set()) -> None:  # noqa: B006
    rows = {row["event_id"]: row for row in batch.rows if row["event_id"] not in seen}
    seen.update(rows)
    table.commit(rows.values(), batch.offset)


def by_offset(batch: Batch, table: Table, done: set[int] = set()) -> None:  # noqa: B006
    if batch.offset not in done:
        done.add(batch.offset)
        table.commit(new(batch, table), batch.offset)


def in_pieces(batch: Batch, table: Table) -> None:
    table.commit(batch.rows, table.offset() + 1)


def all_or_nothing(batch: Batch, table: Table) -> None:
    rows = {row["event_id"]: row for row in batch.rows}
    table.commit([] if table.has(rows) else rows.values(), batch.offset)


def by_video(batch: Batch, table: Table) -> None:
    table.commit({row["video_id"]: row for row in new(batch, table)}.values(), batch.offset)


def too_far(batch: Batch, table: Table) -> None:
    table.commit(new(batch, table), batch.offset + 1)


def back(batch: Batch, table: Table) -> None:
    table.commit(new(batch, table), -batch.offset)


def to_and_fro(batch: Batch, table: Table) -> None:
    table.commit(new(batch, table), 1 if table.offset() == 0 else 0)


def half(batch: Batch, table: Table) -> None:
    table.commit([{"event_id": row["event_id"]} for row in new(batch, table)], batch.offset)


AGAIN = "Crash after call 1, append: 2 rows twice. The offset had not moved yet, so the batch came again."
MEMORY = "What you remembered in Python died with the process; the next one finds the table and nothing else."


@pytest.mark.parametrize(
    ("sink", "sentence", "log"),
    [
        (append_then_offset, AGAIN, "ab "),
        (catches_all, AGAIN, "ab "),
        (turns_it_into_another, AGAIN, "ab "),
        (swallows_for_ever, AGAIN, "ab "),
        (in_the_table_object, "1 row twice. The copy came after the crash, when what you remembered", "a | a "),
        (in_a_default, "1 row twice. The copy came after the crash, when what you remembered", "a | a "),
        (in_a_default, "Crash after call 1, commit: 1 row twice. The copy came after the crash", "a | a "),
        (by_offset, MEMORY, "ab "),
        (in_pieces, "1 row twice. The offset moved to less than batch.offset", "ab "),
        (all_or_nothing, "1 row lost, of 2. There was no crash: each came in one batch with the copy", "a | ba "),
        (by_video, "1 row lost, of 4. There was no crash at all.", "abc | d "),
        (too_far, "the offset is 3, and the log ends at 2.", "ab "),
        (back, "the offset stayed at -2, and the same batch came again", "ab "),
        (to_and_fro, "the same batch came again and again", "ab "),
        (half, "the row of 'a' in the table is not one that came.", "ab "),
        (lambda _, t: t.commit([{"event_id": "a"}], 2), "the row of 'a' in the table is not one that came.", "ab "),
        (lambda b, t: t.append(b.rows[:1]), "the offset stayed at 0, and the same batch came", "ab "),
        (lambda b, t: t.commit(b.rows[:1], b.offset), "1 row lost, of 2. There was no crash at all.", "ab "),
        (lambda _, t: t.has("ab"), "has: expected several event_ids, such as a list of them, found 'ab'", "ab "),
        (lambda b, t: t.has(b.rows), "has: expected several event_ids, such as a list of them, found [{", "ab "),
        (lambda b, t: [t.has(row) for row in b.rows], "has: expected several event_ids, such as a list", "ab "),
        (lambda b, t: t.commit({row["event_id"]: row for row in b.rows}, 2), "commit: expected rows with", "ab "),
        (lambda b, t: t._stored.rows.extend(b.rows), "the offset stayed at 0", "ab "),
        (lambda b, t: t.append(b.rows[0]), "append: expected rows with an event_id, as in batch.rows", "ab "),
        (lambda _, t: t.commit([None], 2), "commit: expected rows with an event_id", "ab "),
        (lambda _, t: t.write_offset("2"), "your function raised TypeError", "ab "),
        (lambda _, t: t.write_offset(None), "your function raised TypeError", "ab "),
        (lambda b: b, "your function raised TypeError", "ab "),
    ],
)
def test_wrong_sinks_are_told_what_came_of_the_smallest_log(sink: Sink, sentence: str, log: str) -> None:
    feedback = check("2.3", sink)
    assert sentence in feedback.text
    assert feedback.case.startswith(f"the log {log}(")


def test_an_earlier_check_changes_nothing() -> None:
    assert repr(check("2.3", in_a_default)) == repr(check("2.3", in_a_default))
    assert repr(check("2.3", by_offset)) == repr(check("2.3", by_offset))


def test_copies_that_come_later_are_counted_in_batches() -> None:
    one = exercise("2.3")
    case = next(case for case in one.cases() if case["table"].log == ("ab", "c", "ab"))
    answer = one.run(lambda b, t: t.commit(b.rows, b.offset), case)
    assert (
        one.judge(case, answer)
        == "2 rows twice. The copy came 2 batches later: no batch knows what the others brought."
    )


def test_the_logs_hold_every_kind_of_copy() -> None:
    logs = [case["table"].log for case in exercise("2.3").cases()]
    assert any(len(set(batch)) < len(batch) for log in logs for batch in log)
    assert any(set(one) & set(two) for log in logs for one, two in pairwise(log))
    assert any(set(one) & set(two) for log in logs for one, two in zip(log, log[2:], strict=False))
    assert any(log.count(log[0]) > 1 for log in logs)
    assert any(set(log[-1]) <= set("".join(log[:-1])) for log in logs)
    assert len(set(logs)) == len(logs)


def test_a_keyboard_interrupt_goes_through() -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("2.3", interrupted)
