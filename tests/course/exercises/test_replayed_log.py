import pytest

from mlsd_lab.course.exercises.replayed_log import Batch, Table, _DiedError, deliver, replay

ROWS = [{"event_id": "a"}, {"event_id": "b"}]


def test_a_call_takes_effect_then_the_process_dies() -> None:
    table = Table(("ab",), dies_after=1)
    with pytest.raises(_DiedError):
        table.append(ROWS)
    assert table.dead
    assert table.stored.rows == ROWS


def test_a_dead_process_reaches_nothing_and_a_loop_of_it_ends() -> None:
    table = Table(("ab",), dies_after=1)
    tried = 0
    while tried < 1000:
        tried += 1
        try:
            table.commit(ROWS, 2)
        except _DiedError:
            continue
        break
    assert tried == 101
    assert (len(table.stored.rows), table.stored.offset, table.calls) == (2, 2, ["commit"])
    assert table.has(["a"]) == set()
    assert isinstance(_DiedError(), BaseException) and not isinstance(_DiedError(), Exception)


def test_what_is_no_call_takes_no_effect() -> None:
    table = Table(("ab",))
    for rows in ([None], [{"id": 1}], ["a"], [{"event_id": 1}]):
        with pytest.raises(TypeError):
            table.append(rows)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        table.commit(ROWS, "2")  # type: ignore[arg-type]
    assert table.calls == [] and table.stored.rows == []


def test_rows_are_kept_as_they_were_written() -> None:
    table, row = Table(("ab",)), {"event_id": "a"}
    table.append([row])
    row["event_id"] = "z"
    assert table.stored.rows == [{"event_id": "a"}]


def test_a_log_is_delivered_from_any_offset_to_the_end_of_a_batch() -> None:
    world = ("ab", "cde")
    found = [
        (["".join(row["event_id"] for row in batch.rows)], batch.offset)
        for batch in (deliver(world, at) for at in range(-1, 5))
    ]
    assert found == [(["ab"], 2), (["ab"], 2), (["b"], 2), (["cde"], 5), (["de"], 5), (["e"], 5)]


def test_deaths_between_calls_show_what_is_lost_and_what_comes_twice() -> None:
    def offset_first(batch: Batch, table: Table) -> None:
        table.write_offset(batch.offset)
        table.append(batch.rows)

    def rows_first(batch: Batch, table: Table) -> None:
        table.append(batch.rows)
        table.write_offset(batch.offset)

    world = ("ab", "cd")
    assert [replay(offset_first, world, "", at).ids for at in range(5)] == [
        tuple("abcd"),
        tuple("cd"),
        tuple("abcd"),
        tuple("ab"),
        tuple("abcd"),
    ]
    assert [len(replay(rows_first, world, "", at).ids) for at in range(5)] == [4, 6, 4, 6, 4]
    assert replay(rows_first, world, "-1", 2).calls == ("append", "write_offset")


def test_a_log_that_does_not_move_is_given_up() -> None:
    found = replay(lambda batch, table: table.append(batch.rows), ("ab",))
    assert (found.stuck, found.offset, len(found.ids)) == (True, 0, 6)
