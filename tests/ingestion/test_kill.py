"""Ingestion that is killed with SIGKILL at any moment and run again brings what an undisturbed run brings."""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mlsd_lab.datasets.click_files import Defects
from mlsd_lab.ingestion.faulty_api import Faults, FaultyApi
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.upkeep import compact
from tests.ingestion.bench import MINUTE, NOON, postgres_bench
from tests.ingestion.killing import Job, Kill, Zygote, click_folder, content, on_disk, zygote

if TYPE_CHECKING:
    from tests.postgres import Server

KILLS = int(os.environ.get("MLSD_LAB_KILLS", "30"))
"""Moments for the click log; for a database and an API a quarter of them each."""
CHAIN = 5
"""Moments of one lake."""


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    with zygote(tmp_path_factory.mktemp("temporary")) as running:
        yield running


@pytest.fixture(scope="module")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return click_folder(tmp_path_factory.mktemp("clicks"), events=600, files=5)


@dataclass
class Kills:
    """What some chains of kills hit."""

    lakes: list[Path] = field(default_factory=list)
    commits: list[int] = field(default_factory=list)
    """At each kill: versions of all tables."""
    orphans: list[int] = field(default_factory=list)
    """At each kill: data files that no version knows."""


def kill_often(
    processes: Zygote, job: Job, folder: Path, wanted: int, expected: dict[str, Any], seconds: float,
    same: Callable[[dict[str, Any]], Any] = lambda found: found, begin: Path | None = None,
) -> Kills:  # fmt: skip
    """Kill a job at moments spread over its undisturbed run, or as soon as it wrote a data file; then compare lakes."""
    kills, seeded = Kills(), random.Random(0)
    for lake in (folder / f"lake-{number}" for number in count()):
        here: Job = {**job, "lake": str(lake)}
        if begin:
            shutil.copytree(begin, lake)
        moments = sorted(seeded.uniform(0, seconds) for _ in range(min(CHAIN, wanted - len(kills.commits))))
        before = 0.0
        for number, moment in enumerate(moments):
            kill = Kill(moment - before)
            if seeded.random() < 0.5:
                kill = Kill(files=seeded.randint(1, 12))
            before = moment
            [end] = processes.run({**here, "compact": number % 3 == 2 and lake.exists()}, kill=kill)
            assert end.error is None, end.said
            if end.hit:
                kills.commits.append(sum(len(list(log.glob("*.json"))) for log in lake.glob("*/_delta_log")))
                needed, there = on_disk(lake)
                kills.orphans.append(len(there - needed))
                assert needed <= there
        processes.done(here)
        assert same(content(lake)) == same(expected), f"{lake.name} differs after {moments}"
        kills.lakes.append(lake)
        if len(kills.commits) >= wanted:
            return kills
    raise AssertionError


def undisturbed(processes: Zygote, job: Job, lake: Path) -> tuple[dict[str, Any], float]:
    [end] = processes.done({**job, "lake": str(lake)})
    return content(lake), end.seconds


@pytest.fixture(scope="module")
def killed_clicks(processes: Zygote, clicks: Path, tmp_path_factory: pytest.TempPathFactory) -> Kills:
    folder = tmp_path_factory.mktemp("killed")
    job: Job = {"do": "clicks", "from": str(clicks), "batch": 8_000}
    expected, seconds = undisturbed(processes, job, folder / "undisturbed")
    assert expected["events"][0] == 600
    return kill_often(processes, job, folder, KILLS, expected, seconds)


def test_a_click_log_killed_at_any_moment_comes_whole_and_once_with_its_counts(killed_clicks: Kills) -> None:
    assert len(killed_clicks.commits) >= KILLS


def test_the_kills_hit_different_phases(killed_clicks: Kills) -> None:
    assert len(set(killed_clicks.commits)) >= min(KILLS, 30) // 3
    assert max(killed_clicks.commits) - min(killed_clicks.commits) >= 10
    assert any(killed_clicks.orphans), "no kill between a data file and its commit"


def test_what_kills_left_in_the_lake_goes_with_a_full_vacuum_and_no_row_with_it(killed_clicks: Kills) -> None:
    for root in killed_clicks.lakes[:3]:
        before, lake = content(root), Lake(root)
        compact(lake, keep_hours=0)
        needed, there = on_disk(root)
        assert there == needed
        assert content(root) == before


def test_profiles_in_postgresql_killed_at_any_moment_come_whole(
    processes: Zygote, postgres: "Server", tmp_path: Path
) -> None:
    with postgres_bench(postgres) as bench:
        bench.create()
        for number in range(60):
            bench.put(f"u{number}", NOON + number * MINUTE)
        job: Job = {"do": "profiles", "from": bench.url, "table": bench.table, "batch": 8}
        undisturbed(processes, job, tmp_path / "begin")
        for number in range(0, 60, 3):
            bench.drop(f"u{number}")
        for number in range(40, 120, 2):
            bench.put(f"u{number}", NOON + (100 + number) * MINUTE, app="phone")
        shutil.copytree(tmp_path / "begin", tmp_path / "undisturbed")
        expected, seconds = undisturbed(processes, job, tmp_path / "undisturbed")
        assert expected["users, profiles"]["counts"]["kept"] == expected["users"][0] > 110  # tombstones too
        kill_often(processes, job, tmp_path, KILLS // 4 + 1, expected, seconds, _without_repeats, tmp_path / "begin")


def _without_repeats(found: dict[str, Any]) -> dict[str, Any]:
    """Leave out what a killed run counts twice: it begins some minutes before the position, at rows it has."""
    state = found["users, profiles"]
    return {**found, "users, profiles": {**state, "counts": state["counts"]["kept"]}}


def test_videos_over_http_killed_at_any_moment_come_whole_however_the_api_stumbles(
    processes: Zygote, tmp_path: Path
) -> None:
    faults = Faults(broken=0.1, html=0.1, cut_json=0.1, cut_gzip=0.1, closed=0.1, repeated=0.1)
    videos = [
        {"video_id": f"v{number}", "updated_at": (NOON + number // 3 * MINUTE).isoformat(), "title": f"No. {number}"}
        for number in range(150)
    ]
    with FaultyApi([*videos, {"video_id": "no time", "updated_at": "2026"}], faults, seed=1) as api:
        job: Job = {"do": "metadata", "from": api.url, "batch": 10}
        expected, seconds = undisturbed(processes, job, tmp_path / "undisturbed")
        assert expected["videos"][0] == 150
        kill_often(processes, job, tmp_path, KILLS // 4 + 1, expected, seconds)
        assert min(api.served[fault] for fault in ("ok", "html", "cut_json", "closed")) > 0


@pytest.mark.parametrize(("steps", "rows"), [(["rows", "position"], "doubled"), (["position", "rows"], "lost")])
def test_a_naive_sink_doubles_or_loses_rows_under_such_a_kill(
    processes: Zygote, tmp_path: Path, steps: list[str], rows: str
) -> None:
    plain = click_folder(tmp_path / "clicks", events=200, files=3, defects=Defects())
    job = {"do": "naive", "from": str(plain), "batch": 8_000, "steps": steps}
    held = {}
    for name, die in (("undisturbed", None), ("killed", 2)):
        here: Job = {**job, "lake": str(tmp_path / name), "place": str(tmp_path / f"{name}.json")}
        if die is not None:
            assert [end.hit for end in processes.run({**here, "die": die})] == [True]
        processes.done(here)
        held[name] = Lake(tmp_path / name).table("events").rows
    assert held["undisturbed"] == 200
    assert (held["killed"] > 200) if rows == "doubled" else (held["killed"] < 200)
