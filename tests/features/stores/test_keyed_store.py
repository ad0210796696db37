"""What stands in the map of a store: what the contract cannot see."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

import pandas as pd
import pytest

from mlsd_lab.errors import ConfigError, ConflictError, DataError, StorageError
from mlsd_lab.features import MemoryStore
from mlsd_lab.features.feed import FEED
from mlsd_lab.features.stores.head import HEAD, Head
from mlsd_lab.features.stores.row_key import key_parts
from tests.features.store_contract import three_events
from tests.features.streams import VIDEOS


class Watched(MemoryStore):
    """A store that notes what it is asked for and told."""

    def _get(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        self.gets = [*getattr(self, "gets", []), list(keys)]
        return super()._get(keys)

    def _put(self, rows: Iterable[tuple[bytes, bytes]], gone: Sequence[bytes], before: bytes) -> bool:
        self.puts = [*getattr(self, "puts", []), dict(rows)]
        return super()._put(self.puts[-1].items(), gone, before)


def test_a_batch_and_a_lookup_read_once_and_each_key_once() -> None:
    store, (_, events) = Watched(FEED, VIDEOS), three_events()
    store.gets, store.puts = [], []
    store.absorb(pd.concat([events, events]).sort_values("known_at"), offset=0)
    store.lookup("u0", ["v0", "v1", "v0"], events["known_at"].iloc[-1] + pd.Timedelta("1h"), "home")
    assert (len(store.gets), len(store.puts)) == (2, 1)
    for keys in store.gets:
        assert len(set(keys)) == len(keys)
    assert set(store.puts[0]) == set(store.gets[0])


def test_a_row_has_the_same_bytes_whatever_batches_brought_it() -> None:
    whole, parts, (_, events) = MemoryStore(FEED, VIDEOS), MemoryStore(FEED, VIDEOS), three_events()
    whole.absorb(events, offset=0)
    for at in range(len(events)):
        parts.absorb(events.iloc[at : at + 1], offset=at)
    assert {**whole._rows, HEAD: b""} == {**parts._rows, HEAD: b""}


def test_each_write_makes_a_new_version_of_the_head_and_nothing_new_is_no_write() -> None:
    store, (_, events) = Watched(FEED, VIDEOS), three_events()
    store.absorb(events, offset=0, mark=1)
    store.absorb(events, offset=0)
    store.absorb(events.iloc[:0], offset=3, mark=1)
    store.absorb(events.iloc[:0], offset=3, mark=2)
    heads = [Head.of(rows[HEAD]) for rows in store.puts]
    assert [(head.version, head.position, head.mark) for head in heads] == [(0, 0, None), (1, 3, 1), (2, 3, 2)]
    assert heads[-1].newest == store.newest == events["known_at"].iloc[-1].value // 1_000


def test_a_writer_that_another_overtook_says_where_the_store_is_now() -> None:
    store, (_, events) = MemoryStore(FEED, VIDEOS), three_events()
    later = Head(FEED.fingerprint, version=9, position=1_234, mark={"offset": 5})
    store._rows[HEAD] = later.to_bytes()
    with pytest.raises(ConflictError, match=r"another writer was first.* position 1,234: go on from its mark"):
        store.absorb(events, offset=0)
    assert (store.position, store.mark) == (1_234, {"offset": 5})


@pytest.mark.parametrize("wrong", [b"", b"{", b"[]", b"7", b"null", b'{"of": 1}'])
def test_a_head_that_is_none_gets_a_sentence(wrong: bytes) -> None:
    store = MemoryStore(FEED, VIDEOS)
    store._rows[HEAD] = wrong
    with pytest.raises(StorageError, match="the store in memory: expected a head of JSON, found"):
        store.lookup("u0", ["v0"], pd.Timestamp("2026-01-01", tz="UTC"))


def test_a_user_whose_id_is_a_number_is_erased_as_the_text_that_it_is_kept_by() -> None:
    store, (_, events) = MemoryStore(FEED, VIDEOS), three_events()
    store.absorb(events.assign(user_id=7), offset=0)
    assert store.erase(7) == 3  # type: ignore[arg-type]  # the user, and two topics
    assert not any(b"7" in key for key in store._rows)


def test_an_event_that_does_not_say_when_it_was_known_is_refused() -> None:
    store, (_, events) = MemoryStore(FEED, VIDEOS), three_events()
    for known in ([0, 1], [1, 2], [0, 1, 2]):
        with pytest.raises(DataError, match="expected events in order of known_at"):
            store.absorb(events.assign(known_at=events["known_at"].mask(events.index.isin(known))), offset=0)
    assert store.position == 0


def test_a_head_of_another_layout_is_refused() -> None:
    store = MemoryStore(FEED, VIDEOS)
    head = Head(FEED.fingerprint)
    store._rows[HEAD] = json.dumps({name: value for name, value in asdict(head).items() if name != "layout"}).encode()
    with pytest.raises(ConfigError, match="expected rows of layout 2, found layout 1; make a new store from the lake"):
        store._begin()


@pytest.mark.parametrize("wrong", [b"", b"\x01", bytes(64), bytes(224), bytes(1520)])
def test_rows_that_are_none_of_ours_get_a_sentence_in_a_lookup_and_in_a_batch(wrong: bytes) -> None:
    store, (_, events) = MemoryStore(FEED, VIDEOS), three_events()
    store.absorb(events, offset=0)
    before = dict(store._rows)
    store._rows[b"1|v0"] = wrong
    later = events["known_at"].iloc[-1] + pd.Timedelta("1h")
    sentence = r"the store in memory: rows of video_id: expected .* make the store anew from the lake"
    with pytest.raises(StorageError, match=sentence):
        store.lookup("u0", ["v1", "v0"], later)
    with pytest.raises(StorageError, match=sentence):
        store.absorb(events.assign(known_at=later), offset=3)
    assert store.position == 3
    assert {**store._rows, b"1|v0": b""} == {**before, b"1|v0": b""}


def test_sizes_are_those_of_the_rows_of_one_kind() -> None:
    store, (_, events) = MemoryStore(FEED, VIDEOS), three_events()
    store.absorb(events, offset=0)
    for number, entity in enumerate(FEED.entities):
        found = store.row_sizes(entity)
        theirs = {key: row for key, row in store._rows.items() if key.startswith(b"%d|" % number)}
        assert found == {tuple(key_parts(key, len(entity))): len(row) for key, row in theirs.items()}
    assert store.row_sizes(("user_id", "topic")) == {("u0", "sport"): 48, ("u0", "news"): 48, ("u1", "sport"): 48}
