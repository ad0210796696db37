from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ArtifactError
from mlsd_lab.features import Catalogue, MemoryStore, stream
from mlsd_lab.features.feed import FEED
from mlsd_lab.features.stores import memory_store
from tests.features.store_contract import MANY_KEYS, Opened, StoreContract, asked, three_events
from tests.features.streams import VIDEOS, assert_bits_equal, seeded_log


@pytest.fixture
def anew() -> Callable[[], Opened]:
    def new() -> Opened:
        made: list[MemoryStore] = []

        def opened(catalogue: Catalogue) -> MemoryStore:
            if made and made[0].catalogue.fingerprint != catalogue.fingerprint:
                raise ArtifactError(f"expected features with fingerprint {catalogue.fingerprint}, found others")
            made.append(made[0] if made else MemoryStore(catalogue, VIDEOS))
            return made[0]

        return opened

    return new


class TestMemoryStore(StoreContract):
    """The store in this process is an online store; whoever opens it again gets the same one."""


def test_a_restart_in_the_middle_changes_nothing(tmp_path: Path) -> None:
    log = seeded_log(300)
    batches = stream(log)
    whole, first = MemoryStore(MANY_KEYS, log.videos), MemoryStore(MANY_KEYS, log.videos)
    whole.absorb(batches, offset=0)
    first.absorb(batches.iloc[:140], offset=0, mark={"offset": 140})
    first.save(tmp_path / "state")
    second = MemoryStore.load(tmp_path / "state", MANY_KEYS, log.videos)
    assert second.mark == {"offset": 140}
    second.absorb(batches.iloc[100:], offset=100)
    later = batches["known_at"].iloc[-1] + timedelta(minutes=1)
    assert second.position == whole.position == 300
    columns = list(MANY_KEYS.columns)
    for user in ("u0", "u1", "u2"):
        assert_bits_equal(asked(second, later, user)[columns], asked(whole, later, user)[columns])


def test_a_state_saved_for_other_features_or_changed_is_refused(tmp_path: Path) -> None:
    store = MemoryStore(FEED, VIDEOS)
    store.absorb(three_events()[1], offset=0)
    store.save(tmp_path / "state")
    other = Catalogue("feed", "2", FEED.features)
    with pytest.raises(ArtifactError, match=f"expected features with fingerprint {other.fingerprint}"):
        MemoryStore.load(tmp_path / "state", other, VIDEOS)
    file = tmp_path / "state" / "rows.npz"
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    with pytest.raises(ArtifactError, match=r"rows\.npz"):
        MemoryStore.load(tmp_path / "state", FEED, VIDEOS)


def test_a_state_saved_in_an_earlier_layout_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(memory_store, "_KIND", "memory-store/3")
        MemoryStore(FEED, VIDEOS).save(tmp_path / "state")
    with pytest.raises(ArtifactError, match=r"memory-store/4.*memory-store/3"):
        MemoryStore.load(tmp_path / "state", FEED, VIDEOS)


def test_the_state_of_a_video_and_of_a_user_stays_small() -> None:
    """One person watches all hours for ten days, a topic every 24 minutes; one video is shown to somebody all hours."""
    topics = [f"t{at}" for at in range(60)]
    videos = pd.DataFrame({"video_id": topics, "topic": topics, "creator_id": topics})
    times = pd.Series(pd.date_range("2026-01-01", periods=600, freq="24min", tz="UTC"))
    often = pd.DataFrame({"user_id": "often", "video_id": topics * 10, "occurred_at": times})
    hourly = pd.DataFrame({"user_id": "other", "video_id": "t0", "occurred_at": times.dt.floor("h").unique()})
    once = pd.DataFrame({"user_id": ["once"], "video_id": "t1", "occurred_at": times[:1]})
    log = Log.from_frames(pd.concat([often, hourly, once]).assign(clicked=True), videos)
    store = MemoryStore(FEED, videos)
    store.absorb(stream(log), offset=0)
    user, video, taste = (store.row_sizes(entity) for entity in [("user_id",), ("video_id",), ("user_id", "topic")])
    # in words of 8 bytes: 2 of bits, 7 of values, 25 hours with 4 totals, 8 days with 6; a taste has no hours
    assert max(video.values()) == video["t0",] == 8 * (9 + 25 * 4 + 8 * 6) <= 2_000
    assert (
        user["often",] + sum(size for (who, _), size in taste.items() if who == "often") == 1_256 + 60 * 160 <= 20_000
    )
    assert (user["once",], taste["once", "t1"]) == (8 * (9 + 4 + 6), 8 * (4 + 2))
