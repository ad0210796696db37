import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mlsd_lab.features.feed import FEED
from mlsd_lab.ingestion.erase import erase
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.serving import ServedLog
from tests.cli.command_line import CommandLine, assert_sentence
from tests.ingestion.records import NOW
from tests.serving.served_rows import lake_of, served_rows

ROWS = served_rows(lag=timedelta(hours=30))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake, and a served log apart from it."""
    folder = tmp_path_factory.mktemp("made")
    lake_of(folder / "lake")
    ServedLog(Lake(folder / "run")).append(ROWS, FEED)
    return folder


@pytest.fixture
def lake(mlsd_lab: CommandLine, made: Path) -> Lake:  # noqa: ARG001  it stands in the working folder of the command
    """A copy of them in the working folder, `lake` and `run`."""
    shutil.copytree(made, ".", dirs_exist_ok=True)
    return Lake("lake")


def found(file: str = "skew.json") -> dict[str, Any]:
    read: dict[str, Any] = json.loads(Path(file).read_text(encoding="utf-8"))
    return read


def test_stale_alone_is_exit_code_0(mlsd_lab: CommandLine, lake: Lake) -> None:
    assert lake.has("events")
    done = mlsd_lab("features", "skew", "--served", "run", "--lake", "lake", "--json", "skew.json")
    assert (done.code, done.err) == (0, "")
    assert f"50 rows served, {50 * len(FEED.columns):,} values compared" in done.out
    assert "no value differs from what training computes" in done.out
    assert "the store was behind by" in done.out
    written = found()
    assert (written["holds"], written["mismatched"], written["moved"]) == (True, 0, 0)
    assert written["stale"] > 0
    assert len(written["features"]) == len(FEED.columns)


def test_one_value_that_differs_is_exit_code_1_with_its_feature_request_and_video(
    mlsd_lab: CommandLine, lake: Lake
) -> None:
    rows = ROWS.copy()
    rows.loc[17, "topic_relevant_7d"] += 0.25
    rows["request_id"] = "[b]" + rows["request_id"]
    ServedLog(lake).append(rows, FEED)  # in the lake itself
    done = mlsd_lab("features", "skew", "--lake", "lake", "--json", "skew.json")
    assert (done.code, done.err) == (1, "")
    assert "1 of 1,050 values differ from what training computes, in topic_relevant_7d" in done.out
    assert "[b]r60" in done.out
    written = found()
    assert not written["holds"]
    (example,) = written["examples"]
    assert [example[name] for name in ("request_id", "video_id", "column")] == ["[b]r60", "v2", "topic_relevant_7d"]
    assert example["served"] == example["recomputed"] + 0.25


def test_rows_that_no_longer_stand_where_they_say_are_told_with_the_reasons(mlsd_lab: CommandLine, lake: Lake) -> None:
    erase(lake, "u1", NOW)
    done = mlsd_lab("features", "skew", "--served", "run", "--lake", "lake")
    assert done.code == 1
    assert "rows do not stand in this lake where they say" in done.out
    assert "1 ids were erased from it" in done.out


def test_columns_of_another_catalogue_are_a_sentence(mlsd_lab: CommandLine, lake: Lake) -> None:
    assert lake.has("events")
    Path("other_features.py").write_text(
        "from mlsd_lab.features import Catalogue\nfrom mlsd_lab.features.feed import FEED\n"
        "OTHER = Catalogue('other', '7', FEED.features[1:])\n",
        encoding="utf-8",
    )
    done = mlsd_lab("features", "skew", "--served", "run", "--catalogue", "other_features:OTHER")
    assert_sentence(done, "expected rows of catalogue other 7 ", "found feed 1 ", "'user_impressions_1d' is new to it")


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--served", "nowhere"], "expected a served log at "),
        (["--served", "run", "--lake", "nowhere"], "expected a lake at "),
        (["--served", "run", "--lake", "run"], "holds no events; bring some in with mlsd-lab ingest"),
        (["--served", "run", "--catalogue", "nowhere:FEED"], "--catalogue nowhere:FEED: expected a module"),
        (["--served", "run", "--json", "nowhere/skew.json"], "--json: expected a folder that is there"),
        (["--served", "100%"], "expected a folder without % in its path"),
    ],
)
def test_bad_input_is_one_sentence(mlsd_lab: CommandLine, lake: Lake, arguments: list[str], said: str) -> None:
    assert lake.has("events")
    assert_sentence(mlsd_lab("features", "skew", *arguments), said)
