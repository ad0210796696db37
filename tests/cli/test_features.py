import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import needs
from tests.cli.command_line import CommandLine, Done, assert_refused, assert_sentence
from tests.ingestion.records import clicks, event

MINE = """
from mlsd_lab.features import About, Catalogue, Count, Mean, windowed

def made(version, owner, windows):
    @windowed("user_id", windows, Count, about=About(owner=owner, tags=("a[b]",)))
    def seen(events):
        "Videos [red]seen[/]."
        return events.relevant

    @windowed("video_id", "1d", Mean)
    def share(events):
        "Seconds watched."
        return events.watch_seconds

    return Catalogue("mine", version, [seen, share])

V1, OWNED, V2 = made("1", "ranking", "1d"), made("1", "growth", "1d"), made("2", "growth", ("1d", "7d"))
"""


@pytest.fixture
def mine(mlsd_lab: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line, which finds the module my_features."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "my_features.py").write_text(MINE)
    monkeypatch.delitem(sys.modules, "my_features", raising=False)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "code")])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return mlsd_lab


@pytest.fixture
def lake(mlsd_lab: CommandLine) -> str:
    clicks(Path("logs"), "1.jsonl", *(event(f"e{at}", watch_seconds=at, clicked=True) for at in range(9)))
    assert mlsd_lab("ingest", "--lake", "lake", "--clicks", "logs").code == 0
    return "lake"


def rows(done: Done) -> list[str]:
    assert (done.code, done.err) == (0, "")
    return [
        line.split()[0] for line in done.out.splitlines() if line.startswith((" user_", " video_", " seen", " share"))
    ]


def test_the_group_lists_its_commands(mlsd_lab: CommandLine) -> None:
    told = mlsd_lab("features", "--help").out
    assert all(name in told for name in ("list", "describe", "diff", "backfill", "skew"))


def test_list_shows_each_feature_and_marks_the_personal_ones(mine: CommandLine) -> None:
    done = mine("features", "list")
    assert {"user_relevant", "video_age_days"} <= {*done.out.split()}
    done = mine("features", "list", "--catalogue", "my_features:V2")
    assert rows(done) == ["seen", "share"]
    assert "personal: Videos [red]seen[/]." in done.out
    assert "1d, 7d" in done.out


def test_list_shows_what_a_source_column_feeds_or_what_has_a_tag(mine: CommandLine) -> None:
    chosen = "--catalogue", "my_features:V1"
    assert rows(mine("features", "list", *chosen, "--reads", "watch_seconds")) == ["share"]
    assert rows(mine("features", "list", *chosen, "--tag", "a[b]")) == ["seen"]
    both = "--tag", "a[b]", "--reads", "watch_seconds"
    assert "There is none such." in mine("features", "list", *chosen, *both).out
    assert_refused(mine("features", "list", *chosen, "--tag", "a"), "expected a tag of mine, one of a[b]; found 'a'")
    assert_refused(mine("features", "list", *chosen, "--reads", "seconds"), "expected a source column, one of events.")


def test_describe_says_all_of_one_by_its_name_or_that_of_a_column(mine: CommandLine) -> None:
    for name in ("seen", "seen_7d"):
        done = mine("features", "describe", name, "--catalogue", "my_features:V2")
        assert done.code == 0
        for told in ("Videos [red]seen[/].", "growth", "a[b]", "events.relevant, events.user_id", "Count()", "yes"):
            assert told in done.out
        assert "\n    return events.relevant\n" in done.out  # to be copied: as it stands in the source
    done = mine("features", "describe", "user_complet")
    assert_refused(done, "expected a feature of feed, such as user_completion", "found 'user_complet'")
    assert_refused(mine("features", "describe"), "expected a feature, --page FILE or --json FILE")


def test_describe_writes_a_page_and_a_description(mine: CommandLine) -> None:
    done = mine("features", "describe", "--page", "features.html", "--json", "feed.json")
    assert (done.code, done.out) == (0, "features.html shows 13 features\n")
    assert "user_topic_relevant_7d" in Path("features.html").read_text(encoding="utf-8")
    assert len(json.loads(Path("feed.json").read_text(encoding="utf-8"))["features"]) == 13
    assert_sentence(mine("features", "describe", "--page", "no/folder.html"), "--page: expected a folder that is there")
    assert_sentence(mine("features", "describe", "--page", "."), "--page: expected a file to write to")
    both = mine("features", "describe", "--page", "feed.json", "--json", "feed.json")
    assert_sentence(both, "--page: expected another file")


