"""What each event stream must do; an implementation inherits these tests and brings `opened`."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.ingestion.stream.event_stream import LONGEST, READ_BYTES, EventStream

Opened = Callable[[], EventStream]


def record(name: str, **values: Any) -> bytes:
    return json.dumps({"event_id": name, **values}).encode()


records = st.one_of(
    st.builds(record, st.sampled_from("abcdef"), clicked=st.booleans()),
    st.sampled_from([b"", b"{", b'{"event_id": 7}', b'{"event_id": "7"}', b"\xff\x00\n", b'{"event_id": null}']),
)


class Model:
    """The same in Python's own collections."""

    def __init__(self) -> None:
        self.held: dict[int, tuple[bytes, bool]] = {}
        self.end = 0

    def append(self, added: list[bytes]) -> tuple[int, int, int]:
        before = self.end
        for one in added:
            held = [record for record, _ in self.held.values()]
            if one not in held:
                self.held[self.end] = one, self._id(one) in map(self._id, held)
                self.end += 1
        new = [self.held[offset] for offset in range(before, self.end)]
        return len(new), sum(correction for _, correction in new), len(added) - len(new)

    @staticmethod
    def _id(one: bytes) -> object:
        try:
            name = json.loads(one)["event_id"]
        except (ValueError, LookupError, TypeError):
            return one
        return one if name is None else str(name)


class StreamContract:
    """Give it a fixture `opened`: a function that opens the same stream once more."""

    @settings(
        max_examples=30,
        deadline=None,
        # each example opens a stream of its own, so neither a fixture nor the other implementation is shared
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(steps=st.lists(st.one_of(st.lists(records, max_size=6), st.integers(0, 12)), max_size=6))
    def test_it_does_what_a_list_in_memory_does(self, anew: Callable[[], Opened], steps: list[Any]) -> None:
        stream, model = anew()(), Model()
        for step in steps:
            if isinstance(step, list):
                receipt = stream.append(step)
                assert (receipt.taken, receipt.corrections, receipt.copies) == model.append(step)
                assert receipt.end == model.end
            else:
                step = min(step, model.end)
                gone = [offset for offset in model.held if offset < step]
                assert stream.trim(step) == len(gone)
                model.held = {offset: one for offset, one in model.held.items() if offset >= step}
        begin = min(model.held, default=model.end)
        assert (stream.begin, stream.end) == (begin, model.end)
        found = stream.read(begin, limit=1_000)
        assert list(found.records) == [one for one, _ in model.held.values()]
        assert found.corrections == {offset for offset, (_, correction) in model.held.items() if correction}
        stream.close()

    def test_pieces_of_any_size_make_the_whole(self, opened: Opened) -> None:
        stream = opened()
        added = [record(f"e{number}") for number in range(250)]
        for at in range(0, 250, 100):
            stream.append(added[at : at + 100])
        for limit in (1, 7, 250, 1_000):
            offset = 0
            found: list[bytes] = []
            while (piece := stream.read(offset, limit)).records:
                found += piece.records
                offset = piece.end
            assert found == added
        assert stream.read(250, 5).records == ()
        stream.close()

    def test_what_one_appended_another_reads_and_does_not_add_again(self, opened: Opened) -> None:
        writer, reader = opened(), opened()
        assert reader.end == 0
        writer.append([record("a"), record("b")])
        assert reader.read(0, 10).records == (record("a"), record("b"))
        assert reader.append([record("b"), record("c")]).copies == 1
        assert writer.end == 3
        assert writer.id == reader.id
        writer.close()
        reader.close()

    def test_an_offset_is_never_given_twice(self, opened: Opened) -> None:
        stream = opened()
        stream.append([record("a"), record("b")])
        stream.trim(2)
        stream.close()
        stream = opened()
        assert (stream.begin, stream.end) == (2, 2)
        assert stream.append([record("a")]).end == 3
        assert stream.read(2, 10).records == (record("a"),)
        stream.close()

    @pytest.mark.parametrize(
        ("offset", "said"), [(0, "2 or more, found 0.*trimmed"), (5, "at most 4, .*found 5.*empt")]
    )
    def test_an_offset_that_cannot_be_read_gets_a_sentence(self, opened: Opened, offset: int, said: str) -> None:
        stream = opened()
        stream.append([record(name) for name in "abcd"])
        stream.trim(2)
        with pytest.raises(ConfigError, match=said):
            stream.read(offset, 10)
        stream.close()

    def test_a_record_that_is_too_long_is_refused_and_nothing_with_it(self, opened: Opened) -> None:
        stream = opened()
        with pytest.raises(DataError, match="record 1: expected at most"):
            stream.append([record("a"), b"x" * (LONGEST + 1)])
        assert stream.append([b"x" * LONGEST]).end == 1
        stream.close()

    def test_large_records_come_in_pieces_that_memory_can_hold(self, opened: Opened) -> None:
        stream = opened()
        most = READ_BYTES // LONGEST
        added = [b"%03d" % number + b"x" * (LONGEST - 3) for number in range(most + 5)]
        stream.append(added)
        first = stream.read(0, 1_000)
        second = stream.read(first.end, 1_000)
        assert (len(first.records), len(second.records)) == (most + 1, 4)
        assert [*first.records, *second.records] == added
        stream.close()

    @pytest.mark.parametrize("before", [0, -1, -1_000_000])
    def test_a_trim_before_the_first_record_lets_nothing_go(self, opened: Opened, before: int) -> None:
        stream = opened()
        stream.append([record("a")])
        assert (stream.trim(before), stream.begin, stream.end) == (0, 0, 1)
        stream.close()

    def test_an_append_of_nothing_changes_nothing(self, opened: Opened) -> None:
        stream = opened()
        assert stream.append([]).end == 0
        stream.close()
