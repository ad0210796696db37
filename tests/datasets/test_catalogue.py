from pathlib import Path

import pytest

from mlsd_lab.datasets import NAMES, load
from mlsd_lab.datasets.world import WorldConfig
from mlsd_lab.errors import ConfigError, DataError


def test_every_name_loads_or_says_what_it_needs(tmp_path: Path) -> None:
    assert load("movielens").datasheet.name == "movielens"
    assert len(load("world", world=WorldConfig(users=20, events=500)).events) == 500
    for name in NAMES.keys() - {"movielens", "world"}:
        with pytest.raises(DataError, match=tmp_path.name):
            load(name, tmp_path)


def test_a_log_of_ones_own_is_loaded_with_its_zone(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user_id,video_id,occurred_at\nu,v,2026-01-01T20:00Z\n", encoding="utf-8")
    assert load("csv", tmp_path, "Asia/Tokyo").days().iloc[0].day == 2


@pytest.mark.parametrize("name", ["netflix", "", "CSV", "../csv"])
def test_an_unknown_name_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(ConfigError, match="expected a data set of movielens, kuairand, world, csv; found"):
        load(name)


@pytest.mark.parametrize("name", ["movielens", "kuairand"])
def test_a_zone_is_for_csv_alone(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--timezone is for csv"):
        load(name, tmp_path, timezone="UTC")


@pytest.mark.parametrize("name", ["movielens", "world"])
def test_what_needs_no_files_takes_no_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="takes no --path"):
        load(name, tmp_path)


def test_only_the_world_has_the_size_one_asks_for() -> None:
    with pytest.raises(ConfigError, match="movielens has the size it has"):
        load("movielens", world=WorldConfig())


def test_csv_needs_a_folder() -> None:
    with pytest.raises(ConfigError, match="--path DIR"):
        load("csv")
