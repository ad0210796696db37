from mlsd_lab.ingestion.contracts import EVENTS, USERS
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.shape import Shape


def test_a_contract_with_a_date_makes_a_partitioned_table() -> None:
    events = Shape.of(EVENTS)
    assert list(events.all_columns) == [*EVENTS.columns, "event_date"]
    assert list(Shape.of(USERS).all_columns) == list(USERS.columns)


def test_stored_columns_come_after_the_shapes_own() -> None:
    wide = Shape.of(EVENTS).with_columns({"speed": "DOUBLE", "user_id": "VARCHAR", "event_date": "DATE"})
    assert list(wide.columns) == [*EVENTS.columns, "speed"]


def test_nothing_has_the_right_types() -> None:
    found = connect().execute(f"DESCRIBE ({Shape.of(USERS).nothing})").fetchall()
    assert [kind for _, kind, *_ in found][:3] == ["VARCHAR", "TIMESTAMP WITH TIME ZONE", "BOOLEAN"]
