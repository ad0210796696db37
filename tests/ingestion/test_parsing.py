import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsd_lab.errors import DataError
from mlsd_lab.ingestion.contract import Contract
from mlsd_lab.ingestion.contracts import EVENTS
from mlsd_lab.ingestion.parsing import KEPT_BYTES, connect, parse, refused

NOW = datetime(2026, 6, 1, tzinfo=UTC)
texts = st.one_of(
    st.sampled_from(
        ["u1", "7", "007", "1.5", "1e3", "true", "null", "{", "[1]", "", " ", 'ü\n\t"\\', "x\0y", "Infinity"]
    ),
    st.sampled_from([7, 0, -3, 2**70, 1.5, True, {"id": 1}, [1], None]),
    st.text(max_size=6),
)
moments = st.one_of(
    st.sampled_from(
        ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.123456Z", "2026-01-01T05:30:00+05:30", "2026-01-01 00:00:00Z"]
    ),
    st.sampled_from(["2026-01-01T00:00:00", "2026-01-01", "2027-03-01T00:00:00Z", "1800-01-01T00:00:00Z", "now", ""]),
    st.sampled_from([None, 1767225600, 1.5, True, "2026-02-30T00:00:00Z", "2026-01-01T25:00:00Z", "infinity"]),
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)).map(lambda at: at.isoformat() + "+00:00"),
)
flags: st.SearchStrategy[Any] = st.sampled_from([True, False, None, 1, 0, "true", "yes", 1.0, {}, []])
numbers: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([0, 1, 1.0, -1, 1.5, 2**31, 2**31 - 1, 1e308, -0.0, 0.1, "1", "", "NaN", True, None, [], {}]),
    st.floats(-1, 2, allow_nan=False),
    st.integers(-2, 2**33),
)
by_kind = {"text": texts, "moment": moments, "flag": flags, "number": numbers, "whole": numbers}
good = {"event_id": "e", "user_id": "u", "video_id": "v"} | dict.fromkeys(
    ("occurred_at", "known_at"), "2026-01-01T00:00:00Z"
)


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """Draw a record that is good but for a few fields, or bytes that are no record."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=12)).replace(b"\n", b"") or b"x"
    record: dict[str, Any] = dict(good)
    for field in draw(st.lists(st.sampled_from(EVENTS.fields), max_size=3, unique=True)):
        record[field.name] = draw(by_kind[field.kind])
    if draw(st.integers(0, 5)) == 0:
        record[draw(st.sampled_from(["speed", "Clicked", 'x"y']))] = 1
    text = json.dumps(
        record, ensure_ascii=draw(st.booleans()), separators=draw(st.sampled_from([(",", ":"), (", ", " : ")]))
    )
    cut = len(text) if draw(st.integers(0, 9)) else draw(st.integers(1, len(text)))
    return text.encode("utf-8", "surrogatepass")[:cut].replace(b"\n", b"")


@pytest.mark.parametrize("added", ["drop", "refuse"])
@settings(max_examples=75, deadline=None)
@given(batch=st.lists(lines(), min_size=1, max_size=30))
def test_duckdb_takes_and_refuses_exactly_what_the_contract_does(added: Any, batch: list[bytes]) -> None:
    contract = Contract(EVENTS.name, EVENTS.fields, EVENTS.key, EVENTS.first, EVENTS.date, added)
    connection = connect()
    dead = parse(connection, b"".join(line + b"\n" for line in batch), contract, "here", NOW)
    kept, refusals = [], []
    for line in batch:
        try:
            kept.append(_plain(contract.read(line, NOW)))
        except DataError as error:
            refusals.append((line, str(error)))
    assert sorted((letter.record, letter.reason) for letter in dead) == sorted(refusals)
    shown = ", ".join(f"epoch_us({f.name})" if f.kind == "moment" else f.name for f in contract.fields)
    found = connection.execute(f"SELECT {shown}, CAST(event_date AS VARCHAR) FROM parsed").fetchall()
    assert sorted(map(repr, found)) == sorted(map(repr, kept))


def _plain(values: dict[str, Any]) -> tuple[Any, ...]:
    day = f"{values['occurred_at']:%Y-%m-%d}"
    micro = {name: _micro(value) if isinstance(value, datetime) else value for name, value in values.items()}
    return (*micro.values(), day)


def _micro(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


@pytest.mark.parametrize("at", [0, 1])
def test_a_byte_order_mark_is_refused_wherever_its_line_stands(at: int) -> None:
    record, marked = json.dumps(good).encode(), b"\xef\xbb\xbf" + json.dumps(good).encode()
    batch = [record, record]
    batch[at] = marked
    dead = parse(connect(), b"".join(line + b"\n" for line in batch), EVENTS, "here")
    assert [letter.record for letter in dead] == [marked]


def test_lines_that_would_upset_a_csv_reader_keep_their_bytes() -> None:
    record = json.dumps(good).encode()
    odd = [b'{"a":\x01}', b"a\rb", b"caf\xe9", b"\x00", b"x,y\x01z", b'"', b"\xff" * 3, b"\xc3"]
    connection = connect()
    dead = parse(connection, b"\n".join([record, *odd, record, b""]), EVENTS, "here")
    assert sorted(letter.record for letter in dead) == sorted(odd)
    assert connection.sql("SELECT count(*) FROM parsed").fetchall() == [(2,)]


@settings(max_examples=75, deadline=None)
@given(batch=st.lists(lines(), min_size=1, max_size=30))
def test_each_row_knows_its_line(batch: list[bytes]) -> None:
    numbered = [line.replace(b'"event_id": "e"', b'"event_id": "e%d"' % at) for at, line in enumerate(batch)]
    connection = connect()
    parse(connection, b"".join(line + b"\n" for line in numbered), EVENTS, "here", NOW)
    found = connection.sql("SELECT coalesce(place, rowid), event_id FROM parsed ORDER BY 1").fetchall()
    expected = [(at, values["event_id"]) for at, line in enumerate(numbered) if (values := _good(line))]
    assert found == expected


def _good(line: bytes) -> dict[str, Any]:
    try:
        return EVENTS.read(line, NOW)
    except DataError:
        return {}


def test_places_hold_over_many_lines_that_are_read_side_by_side() -> None:
    record = {**good, "surface": "x" * 200}
    text = "".join(json.dumps({**record, "event_id": f"{at}"}) + "\n" for at in range(150_000)).encode()
    connection = connect()
    parse(connection, text.replace(b'"77777"', b'"77\x0177"'), EVENTS, "here", NOW)
    wrong = "SELECT count(*) FILTER (coalesce(place, rowid) <> CAST(event_id AS BIGINT)), count(*) FROM parsed"
    assert connection.sql(wrong).fetchall() == [(0, 149_999)]


def test_an_empty_line_is_refused() -> None:
    connection = connect()
    dead = parse(connection, b"\n" + json.dumps(good).encode() + b"\n\n", EVENTS, "here")
    assert [letter.record for letter in dead] == [b"", b""]
    assert connection.sql("SELECT coalesce(place, rowid) FROM parsed").fetchall() == [(1,)]


def test_an_empty_batch_is_an_empty_table() -> None:
    connection = connect()
    assert parse(connection, b"", EVENTS, "here") == []
    assert connection.sql("SELECT * FROM parsed").fetchall() == []


def test_a_last_line_without_a_newline_counts() -> None:
    connection = connect()
    parse(connection, json.dumps(good).encode(), EVENTS, "here")
    assert connection.sql("SELECT event_id FROM parsed").fetchall() == [("e",)]


def test_of_a_huge_record_the_beginning_and_the_hash_of_all_are_kept() -> None:
    letter = refused(b"x" * 100_000, "too long", "here")
    assert (len(letter.record), letter.size) == (KEPT_BYTES, 100_000)