def test_diff_tells_what_changed_and_whether_values_do(mine: CommandLine) -> None:
    done = mine("features", "diff", "my_features:V1", "my_features:V2", "--json", "diff.json")
    assert done.code == 0
    assert "Values change: fill a store for the new one" in done.out
    found = json.loads(Path("diff.json").read_text(encoding="utf-8"))
    assert found["values_change"]
    assert {change["what"] for change in found["changes"]} == {"version", "windows", "owner"}
    done = mine("features", "diff", "my_features:V1", "my_features:OWNED")
    assert "ranking" in done.out
    assert "growth" in done.out
    assert "Values stay as they are" in done.out


def test_diff_reads_a_description_of_code_that_is_gone(mine: CommandLine) -> None:
    mine("features", "describe", "--json", "kept.json")
    assert "Nothing has changed." in mine("features", "diff", "kept.json").out
    kept = json.loads(Path("kept.json").read_text(encoding="utf-8"))
    texts = ["[]", "{", "7", '{"name": 1}', "[" * 100_000]
    shapes: list[Any] = [[1], {"x": {}}, {"x": 1}, None]
    texts += [json.dumps(kept | {"features": shape}) for shape in shapes]
    texts += [json.dumps(kept | {"version": 1})]
    facts = kept["features"]["user_relevant"]
    texts += [json.dumps(kept | {"features": {"x": facts | {"columns": each}}}) for each in ("y", [1], None)]
    for at, text in enumerate(texts):
        name = f"{at}.json"
        Path(name).write_text(text, encoding="utf-8")
        assert_sentence(
            mine("features", "diff", name), "expected module:NAME or a file that mlsd-lab features describe"
        )
    assert_sentence(mine("features", "diff", "kept.json", "nowhere"), "found 'nowhere', which is neither")
    assert_sentence(mine("features", "diff", "nowhere:X"), "expected a module that can be imported")
    done = mine("features", "diff", "kept.json", "--json", "kept.json")
    assert_sentence(done, "--json: expected another file than what is read")


def test_backfill_fills_a_store_a_version_and_says_where_it_stands(mine: CommandLine, lake: str) -> None:
    for version in ("V1", "V2", "V1"):
        done = mine("features", "backfill", "--lake", lake, "--catalogue", f"my_features:{version}", "--json", "f.json")
        assert (done.code, done.err) == (0, "")
        assert "stands at position 9." in done.out
    assert json.loads(Path("f.json").read_text(encoding="utf-8"))["absorbed"] == 0
    assert sorted(path.name[:7] for path in Path("stores").glob("*.db")) == ["mine-1-", "mine-2-"]


def test_backfill_on_a_server_shows_no_password(mine: CommandLine, lake: str, tmp_path: Path) -> None:
    needs.redis()
    from tests.redis_server import binary, redis_server

    (tmp_path / "redis").mkdir()
    with redis_server(str(binary()), tmp_path / "redis") as server:
        with server.client() as client:
            client.acl_setuser("app", enabled=True, passwords=["+secret"], commands=["+@all"], keys=["*"])
        url = server.url.replace("//", "//app:secret@")
        done = mine("features", "backfill", "--lake", lake, "--store", url, "--json", "f.json")
        assert (done.code, done.err) == (0, "")
        assert "secret" not in done.out + Path("f.json").read_text(encoding="utf-8")


def test_backfill_without_a_lake_or_a_place_says_so_and_makes_nothing(mine: CommandLine) -> None:
    assert_refused(mine("features", "backfill"), "expected a lake at")
    assert_refused(mine("features", "backfill", "--store", "memory"), "found memory, which ends with this")
    assert_refused(mine("features", "backfill", "--catalogue", "nowhere:X"), "--catalogue nowhere:X")


def test_backfill_of_a_lake_that_changed_under_the_store_is_a_sentence(mine: CommandLine, lake: str) -> None:
    assert mine("features", "backfill", "--lake", lake).code == 0
    mine("erase", "--lake", lake, "--user", "ann")
    clicks(Path("logs"), "2.jsonl", event("f", user_id="bob"))
    mine("ingest", "--lake", lake, "--clicks", "logs")
    assert_sentence(mine("features", "backfill", "--lake", lake), "expected the 9 events that the store has seen")
