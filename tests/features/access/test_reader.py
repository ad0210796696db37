"""Roles × features: forbidden cells refuse, allowed ones equal the ungoverned read, and the log has what it must."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.errors import AccessError, DataError, StorageError
from mlsd_lab.features import (
    Access,
    Catalogue,
    MemoryStore,
    OnlineStore,
    Reader,
    RedisStore,
    SqliteStore,
    Timeline,
    derived,
    stream,
    training_set,
)
from mlsd_lab.features.feed import FEED
from tests import needs
from tests.features.access.test_access import ticking
from tests.features.streams import VIDEOS, assert_bits_equal, labels_at, seeded_log

LOG = seeded_log(120)
EVENTS = stream(LOG)
LATER = EVENTS["known_at"].iloc[-1] + timedelta(hours=1)
LABELS = labels_at([LOG.events["known_at"].iloc[60]])
ASKED = [*VIDEOS["video_id"], "unheard of"]
SCORES = np.linspace(-1, 1, len(ASKED))
PERSONAL = {column for column in FEED.columns if column.startswith("user_") or column == "retrieval"}
ROLES = {
    "nobody": set[str](),
    "analyst": {*FEED.columns} - PERSONAL,
    "one": {"user_relevant_7d"},
    "topics": {"user_topic_relevant_7d", "user_topic_relevant_all", "video_duration"},
    "ranker": {*FEED.columns},
    "revoked": {*FEED.columns} - {"retrieval", "user_impressions_1d", "user_impressions_7d", "video_age_days"},
}
Read = Callable[[Reader, list[str]], pd.DataFrame]


@pytest.fixture
def access(tmp_path: Path) -> Access:
    access = Access(tmp_path / "access", ticking())
    personal = [column for column in FEED.columns if column in PERSONAL]
    access.grant("analyst", FEED, ["all"], "ann")
    access.grant("one", FEED, ["user_relevant_7d"], "ann", personal=True)
    access.grant("topics", FEED, ["user_topic_relevant", "video_duration"], "ann", personal=True)
    for role in ("ranker", "revoked"):
        access.grant(role, FEED, ["all"], "ann")
        access.grant(role, FEED, personal, "ann", personal=True)
    access.revoke("revoked", FEED, ["retrieval", "user_impressions", "video_age_days"], "ann")
    return access


def store_of(kind: str, folder: Path, catalogue: Catalogue = FEED) -> OnlineStore:
    store: OnlineStore
    if kind == "redis":
        store = RedisStore(needed_redis(folder), catalogue, VIDEOS, patience=10.0)
    else:
        store = SqliteStore(folder / "f.db", catalogue, VIDEOS) if kind == "sqlite" else MemoryStore(catalogue, VIDEOS)
    store.absorb(EVENTS, offset=0)
    return store


def needed_redis(folder: Path) -> str:
    return (folder / "redis.url").read_text(encoding="utf-8")


@pytest.fixture(params=["training", "memory", "sqlite", "redis"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param != "redis":
        yield request.param
        return
    needs.redis()
    from tests.redis_server import binary, redis_server

    (tmp_path / "redis").mkdir()
    with redis_server(str(binary()), tmp_path / "redis") as server:
        (tmp_path / "redis.url").write_text(server.url, encoding="utf-8")
        yield "redis"


@pytest.fixture
def source(kind: str, tmp_path: Path) -> Iterator[tuple[Read, pd.DataFrame]]:
    """How a reader reads here, and what an ungoverned read gives."""
    if kind == "training":
        timeline = Timeline(FEED, LOG)
        yield (
            lambda reader, columns: reader.training_set(timeline, columns, LABELS),
            training_set(FEED, timeline, LABELS),
        )
        return
    store = store_of(kind, tmp_path)

    def read(reader: Reader, columns: list[str]) -> pd.DataFrame:
        found = reader.lookup(store, columns, "u0", ASKED, LATER, "home", SCORES)
        assert found.position == len(EVENTS)
        return found.to_frame()

    yield read, store.lookup("u0", ASKED, LATER, "home", SCORES).to_frame()
    store.close()


def reads(access: Access) -> list[dict[str, Any]]:
    return [entry for entry in access.entries() if entry["what"] in ("read", "refused")]


def test_each_role_reads_each_column_that_it_was_granted_and_no_other(
    access: Access, source: tuple[Read, pd.DataFrame]
) -> None:
    read, every = source
    expected = []
    for (role, allowed), column in product(ROLES.items(), FEED.columns):
        reader = access.reader(role, "ann", "the matrix")
        if column in allowed:
            assert_bits_equal(read(reader, [column]), every[[column]])
            expected += [("read", role, [column])] if column in PERSONAL else []
        else:
            with pytest.raises(AccessError, match=f"role '{role}' may not read {column} of catalogue feed"):
                read(reader, [column])
            expected.append(("refused", role, [column]))
    assert [(entry["what"], entry["role"], entry["columns"]) for entry in reads(access)] == expected
    assert access.verify().sound


def test_one_forbidden_column_refuses_the_whole_read(access: Access, source: tuple[Read, pd.DataFrame]) -> None:
    read, every = source
    for role, allowed in ROLES.items():
        reader, columns = access.reader(role, "ann", "a read of many"), [*FEED.columns[::-1]]
        mine = [column for column in columns if column in allowed]
        if mine:
            assert_bits_equal(read(reader, mine), every[mine])
        for forbidden in [column for column in columns if column not in allowed]:
            with pytest.raises(AccessError, match=f"may not read {forbidden} of"):
                read(reader, [*mine, forbidden])
            assert reads(access)[-1]["refused"] == [forbidden]


def test_a_broken_column_that_is_forbidden_has_no_say_in_what_is_allowed(kind: str, tmp_path: Path) -> None:
    @derived
    def odd(user_relevant_7d: Any) -> Any:
        """It fails whenever it is computed."""
        return np.inf + user_relevant_7d

    catalogue = Catalogue("feed", "2", [*FEED.features, odd])
    access = Access(tmp_path / "access", ticking())
    access.grant("analyst", catalogue, ["all"], "ann")
    columns = [*access.grants().of("analyst", "feed")]
    reader = access.reader("analyst", "ann", "a look")
    if kind == "training":
        with pytest.raises(DataError):
            training_set(catalogue, LOG, LABELS)
        assert len(reader.training_set(Timeline(catalogue, LOG), columns, LABELS)) == len(LABELS)
        return
    store = store_of(kind, tmp_path, catalogue)
    with pytest.raises(DataError):
        store.lookup("u0", ASKED, LATER)
    assert reader.lookup(store, columns, "u0", ASKED, LATER).values.shape == (len(ASKED), len(columns))
    with pytest.raises(AccessError, match="may not read odd of"):
        reader.lookup(store, ["odd"], "u0", ASKED, LATER)
    store.close()


def test_who_may_read_a_derived_column_need_not_be_allowed_what_it_is_made_of(tmp_path: Path) -> None:
    @derived
    def seldom(user_impressions_7d: Any) -> Any:
        """Whether the person comes seldom."""
        return user_impressions_7d < 3

    catalogue = Catalogue("feed", "2", [*FEED.features, seldom])
    access = Access(tmp_path / "access", ticking())
    access.grant("analyst", catalogue, ["seldom"], "ann", personal=True)
    reader = access.reader("analyst", "ann", "a look")
    found = reader.training_set(Timeline(catalogue, LOG), ["seldom"], LABELS)
    assert set(found["seldom"]) == {0.0, 1.0}
    with pytest.raises(AccessError):
        reader.training_set(Timeline(catalogue, LOG), ["seldom", "user_impressions_7d"], LABELS)


def test_a_training_read_is_one_entry_and_an_online_one_names_the_user_by_a_keyed_hash(access: Access) -> None:
    reader = access.reader("ranker", "trainer 7", "the weekly fit")
    reader.training_set(Timeline(FEED, LOG), ["video_duration", "retrieval", "user_relevant_7d"], LABELS)
    (entry,) = reads(access)
    assert entry == {
        "at": entry["at"], "what": "read", "role": "ranker", "actor": "trainer 7", "purpose": "the weekly fit",
        "catalogue": "feed", "version": "1", "how": "training", "rows": len(LABELS),
        "columns": ["retrieval", "user_relevant_7d"], "grants": 8,
    }  # fmt: skip
    store = store_of("memory", access.folder)
    for user in ("u0", "u1", "u0"):
        reader.lookup(store, ["retrieval", "video_duration"], user, ASKED, LATER)
    online = reads(access)[1:]
    assert [(entry["how"], entry["rows"], entry["columns"]) for entry in online] == [("online", 5, ["retrieval"])] * 3
    assert [entry["user"] for entry in online] == [access.user_name(user) for user in ("u0", "u1", "u0")]
    assert b'"u0"' not in (access.folder / "reads.log").read_bytes()


def test_a_training_read_is_synced_and_a_lookup_does_not_wait_for_the_disk(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeline, store, reader = Timeline(FEED, LOG), store_of("memory", access.folder), access.reader("ranker", "a", "b")
    reader.lookup(store, ["retrieval"], "u0", ASKED, LATER)
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    for _ in range(20):
        reader.lookup(store, ["retrieval"], "u0", ASKED, LATER)
    assert len(synced) == (0 if Path("/proc/sys/kernel/random/boot_id").exists() else 20)
    synced.clear()
    reader.training_set(timeline, ["retrieval"], LABELS)
    assert len(synced) == 1


def test_the_entry_is_there_before_the_values_are_and_what_cannot_be_logged_is_not_read(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, reader = store_of("memory", access.folder), access.reader("ranker", "ann", "ranking")
    lookup = store.lookup

    def watched(*arguments: Any) -> Any:
        assert len(reads(access)) == 1
        return lookup(*arguments)

    monkeypatch.setattr(store, "lookup", watched)
    reader.lookup(store, ["retrieval"], "u0", ASKED, LATER)
    monkeypatch.undo()
    for file in access.folder.glob("reads.log*"):
        file.unlink()
    (access.folder / "reads.log").mkdir()
    with pytest.raises(StorageError, match="What cannot be logged is not read"):
        reader.lookup(store, ["retrieval"], "u0", ASKED, LATER)
    assert reader.lookup(store, ["video_duration"], "u0", ASKED, LATER).values.shape == (len(ASKED), 1)
