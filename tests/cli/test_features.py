from pathlib import Path

import pytest

from mlsd_lab.cli.features import OUR_CATALOGUE, catalogue_named
from mlsd_lab.errors import ConfigError
from mlsd_lab.features.feed import FEED
from tests.cli.command_line import CommandLine


def test_the_group_lists_its_commands(mlsd_lab: CommandLine) -> None:
    assert "skew" in mlsd_lab("features", "--help").out


def test_a_catalogue_is_found_by_its_name_also_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my_own_features.py").write_text("from mlsd_lab.features.feed import FEED as MINE\n", encoding="utf-8")
    assert catalogue_named("my_own_features:MINE") is catalogue_named(OUR_CATALOGUE) is FEED


@pytest.mark.parametrize(
    "name, found",
    [
        ("", "found ''"),
        ("nowhere", "found 'nowhere'"),
        ("nowhere:FEED", "No module named 'nowhere'"),
        ("mlsd_lab.features.feed:FOOD", "no attribute 'FOOD'"),
        ("mlsd_lab.features.feed", "found 'mlsd_lab.features.feed'"),
        (".feed:FEED", "found '.feed:FEED'"),
        ("broken_features:MINE", "ZeroDivisionError"),
    ],
)
def test_what_is_no_catalogue_is_a_sentence(
    name: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken_features.py").write_text("MINE = 1 / 0\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="--catalogue: expected MODULE:NAME such as ") as told:
        catalogue_named(name)
    assert found in str(told.value)


def test_something_else_of_that_name_is_told() -> None:
    with pytest.raises(ConfigError, match=r"expected a Catalogue at mlsd_lab\.features:windowed, found function"):
        catalogue_named("mlsd_lab.features:windowed")
