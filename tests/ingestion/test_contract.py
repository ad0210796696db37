import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.ingestion.contract import Contract, Field
from mlsd_lab.ingestion.contracts import EVENTS

AT = "2026-01-01T10:00:00Z"
GOOD = {"event_id": "e", "user_id": "u", "video_id": "v", "occurred_at": AT, "known_at": AT}


def line(**changes: Any) -> bytes:
    return json.dumps(GOOD | changes).encode()


def test_a_good_record_becomes_values_in_the_order_of_the_columns() -> None:
    values = EVENTS.read(line(user_id=7, position=3.0, clicked=True, watch_seconds=12, propensity=None))
    assert list(values) == list(EVENTS.columns)
    assert values["user_id"] == "7"
    assert values["position"] == 3
    assert values["watch_seconds"] == 12.0
    assert values["propensity"] is None
    assert values["occurred_at"] == datetime(2026, 1, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"event_id": None}, "event_id: expected text, found nothing"),
        ({"user_id": {"id": 7}}, "user_id: expected text, found {'id': 7}"),
        ({"user_id": True}, "user_id: expected text"),
        ({"user_id": 7.5}, "user_id: expected text"),
        ({"watch_seconds": "12 s"}, r"watch_seconds: expected a number, 0 or more \(s\), found '12 s'"),
        ({"watch_seconds": "12"}, "watch_seconds: expected a number"),
        ({"watch_seconds": -1}, "watch_seconds: expected a number, 0 or more"),
        ({"propensity": 1.01}, r"propensity: expected a number, 0 to 1 \(chance\), found 1.01"),
        ({"position": 1.5}, "position: expected a whole number"),
        ({"position": 2**31}, "position: expected a whole number"),
        ({"clicked": 1}, "clicked: expected true or false, found 1"),
        ({"clicked": "true"}, "clicked: expected true or false"),
        ({"occurred_at": "2026-01-01T10:00:00"}, "occurred_at: expected a time with an offset"),
        ({"occurred_at": "2026-01-01"}, "occurred_at: expected a time with an offset"),
        ({"occurred_at": 1767261600}, "occurred_at: expected a time with an offset"),
        ({"occurred_at": "1066-10-14T10:00:00Z"}, "occurred_at: expected a time with an offset"),
        ({"occurred_at": "2026-13-01T10:00:00Z"}, "occurred_at: expected a time with an offset"),
        ({"occurred_at": "2027-01-01T10:00:00Z"}, "occurred_at: expected a time before known_at.*a clock ahead"),
    ],
)
def test_a_bad_value_is_refused_with_what_was_expected_and_found(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        EVENTS.read(line(**changes))


@pytest.mark.parametrize("record", [b"", b"[]", b"7", b"{", b"\xff", b'{"a": NaN}', b"[" * 100_000, b'"\xed\xa0\x80"'])
def test_what_is_no_json_object_is_refused(record: bytes) -> None:
    with pytest.raises(DataError, match="expected"):
        EVENTS.read(record)


def test_no_text_holds_half_a_surrogate_pair_or_a_nul() -> None:
    for escape in (b"\\ud800", b"\\u0000"):
        with pytest.raises(DataError, match="user_id"):
            EVENTS.read(line().replace(b'"u"', b'"' + escape + b'"'))


def test_a_clock_that_is_a_year_ahead_of_now_is_told() -> None:
    ahead = "2027-01-01T10:00:00Z"
    record = line(occurred_at=ahead, known_at=ahead)
    EVENTS.read(record)
    with pytest.raises(DataError, match=r"before now.*a clock ahead"):
        EVENTS.read(record, datetime(2026, 1, 1, 12, tzinfo=UTC))
    EVENTS.read(record, datetime(2027, 1, 1, 10, tzinfo=UTC) - timedelta(hours=23))


def test_an_added_field_is_dropped_or_refused_as_the_contract_says() -> None:
    record = line(speed=1.5)
    assert "speed" not in EVENTS.read(record)
    strict = Contract("events", EVENTS.fields, EVENTS.key, added="refuse")
    with pytest.raises(DataError, match="speed: expected only the fields"):
        strict.read(record)
    assert EVENTS.changed(Field("speed", "number", low=0.25, high=4)).read(record)["speed"] == 1.5


def test_a_contract_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ConfigError, match="key"):
        Contract("t", (Field("a", "text"),), key=("b",))
    with pytest.raises(ConfigError, match="of kind moment"):
        Contract("t", (Field("a", "text"),), key=("a",), first="a")
    with pytest.raises(ConfigError, match="of kind moment"):
        Contract("t", (Field("a", "moment", not_after="b"),), key=("a",))
