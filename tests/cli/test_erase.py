import json
from pathlib import Path

import pandas as pd
import pytest

from mlsd_lab.features import Catalogue, open_store, stream
from mlsd_lab.features.feed import FEED
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.serving import ServedLog
from tests import needs
from tests.cli.command_line import CommandLine, assert_refused, assert_sentence
from tests.features.streams import VIDEOS
from tests.ingestion.records import clicks, event
from tests.ingestion.test_erase import everything
from tests.serving.served_rows import LOG, served_rows

USER = "zz-ann"


@pytest.fixture
def lake(mlsd_lab: CommandLine) -> str:
    clicks(Path("logs"), "1.jsonl", event("a"), event("b", user_id="bob"), event("d", clicked=1))
    assert mlsd_lab("ingest", "--lake", "lake", "--clicks", "logs").code == 0
    return "lake"


def renamed(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(user_id=table["user_id"].replace("u1", USER))


def fill(place: str, catalogue: Catalogue = FEED) -> None:
    store = open_store(place, catalogue, VIDEOS)
    store.absorb(renamed(stream(LOG)), offset=0)
    store.close()


def test_the_report_is_by_table_and_the_user_stays_out(mlsd_lab: CommandLine, lake: str) -> None:
    done = mlsd_lab("erase", "--lake", lake, "--user", "ann", "--json", "erased.json")
    assert done.code == 0
    assert "ask their owners too" in done.out
    found = json.loads(Path("erased.json").read_text(encoding="utf-8"))
    assert {one["table"]: one["rows"] for one in found["tables"]} == {"events": 1, "dead_letters": 1}
    assert (found["stores"], found["stores left alone"]) == ([], [])
    clicks(Path("logs"), "2.jsonl", event("late"))
    assert mlsd_lab("ingest", "--lake", lake, "--clicks", "logs", "--json", "found.json").code == 0
    assert json.loads(Path("found.json").read_text(encoding="utf-8"))["erased"] == 1


def test_a_user_is_gone_from_the_bytes_of_lake_store_and_served_logs(mlsd_lab: CommandLine, lake: str) -> None:
    clicks(Path("logs"), "2.jsonl", event("mine", user_id=USER))
    assert mlsd_lab("ingest", "--lake", lake, "--clicks", "logs").code == 0
    fill("stores")
    roots = [lake, "runs/001", "runs/002"]
    for root in roots:
        ServedLog(Lake(root)).append(renamed(served_rows()), FEED)
    others = ("--served", roots[1], "--served", roots[2], "--served", lake)
    done = mlsd_lab("erase", "--user", USER, "--lake", lake, "--store", "stores", *others, "--json", "erased.json")
    assert (done.code, done.err) == (0, "")
    for root in roots:
        assert USER not in everything(Lake(root))
    for file in Path("stores").iterdir():
        assert USER.encode() not in file.read_bytes()
    found = json.loads(Path("erased.json").read_text(encoding="utf-8"))
    tables = [(Path(one["lake"]).name, one["table"]) for one in found["tables"] if one["rows"]]
    assert tables == [("lake", "events"), ("lake", "served"), ("001", "served"), ("002", "served")]
    assert [one["rows"] for one in found["stores"]] == [3]  # the user's own, and with two topics
    assert "the totals of video_id, creator_id, topic, surface still contain what the user added" in done.out
    assert "mlsd-lab features backfill --lake lake --store NEW" in done.out


def test_a_user_whom_nothing_names_is_doubted(mlsd_lab: CommandLine, lake: str) -> None:
    said = "No row was of the user [b]an, or none any more: is the id right?"
    assert said in mlsd_lab("erase", "--user", "[b]an", "--lake", lake).out
    assert "is the id right?" not in mlsd_lab("erase", "--user", "ann", "--lake", lake).out


def test_a_store_whose_catalogue_was_not_named_is_pointed_out(mlsd_lab: CommandLine, lake: str) -> None:
    other = Catalogue("feed", "2", FEED.features)
    Path("next_features.py").write_text(
        "from mlsd_lab.features import Catalogue\nfrom mlsd_lab.features.feed import FEED\n"
        "NEXT = Catalogue('feed', '2', FEED.features)\n",
        encoding="utf-8",
    )
    fill("stores")
    fill("stores", other)
    done = mlsd_lab("erase", "--user", USER, "--lake", lake, "--store", "stores", "--json", "erased.json")
    assert f"{other.label} at stores was left alone: name its catalogue with --catalogue" in done.out
    assert json.loads(Path("erased.json").read_text(encoding="utf-8"))["stores left alone"] == [other.label]
    both = ("--catalogue", "mlsd_lab.features.feed:FEED", "--catalogue", "next_features:NEXT")
    done = mlsd_lab("erase", "--user", USER, "--lake", lake, "--store", "stores", *both)
    assert "left alone" not in done.out
    for file in Path("stores").iterdir():
        assert USER.encode() not in file.read_bytes()


def test_a_store_on_a_server_loses_the_user_too(mlsd_lab: CommandLine, lake: str, tmp_path: Path) -> None:
    needs.redis()
    from tests.redis_server import binary, redis_server

    with redis_server(str(binary()), tmp_path) as server:
        fill(server.url)
        done = mlsd_lab("erase", "--user", USER, "--lake", lake, "--store", server.url, "--json", "erased.json")
        assert (done.code, done.err) == (0, "")
        store = open_store(server.url, FEED, VIDEOS, filled=True)
        assert store.erase(USER) == 0
        store.close()
    assert "append-only file or snapshots has older states" in done.out
    assert [one["rows"] for one in json.loads(Path("erased.json").read_text(encoding="utf-8"))["stores"]] == [3]


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--store", "nowhere"], "expected a store of feed-1-"),
        (["--served", "nowhere"], "--served: expected where a table served lies, such as runs/001, found none in nowh"),
        (["--served", "stores"], "found none in stores"),
        (["--catalogue", "mlsd_lab.features.feed:FEED"], "--catalogue: expected the place of that catalogue's store"),
        (["--store", "stores", "--catalogue", "nowhere:FEED"], "--catalogue nowhere:FEED: expected a module"),
        (["--user", ""], "--user: expected the id of a user"),
        (["--user", "ann\udcff"], "--user: expected the id of a user, as text in UTF-8, found 'ann"),
    ],
)
def test_bad_input_is_refused_before_anything_is_erased(
    mlsd_lab: CommandLine, lake: str, arguments: list[str], said: str
) -> None:
    fill("stores")
    user = [] if "--user" in arguments else ["--user", "ann"]
    assert_sentence(mlsd_lab("erase", "--lake", lake, *user, *arguments), said)
    assert Lake(lake).table("events").rows == 2


def test_without_a_lake_it_says_so(mlsd_lab: CommandLine) -> None:
    assert_refused(mlsd_lab("erase", "--user", "ann", "--lake", "nowhere"), "expected a lake at")
