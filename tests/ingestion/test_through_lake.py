from pathlib import Path

import pandas as pd
import pytest

from mlsd_lab.datasets import Log, load
from mlsd_lab.datasets.world import WorldConfig, simulate
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.through_lake import through_lake
from mlsd_lab.ingestion.warehouse import Warehouse
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


def test_a_lake_that_is_kept_has_the_videos_too(tmp_path: Path) -> None:
    before = simulate(WorldConfig(users=300, videos=200, events=8_000, seed=3)).log
    after, _ = through_lake(before, keep=tmp_path / "lake")
    kept = Warehouse(Lake(tmp_path / "lake")).log()
    assert len(kept.events) == len(after.events)
    for name in ("video_id", "title", "creator_id", "topic"):
        assert kept.videos[name].astype(str).tolist() == before.videos[name].astype(str).tolist()
    for name in ("duration_seconds", "uploaded_at"):
        assert kept.videos[name].equals(before.videos[name])
    assert through_lake(before)[0].events.equals(after.events)


def test_videos_of_which_only_the_id_is_known_are_kept(tmp_path: Path) -> None:
    time = pd.to_datetime(["2026-01-01"] * 2, utc=True)
    through_lake(
        Log.from_frames(pd.DataFrame({"user_id": "u", "video_id": [1, 2], "occurred_at": time})), keep=tmp_path / "lake"
    )
    assert Warehouse(Lake(tmp_path / "lake")).query("SELECT video_id FROM dim_videos ORDER BY 1").values.tolist() == [
        ["1"],
        ["2"],
    ]
