import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from mlsd_lab.errors import ConfigError, StorageError
from mlsd_lab.evaluation import Candidates
from mlsd_lab.evaluation.scoreboard import Scoreboard
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.report import check_out, write_report
from mlsd_lab.serving import ServedLog
from tests.serving.served_rows import served_rows


@pytest.fixture
def board() -> Scoreboard:
    lists = {"popular": [[2, 3]] * 20, "als_exact": [[0, 1]] * 20}
    found = {name: Candidates(np.array(rows), np.zeros((20, 2))) for name, rows in lists.items()}
    return Scoreboard.judge(found, csr_matrix([[1, 0, 0, 0]] * 20), popularity=[5, 3, 1, 1], rounds=50)


def report(board: Scoreboard | None = None, title: str = "A log", **retrieval: Any) -> dict[str, Any]:
    """Return what a run finds, with this title of a film in it."""
    about = {"k": 2, "judged_users": 20, "catalogue": 4, **retrieval}
    if board is None:
        about |= {"recall": None, "interval": None, "reason": "no user has a relevant event"}
    else:
        about |= board.summary()
    data = {"name": "csv", "title": title, "users": 1234, "videos": 4, "events": 5678, "from": "2026-01-01"}
    rest = {"until": "2026-01-02", "timezone": "UTC", "relevant": "clicked is true", "licence": "?", "citation": title}
    return {
        "data": data | rest,
        "split": {
            "kind": "by_day",
            "time": "nothing later is in training",
            "train_events": 5000,
            "test_events": 678,
            "left_out": 0,
        },
        "retrieval": about,
        "recommendations": [{"user_id": title, "liked_last": [title], "recommended": [title, "b"]}],
        "seed": 0,
        "timings": {"load_seconds": 0.5, "total_seconds": 1.25},
        "machine": {"cores": 2},
        "versions": {"python": "3.13"},
    }


class Page(HTMLParser):
    """Collects what a page refers to and checks that its elements are closed in order."""

    VOID = ("meta", "br", "link", "img", "input", "hr")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.references: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.references += [value or "" for name, value in attrs if name in ("href", "src", "xlink:href", "srcset")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open = self.open[:-1] if tag not in self.VOID else self.open

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def test_both_files_are_written_and_nothing_else(board: Scoreboard, tmp_path: Path) -> None:
    folder = write_report(report(board), board, tmp_path / "deep" / "run")
    assert {path.name for path in folder.iterdir()} == {"report.json", "report.html"}
    assert [path.name for path in folder.parent.iterdir()] == ["run"]


@pytest.mark.parametrize("name", ["run", "[b] 100%"])
def test_the_served_log_lies_beside_it_whatever_the_folder_is_called(tmp_path: Path, name: str) -> None:
    folder = write_report(report(), None, tmp_path / name, served=served_rows())
    assert {path.name for path in folder.iterdir()} == {"report.json", "report.html", "served"}
    folder = folder.rename(tmp_path / "plain")  # in which a lake may lie
    assert len(ServedLog(Lake(folder)).read()) == 50
    assert [path.name for path in tmp_path.iterdir()] == ["plain"]


def test_the_json_is_the_report(board: Scoreboard, tmp_path: Path) -> None:
    folder = write_report(report(board, "Amélie"), board, tmp_path / "run")
    assert json.loads((folder / "report.json").read_text(encoding="utf-8")) == report(board, "Amélie")


def test_the_page_is_well_formed_and_needs_nothing_from_outside(board: Scoreboard, tmp_path: Path) -> None:
    found = Page(page(write_report(report(board), board, tmp_path / "run")))
    assert found.open == []
    assert found.seen.count("svg") == 2
    assert found.references
    assert all(reference.startswith("#") for reference in found.references)
    assert "script" not in found.seen


def test_the_page_has_the_numbers_of_the_report(board: Scoreboard, tmp_path: Path) -> None:
    text = page(write_report(report(board), board, tmp_path / "run"))
    for number in ("1,234", "5,678", "by_day", "clicked is true", "als_exact beats popular", "1.25 s"):
        assert number in text


def test_a_run_that_could_not_measure_says_why(tmp_path: Path) -> None:
    text = page(write_report(report(note="the catalogue has 4 videos"), None, tmp_path / "run"))
    assert "Recall cannot be measured: no user has a relevant event." in text
    assert "the catalogue has 4 videos." in text
    assert "<svg" not in text


def test_text_from_the_data_cannot_become_markup(board: Scoreboard, tmp_path: Path) -> None:
    evil = "<script>alert('1')</script> & \"</b>{{ 7 * 7 }}"
    text = page(write_report(report(board, evil), board, tmp_path / "run"))
    assert "script" not in Page(text).seen
    assert text.count("&lt;script&gt;") >= 4
    assert "{{ 7 * 7 }}" in text


@pytest.mark.parametrize("folder", ["with space", "né", "[b]"])
def test_any_name_of_a_folder_will_do(tmp_path: Path, folder: str) -> None:
    assert (write_report(report(), None, tmp_path / folder) / "report.json").is_file()


def test_without_a_folder_runs_are_numbered_and_the_latest_is_linked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert [write_report(report(), None).name for _ in range(3)] == ["001", "002", "003"]
    (tmp_path / "runs" / "041").mkdir()
    (tmp_path / "runs" / "1²").mkdir()
    (tmp_path / "runs" / "5 notes").touch()
    assert write_report(report(), None).name == "042"
    assert (tmp_path / "runs" / "latest").resolve().name == "042"
    assert not re.search(r"\.latest|\.0", " ".join(path.name for path in (tmp_path / "runs").iterdir()))


def test_a_folder_named_latest_is_left_alone_and_the_report_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "latest").mkdir(parents=True)
    with pytest.raises(StorageError, match=r"the report is in runs/001, but runs/latest cannot point to it"):
        write_report(report(), None)
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["001", "latest"]


def test_a_report_with_a_number_that_json_lacks_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_report(report(extra=float("nan")), None, tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_refused_before_and_after_the_run(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    for refuse in (check_out, lambda out: write_report(report(), None, out)):
        for taken in (tmp_path, tmp_path / "mine"):
            with pytest.raises(ConfigError, match="already holds something"):
                refuse(taken)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_free_place_is_not_refused(tmp_path: Path) -> None:
    check_out(None)
    check_out(tmp_path / "new")
    (tmp_path / "empty").mkdir()
    check_out(tmp_path / "empty")
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]
