import pytest

from mlsd_lab.course.exercises.replayed_log import Batch, Row, Table, _DiedError, deliver, replay

ROWS = [{"event_id": "a"}, {"event_id": "b"}]


def test_a_call_takes_effect_then_the_process_dies() -> None:
    table = Table(_dies_after=1)
    with pytest.raises(_DiedError):
        table.append(ROWS)
    assert table._dead
    assert table._stored.rows == ROWS


def test_a_dead_process_reaches_nothing_and_a_loop_of_it_ends() -> None:
    table = Table(_dies_after=1)
    tried = 0
    while tried < 1000:
        tried += 1
        try:
            table.commit(ROWS, 2)
        except _DiedError:
            continue
        break
    assert tried == 101
    assert (len(table._stored.rows), table._stored.offset, table._calls) == (2, 2, ["commit"])
    assert table.has(["a", "c"]) == {"a", "c"}, "a loop until all are there ends too"
    assert isinstance(_DiedError(), BaseException) and not isinstance(_DiedError(), Exception)


def test_what_is_no_call_takes_no_effect() -> None:
    table = Table()
    for rows in ([None], [{"id": 1}], ["a"], [{"event_id": 1}]):
        with pytest.raises(TypeError):
            table.append(rows)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        table.commit(ROWS, "2")  # type: ignore[arg-type]
    for ids in ("a", ROWS, ROWS[0], [None]):
        with pytest.raises(TypeError, match="has: expected several event_ids"):
            table.has(ids)  # type: ignore[arg-type]
    assert table._calls == [] and table._stored.rows == []


def test_a_learner_sees_the_five_calls() -> None:
    seen = [name for name in dir(Table()) if not name.startswith("_")]
    assert seen == ["append", "commit", "has", "offset", "write_offset"]


def test_rows_are_kept_as_they_were_written() -> None:
    table, row = Table(), {"event_id": "a"}
    table.append([row])
    row["event_id"] = "z"
    assert table._stored.rows == [{"event_id": "a"}]


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
    assert [replay(offset_first, world, at).ids for at in range(5)] == [
        tuple("abcd"),
        tuple("cd"),
        tuple("abcd"),
        tuple("ab"),
        tuple("abcd"),
    ]
    assert [len(replay(rows_first, world, at).ids) for at in range(5)] == [4, 6, 4, 6, 4]
    assert replay(rows_first, world, 2).calls == ("append", "write_offset")


def test_each_process_gets_ids_of_its_own_and_finds_those_in_the_table_alike() -> None:
    processes: dict[int, tuple[Table, set[str]]] = {}

    def sink(batch: Batch, table: Table) -> None:
        ids = {row["event_id"] for row in batch.rows}
        given = processes.setdefault(id(table), (table, set()))[1]
        held = table.has(given)
        assert held == given, "what it wrote"
        given |= ids
        table.commit(batch.rows, batch.offset)

    assert replay(sink, ("ab", "cd"), 2).ids == tuple("abcd")
    (_, before), (last, after) = processes.values()
    assert not before & after
    assert len(last.has([name.replace(name[0], letter) for name in after for letter in "abcd"])) == 4


def test_a_row_kept_in_python_is_not_one_of_the_next_process() -> None:
    kept: list[Row] = []

    def sink(batch: Batch, table: Table) -> None:
        kept.extend(batch.rows)
        table.write_offset(batch.offset)
        table.append(kept)

    assert len(replay(sink, ("ab", "cd"), 1).changed) == 2


def test_a_log_that_does_not_move_is_given_up() -> None:
    found = replay(lambda batch, table: table.append(batch.rows), ("ab",))
    assert (found.stuck, found.offset, len(found.ids)) == (True, 0, 6)
