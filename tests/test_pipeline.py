import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsd_lab import pipeline
from mlsd_lab.datasets import Log, load
from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import make_split
from mlsd_lab.pipeline import RunConfig, run
from mlsd_lab.retrieval import ALS
from tests.needs import kuairand_folder

LIVE = ("timings", "machine", "versions")
LIVE_IN_SERVING = ("p50_ms", "p95_ms", "p99_ms", "stages")


def report_of(out: Path, *arguments: str, cores: int | None = None) -> dict[str, Any]:
    """Run the command in a process of its own, on so many cores, and return its report without what may differ."""
    bind = f"import os; os.sched_setaffinity(0, set(range({cores})))" if cores else ""
    code = f"{bind}\nimport sys; from mlsd_lab.cli import main; sys.argv[0] = 'mlsd-lab'; main()"
    command = [sys.executable, "-c", code, "run", "--out", str(out), *arguments]
    subprocess.run(command, check=True, capture_output=True, text=True)
    report: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    for key in LIVE:
        assert report.pop(key)
    assert report["ingest"].pop("events_per_s")
    if report["serving"]:
        for key in LIVE_IN_SERVING:
            assert report["serving"].pop(key)
    return report


@pytest.fixture(scope="module")
def movielens(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return report_of(tmp_path_factory.mktemp("first") / "run", cores=1)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot bind a process to cores")
def test_equal_seeds_give_equal_reports_on_one_core_and_on_two(movielens: dict[str, Any], tmp_path: Path) -> None:
    assert report_of(tmp_path / "run", cores=2) == movielens


def test_another_seed_gives_another_report(movielens: dict[str, Any], tmp_path: Path) -> None:
    assert report_of(tmp_path / "run", "--seed", "1")["retrieval"] != movielens["retrieval"]


def test_the_report_has_the_counts_of_the_data(movielens: dict[str, Any]) -> None:
    counts = {key: movielens["data"][key] for key in ("name", "users", "videos", "events")}
    assert counts == {"name": "movielens", "users": 671, "videos": 9066, "events": 100_004}
    split = movielens["split"]
    assert split["kind"] == "leave_last_out"
    assert split["train_events"] + split["test_events"] + split["left_out"] == 100_004


def test_the_log_passed_through_the_lake_and_nothing_was_lost(movielens: dict[str, Any]) -> None:
    ingest = movielens["ingest"]
    assert ingest["kept"] == ingest["rows"] == movielens["data"]["events"]
    assert ingest["read"] == ingest["kept"] + ingest["duplicates"] + ingest["dead"]
    assert min(ingest["duplicates"], ingest["dead"]) > 0
    assert len(ingest["content_hash"]) == 64


def test_recall_of_exact_search_is_what_a_plain_loop_finds(movielens: dict[str, Any]) -> None:
    split = make_split(load("movielens"), "leave_last_out")
    als = ALS(seed=0).fit(split.train)
    seen = split.train.matrix()
    hits = []
    codes = split.test.events["user_id"].cat.codes, split.test.events["video_id"].cat.codes
    for user, video in zip(*codes, strict=True):
        scores = als.video_factors_ @ als.user_factors_[user]
        scores[seen[user].indices] = -np.inf
        hits.append((scores > scores[video]).sum() < 100)
    assert movielens["retrieval"]["recall"]["als_exact"] == pytest.approx(np.mean(hits), abs=1e-6)
    assert movielens["retrieval"]["judged_users"] == len(hits)


def test_annoy_keeps_nearly_all_of_exact_search_and_als_beats_popularity(movielens: dict[str, Any]) -> None:
    recall = movielens["retrieval"]["recall"]
    assert recall["als_annoy"] >= 0.98 * recall["als_exact"]
    assert movielens["retrieval"]["paired"]["als_annoy - popular"]["low"] > 0


def test_the_blend_is_judged_beside_its_sources_and_beats_popularity(movielens: dict[str, Any]) -> None:
    retrieval = movielens["retrieval"]
    low, high = retrieval["interval"]["blend"]
    assert 0 < low < retrieval["recall"]["blend"] < high
    assert retrieval["paired"]["blend - popular"]["low"] > 0
    assert retrieval["metrics"]["blend"]["coverage"]["value"] > retrieval["metrics"]["popular"]["coverage"]["value"]


def test_nothing_served_differs_from_what_training_computes(movielens: dict[str, Any]) -> None:
    assert movielens["skew"]["mismatched"] == 0
    assert movielens["skew"]["compared"] >= 10_000
    assert movielens["skew"]["stale"] > 0  # the store lags by up to a batch, and the audit must see it
    assert movielens["serving"] == {"requests": 300, "degraded": 0}


def test_a_log_without_exposures_ranks_what_was_retrieved_and_claims_no_calibration(movielens: dict[str, Any]) -> None:
    ranking = movielens["ranking"]
    assert ranking["negatives"] == "retrieved"
    assert ranking["calibration_error"] is None
    assert "never shown" in ranking["reason"]
    assert ranking["interval"]["auc"][0] > 0.5


def test_people_are_shown_titles_that_the_store_did_not_know_they_rated(movielens: dict[str, Any]) -> None:
    log = load("movielens")
    test = make_split(log, "leave_last_out").test.events.set_index("user_id")
    titles = dict(zip(log.videos["video_id"].astype(str), log.labels(), strict=True))
    assert len(movielens["recommendations"]) == 3
    for person in movielens["recommendations"]:
        asked = test["occurred_at"][person["user_id"]]
        known = int((log.events["known_at"] < asked).sum())
        past = log.events.iloc[: known // RunConfig().absorb_batch * RunConfig().absorb_batch]  # whole batches
        rated = {titles[video] for video in past["video_id"][past["user_id"] == person["user_id"]]}
        everything = {titles[video] for video in log.events["video_id"][log.events["user_id"] == person["user_id"]]}
        assert set(person["liked_last"]) <= everything
        assert len(person["recommended"]) == 10
        assert not rated & set(person["recommended"])


def test_the_real_feed_log_is_split_by_its_last_local_day(tmp_path: Path) -> None:
    folder = kuairand_folder()
    report = report_of(tmp_path / "run", "--data", "kuairand", "--path", str(folder))
    times = pd.concat([pd.read_csv(file, usecols=["time_ms"]) for file in folder.glob("log_*_pure.csv")])["time_ms"]
    days = (times + 8 * 3_600_000) // 86_400_000
    assert report["split"]["kind"] == "by_day"
    assert report["split"]["test_events"] == (days == days.max()).sum()
    ranking = report["ranking"]
    assert ranking["negatives"] == "exposures"
    assert ranking["auc"] >= 0.738
    assert ranking["gauc"] >= 0.640
    assert report["skew"]["mismatched"] == 0
    recall, paired = report["retrieval"]["recall"], report["retrieval"]["paired"]
    assert recall["als_annoy"] >= 0.98 * recall["als_exact"]
    for baseline in ("popular", "popular_lately"):
        beaten = paired[f"als_exact - {baseline}"]["low"] > 0
        said = any(line.startswith(f"als_exact beats {baseline}") for line in report["retrieval"]["verdict"])
        assert beaten == said


def small_log(folder: Path, days: int = 2, users: int = 12, videos: int = 20) -> Path:
    rng = np.random.default_rng(0)
    rows = [
        (f"u{user}", f"v{video}", f"2026-01-{day + 1:02d}T12:00:00Z")
        for day in range(days)
        for user in range(users)
        for video in rng.choice(videos, size=3, replace=False)
    ]
    folder.mkdir(exist_ok=True)
    pd.DataFrame(rows, columns=["user_id", "video_id", "occurred_at"]).to_csv(folder / "events.csv", index=False)
    return folder


def test_what_a_log_cannot_support_is_null_with_a_reason(tmp_path: Path) -> None:
    folder = small_log(tmp_path / "log")
    events = pd.read_csv(folder / "events.csv").assign(clicked=False)
    events.to_csv(folder / "events.csv", index=False)
    found = run(RunConfig(data="csv", path=folder)).report["retrieval"]
    assert found["recall"] is None
    assert "no user has a relevant event" in found["reason"]


def test_a_log_too_short_for_a_ranker_says_so(tmp_path: Path) -> None:
    found = run(RunConfig(data="csv", path=small_log(tmp_path / "log", days=2))).report
    assert [found[key] for key in ("ranking", "serving", "skew", "artifacts")] == [None] * 4
    assert found["reason"].startswith("no ranker: expected a log of at least 2 local days")


def test_a_log_of_clicks_runs_through_both_stages(tmp_path: Path) -> None:
    folder = small_log(tmp_path / "log", days=4, users=40)
    events = pd.read_csv(folder / "events.csv")
    events = events.assign(clicked=np.random.default_rng(0).random(len(events)) < 0.4)
    events.to_csv(folder / "events.csv", index=False)
    found = run(RunConfig(data="csv", path=folder, absorb_batch=20)).report
    assert found["ranking"]["negatives"] == "exposures"
    assert found["serving"]["requests"] == 40
    assert found["skew"]["mismatched"] == 0
    assert len(found["artifacts"]["content_sha256"]) == 64


def test_a_catalogue_smaller_than_k_is_returned_whole_and_said_so(tmp_path: Path) -> None:
    found = run(RunConfig(data="csv", path=small_log(tmp_path / "log"))).report["retrieval"]
    assert found["recall"]["als_annoy"] == 1
    assert "all of the 20 videos" in found["note"]


def test_progress_is_told_from_start_to_end(tmp_path: Path) -> None:
    heard: list[tuple[str, float]] = []
    run(RunConfig(data="csv", path=small_log(tmp_path / "log")), lambda stage, share: heard.append((stage, share)))
    shares = [share for _, share in heard]
    assert heard[0] == ("load", 0.0)
    assert heard[-1] == ("done", 1.0)
    assert shares == sorted(shares)


@pytest.mark.parametrize("setting", ["k", "rounds", "ranking_rounds", "ranker_last", "requests"])
def test_settings_outside_their_range_are_refused_before_anything_is_loaded(setting: str) -> None:
    zero: dict[str, Any] = {setting: 0}
    config = replace(RunConfig(data="no such data"), **zero)
    with pytest.raises(ConfigError, match=f"{setting}: expected 1 to 2147483646, found 0"):
        run(config)


def test_a_log_keeps_what_its_datasheet_says_through_the_split() -> None:
    split = make_split(load("movielens"), "leave_last_out")
    assert isinstance(split.train, Log)
    assert split.train.datasheet == split.test.datasheet


def test_of_a_large_catalogue_fewer_people_are_judged_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = small_log(tmp_path / "log")
    everybody = run(RunConfig(data="csv", path=folder)).report["retrieval"]
    monkeypatch.setattr(pipeline, "_SCORES", 20 * (everybody["judged_users"] - 1))  # of 20 videos
    fewer = run(RunConfig(data="csv", path=folder)).report["retrieval"]
    assert fewer["judged_users"] == everybody["judged_users"] - 1
    assert fewer["sample"].startswith(f"{fewer['judged_users']} of the {everybody['judged_users']} people")
