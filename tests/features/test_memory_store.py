from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from mlsd_lab.errors import ArtifactError
from mlsd_lab.features import Catalogue, MemoryStore, stream
from mlsd_lab.features.feed import FEED
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


def test_the_state_of_a_video_and_of_a_user_stays_small() -> None:
    size = MemoryStore(FEED, pd.DataFrame({"video_id": ["v"]})).bytes_a_row
    topics = 60
    assert size["video_id",] <= 2_000
    assert size["user_id",] + topics * size["user_id", "topic"] <= 20_000
