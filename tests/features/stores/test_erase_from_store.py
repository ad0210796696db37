import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConflictError
from mlsd_lab.features import MemoryStore, SqliteStore, stream
from mlsd_lab.features.feed import FEED
from mlsd_lab.features.stores.erase_from_store import erase_from_store
from tests.features.streams import VIDEOS, seeded_log

LOG = seeded_log(200)
USERS = [f"zz-user-{at:04d}-{'x' * (at % 30)}" for at in range(900)]


def crowd() -> Log:
    """A log of many people, so that their rows fill many pages of a file in any order."""
    rng = random.Random(0)
    people = rng.choices(USERS, k=3_000)
    time = pd.date_range("2026-01-01", periods=3_000, freq="min", tz="UTC")
    videos = [f"v{rng.randrange(4)}" for _ in people]
    return Log.from_frames(
        pd.DataFrame({"user_id": people, "video_id": videos, "occurred_at": time, "clicked": True}), VIDEOS
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    log = crowd()
    store, events = SqliteStore(tmp_path / "features.db", FEED, log.videos, patience=0.1), stream(log)
    for at in range(0, 3_000, 200):
        store.absorb(events.iloc[at : at + 200], offset=at)
    yield store
    store.close()


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def test_no_byte_of_the_file_or_its_log_holds_who_was_erased(store: SqliteStore, tmp_path: Path) -> None:
    before = everything(tmp_path)
    gone = [user for user in random.Random(1).sample(USERS, 60) if user.encode() in before]
    assert len(gone) > 50
    for user in gone:
        assert erase_from_store(store, user).rows >= 1
    after = everything(tmp_path)
    assert [user for user in gone if user.encode() in after] == []
    assert sum(user.encode() in after for user in USERS) >= len(USERS) - len(gone) - 100


def test_what_stays_in_sums_is_said_and_stays(store: SqliteStore) -> None:
    later = pd.Timestamp("2026-01-03 03:00", tz="UTC")
    before = store.lookup(USERS[0], ["v1"], later).to_frame()
    found = erase_from_store(store, USERS[0])
    after = store.lookup(USERS[0], ["v1"], later).to_frame()
    assert found.in_sums == ("video_id", "creator_id", "topic", "surface")
    assert after["video_impressions_all"].equals(before["video_impressions_all"])
    assert before["user_impressions_7d"][0] > 0 == after["user_impressions_7d"][0]


def test_while_somebody_reads_old_pages_stay_and_that_is_told(store: SqliteStore, tmp_path: Path) -> None:
    reader = SqliteStore(tmp_path / "features.db", FEED, VIDEOS)
    connection = reader._connection()
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM rows").fetchall()
    with pytest.raises(ConflictError, match="the rows are deleted, but others read, and old pages stay; erase again"):
        store.erase(USERS[5])
    connection.execute("ROLLBACK")
    reader.close()
    assert erase_from_store(store, USERS[5]).rows == 0
    assert USERS[5].encode() not in everything(tmp_path)


def test_a_writer_who_comes_first_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    events, store = stream(LOG), MemoryStore(FEED, LOG.videos)
    store.absorb(events, offset=0)
    put, others = store._put, []

    def second(*arguments: Any) -> bool:
        others.append(1)
        return len(others) > 3 and put(*arguments)

    monkeypatch.setattr(store, "_put", second)
    assert erase_from_store(store, "u1").rows > 0
    assert len(others) == 4
    monkeypatch.setattr(store, "_put", lambda *_: False)
    with pytest.raises(ConflictError, match="another writer was first"):
        erase_from_store(store, "u2")
