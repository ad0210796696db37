import pandas as pd
import pytest

from mlsd_lab.datasets import Log, load
from mlsd_lab.datasets.world import WorldConfig, simulate
from mlsd_lab.ingestion.through_lake import through_lake
from tests.needs import kuairand_folder


@pytest.mark.parametrize("name", ["world", "kuairand"])
def test_a_log_comes_back_with_the_same_events_values_and_types(name: str) -> None:
    small = simulate(WorldConfig(users=300, videos=200, events=8_000, seed=3)).log
    before = small if name == "world" else load(name, kuairand_folder())
    after, found = through_lake(before, seed=1)
    known = [column for column in before.events if column in after.events]
    pd.testing.assert_frame_equal(after.events, before.events[known])
    assert set(before.events) - set(after.events) <= {"randomized"}
    assert found["kept"] == found["rows"] == len(before.events)
    assert found["read"] == found["kept"] + found["duplicates"] + found["dead"]
    assert found["duplicates"] > 0
    assert found["dead"] > 0


def test_ids_of_any_letters_pass() -> None:
    time = pd.to_datetime(["2026-01-01"] * 3, utc=True)
    ids = ["7", 'wörter "quoted" \\ \t\n', "🎬"]
    frame = pd.DataFrame(
        {"user_id": ids, "video_id": ids[::-1], "event_id": ids, "occurred_at": time, "clicked": [True, None, False]}
    )
    before = Log.from_frames(frame)
    after, _ = through_lake(before)
    pd.testing.assert_frame_equal(after.events, before.events)
