from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from mlsd_lab.errors import ConfigError, StorageError
from mlsd_lab.features import Catalogue, MemoryStore, SqliteStore, Timeline, open_store
from mlsd_lab.features.feed import FEED
from mlsd_lab.features.stores.keyed_store import KeyedStore
from tests import needs
from tests.features.store_contract import asked, assert_as_computed_offline, three_events
from tests.features.streams import VIDEOS

LOG, EVENTS = three_events()
LATER = EVENTS["known_at"].iloc[-1] + timedelta(hours=1)
NEXT = Catalogue("feed", "2", FEED.features[3:])


@pytest.fixture(params=["folder", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "folder":
        yield str(tmp_path / "deep" / "stores")
        return
    needs.redis()
    from tests.redis_server import binary, redis_server

    with redis_server(str(binary()), tmp_path) as server:
        yield server.url


def closed(store: KeyedStore) -> int:
    store.close()
    return store.position


def test_a_new_version_has_a_store_beside_the_old_one_and_neither_disturbs_the_other(place: str) -> None:
    old = open_store(place, FEED, VIDEOS)
    old.absorb(EVENTS.iloc[:2], offset=0, mark="old")
    new = open_store(place, NEXT, VIDEOS)
    assert (new.position, new.mark) == (0, None)
    new.absorb(EVENTS, offset=0, mark="new")
    old.absorb(EVENTS, offset=0, mark="old again")
    old.close()
    new.close()
    for catalogue, mark in ((FEED, "old again"), (NEXT, "new")):
        store = open_store(place, catalogue, VIDEOS, filled=True)
        assert (store.position, store.mark) == (3, mark)
        assert_as_computed_offline(Timeline(catalogue, LOG), asked(store, LATER, "u0"))
        store.close()


def test_who_reads_is_told_which_stores_stand_there_instead_of_being_given_an_empty_one(place: str) -> None:
    with pytest.raises(ConfigError, match=f"expected a store of {NEXT.label} that has absorbed events, found none"):
        open_store(place, NEXT, VIDEOS, filled=True)
    filled = open_store(place, FEED, VIDEOS)
    filled.absorb(EVENTS, offset=0)
    filled.close()
    told = f"{NEXT.label} .*found stores of other definitions: {FEED.label}; fill it with mlsd-lab features backfill"
    with pytest.raises(ConfigError, match=told):
        open_store(place, NEXT, VIDEOS, filled=True)
    assert closed(open_store(place, NEXT, VIDEOS)) == 0
    with pytest.raises(ConfigError, match=told):  # begun, and still empty
        open_store(place, NEXT, VIDEOS, filled=True)


def test_who_only_reads_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="found none"):
        open_store(tmp_path / "stores", FEED, VIDEOS, filled=True)
    assert not list(tmp_path.iterdir())


def test_a_store_in_memory_is_a_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert isinstance(open_store("memory", FEED, VIDEOS), MemoryStore)
    with pytest.raises(ConfigError, match="memory: expected a store"):
        open_store("memory", FEED, VIDEOS, filled=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../../up", "a/b\0\n", "", "ü" * 300, "{}*", "-", "😀" * 99])
def test_any_name_of_a_catalogue_is_a_file_in_the_folder(name: str, tmp_path: Path) -> None:
    store = open_store(tmp_path, Catalogue(name, name, FEED.features), VIDEOS)
    assert isinstance(store, SqliteStore)
    assert {path.parent for path in tmp_path.rglob("*.db")} == {tmp_path}
    store.close()


def test_what_is_no_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="expected a folder in which each version has its file, found the file"):
        open_store(tmp_path / "file", FEED, VIDEOS)
    with pytest.raises(StorageError, match=r"cannot make .*: Not a directory"):
        open_store(tmp_path / "file" / "below", FEED, VIDEOS)
    with pytest.raises(
        ConfigError, match=r"expected memory, a folder or redis://HOST:PORT/NUMBER, found http://cache$"
    ):
        open_store("http://app:secret@cache", FEED, VIDEOS)
    with pytest.raises(ConfigError, match="found nothing"):
        open_store("", FEED, VIDEOS)
