import pytest

from mlsd_lab.ingestion.stream.record_key import record_keys


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b'{"event_id": "a"}', b'{"clicked": true, "event_id":"a"}', True),
        (b'{"event_id": 7}', b'{"event_id": "7"}', True),  # as the contract reads ids
        (b'{"event_id": "a"}', b'{"event_id": "b"}', False),
        (b'{"event_id": true}', b'{"event_id": "True"}', False),
        (b'{"event_id": null}', b'{"event_id": null, "x": 1}', False),
        (b"{", b"{{", False),
        (b"[]", b"[ ]", False),
        (b'{"event_id": "\\ud800"}', b'{"event_id": "\\ud801"}', False),
        (b'{"event_id": ' + b"1" * 5_000 + b"}", b'{"event_id": ' + b"2" * 5_000 + b"}", False),
        (b"[" * 100_000, b"{" * 100_000, False),
        (b"\xff", b"\xfe", False),
    ],
)
def test_records_are_known_by_their_id_and_without_one_by_their_bytes(one: bytes, other: bytes, same: bool) -> None:
    ids, contents = record_keys([one, other])
    assert (ids[0] == ids[1]) == same
    assert contents[0] != contents[1]


def test_an_id_is_not_mistaken_for_the_bytes_of_a_record() -> None:
    ids, _ = record_keys([b'{"event_id": "a"}', b"a"])
    assert ids[0] != ids[1]
