import json
import os
import random
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mlsd_lab.cli import main

NOON = "2026-01-01T12:00:00Z"
HEADER = "user_id,video_id,occurred_at,clicked\n"
SYSTEMS = ["popular", "popular_lately", "als_exact", "als_annoy"]


class Done(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


CommandLine = Callable[..., Done]


@pytest.fixture
def mlsd_lab(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    """The command line in this process, in an empty working folder, at a terminal of 100 columns."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("COLUMNS", "100")

    def call(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["mlsd-lab", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        code = ended.value.code
        return Done(code if isinstance(code, int) else int(bool(code)), out, err)

    return call


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of three days, 30 people and 150 videos."""
    return write_log(tmp_path / "log", people=30, videos=150)


def write_log(folder: Path, people: int, videos: int, days: int = 3, events: int = 900) -> Path:
    rng = random.Random(0)
    times = [f"2026-01-{1 + at * days // events:02d}T12:{at % 60:02d}:00Z" for at in range(events)]
    rows = [f"u{rng.randrange(people)},v{rng.randrange(videos)},{time},1" for time in times]
    return write_rows(folder, *rows)


def write_rows(folder: Path, *rows: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "events.csv").write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return folder


def report_in(folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return report


def assert_refused(done: Done, *parts: str) -> None:
    """One sentence on stderr, exit code 2, nothing on stdout, nothing in the working folder."""
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("mlsd-lab: ")
    assert done.err.count("\n") == 1
    assert done.err.strip().isprintable()
    for part in parts:
        assert part in done.err
    assert list(Path.cwd().iterdir()) == []


def assert_usage(done: Done, *parts: str) -> None:
    """What the parser of options says: usage and the option at fault, exit code 2, no traceback."""
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Usage: mlsd-lab ")
    assert "Traceback" not in done.err
    for part in parts:
        assert part in done.err
    assert list(Path.cwd().iterdir()) == []


class TestRun:
    def test_ones_own_log_gives_a_report(self, mlsd_lab: CommandLine, log: Path, tmp_path: Path) -> None:
        done = mlsd_lab("run", "--data", "csv", "--path", log, "--out", tmp_path / "out")
        assert (done.code, done.err) == (0, "")
        assert {path.name for path in (tmp_path / "out").iterdir()} == {"report.json", "report.html"}
        report = report_in(tmp_path / "out")
        assert list(report["retrieval"]["recall"]) == SYSTEMS
        assert (report["data"]["events"], report["data"]["users"]) == (900, 30)
        assert "note" not in report["retrieval"]
        for part in (
            *SYSTEMS,
            "recall@100",
            "900 events, 30 people, ",
            str(tmp_path / "out" / "report.html"),
        ):
            assert part in done.out
        assert list(Path.cwd().iterdir()) == []

    def test_without_out_runs_are_numbered(self, mlsd_lab: CommandLine, log: Path) -> None:
        for _ in range(2):
            assert mlsd_lab("run", "--data", "csv", "--path", log).code == 0
        assert sorted(path.name for path in Path("runs").iterdir()) == ["001", "002", "latest"]
        assert Path("runs/latest").resolve().name == "002"

    def test_a_catalogue_smaller_than_k_is_a_result_with_a_note(self, mlsd_lab: CommandLine, tmp_path: Path) -> None:
        log = write_log(tmp_path / "log", people=10, videos=20, events=100)
        assert mlsd_lab("run", "--data", "csv", "--path", log, "--out", tmp_path / "out").code == 0
        retrieval = report_in(tmp_path / "out")["retrieval"]
        assert retrieval["note"] == "100 candidates are all of the 20 videos there are: recall says nothing"
        assert retrieval["recall"] == dict.fromkeys(SYSTEMS, 1.0)
        assert retrieval["note"] in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")

    def test_a_user_without_history_is_judged_like_the_others(self, mlsd_lab: CommandLine, tmp_path: Path) -> None:
        rows = [f"u{at % 5},v{at % 7},2026-01-01T12:{at:02d}:00Z,1" for at in range(35)]
        log = write_rows(tmp_path / "log", *rows, "stranger,v1,2026-01-02T12:00:00Z,1")
        assert mlsd_lab("run", "--data", "csv", "--path", log, "--out", tmp_path / "out").code == 0
        retrieval = report_in(tmp_path / "out")["retrieval"]
        assert retrieval["judged_users"] == 1
        assert retrieval["recall"] == dict.fromkeys(SYSTEMS, 1.0)

    @pytest.mark.parametrize(
        "last",
        ["u1,v1,2026-01-02T12:00:00Z,0", "u1,v1,2026-01-02T12:00:00Z,1"],
        ids=["nothing relevant", "nothing new"],
    )
    def test_a_test_day_that_can_judge_nobody_is_a_result_with_a_reason(
        self, mlsd_lab: CommandLine, tmp_path: Path, last: str
    ) -> None:
        log = write_rows(tmp_path / "log", f"u1,v1,{NOON},1", f"u2,v2,{NOON},1", last)
        done = mlsd_lab("run", "--data", "csv", "--path", log, "--out", tmp_path / "out")
        assert done.code == 0
        assert "recall cannot be measured: no user has a relevant event" in done.out
        assert report_in(tmp_path / "out")["retrieval"]["recall"] is None

    def test_the_zone_says_where_days_end(self, mlsd_lab: CommandLine, tmp_path: Path) -> None:
        log = write_rows(tmp_path / "log", "u,v,2026-01-01T22:00:00Z,1", "u,w,2026-01-01T23:30:00Z,1")
        assert_refused(mlsd_lab("run", "--data", "csv", "--path", log), "at least 2 local days", "(UTC)")
        done = mlsd_lab("run", "--data", "csv", "--path", log, "--timezone", "Europe/Berlin", "--out", tmp_path / "out")
        assert done.code == 0
        assert report_in(tmp_path / "out")["data"]["until"] == "2026-01-02"

    def test_what_stands_in_the_data_is_printed_as_it_stands(self, mlsd_lab: CommandLine, tmp_path: Path) -> None:
        strange = "[/b]:smile:[red]"
        rows = [f"{strange},v{at},2026-01-0{1 + at // 5}T12:00:00Z,1" for at in range(10)]
        log = write_rows(tmp_path / "lo[g]", *rows)
        (log / "videos.csv").write_text(f"video_id,title\nv0,{strange}\nv1,\\\n", encoding="utf-8")
        done = mlsd_lab("run", "--data", "csv", "--path", log, "--out", tmp_path / "o[/]ut")
        assert (done.code, done.err) == (0, "")
        assert f"person {strange} liked last" in done.out
        assert str(tmp_path / "o[/]ut" / "report.html") in done.out
        assert "The log in lo[g]" in done.out
        described = mlsd_lab("data", "describe", "csv", "--path", log)
        assert described.code == 0
        assert strange in described.out


class TestBadInput:
    """Each ends in one sentence with exit code 2; nothing half-written stays."""

    @pytest.mark.parametrize(
        ("content", "parts"),
        [
            ("", ["found an empty file"]),
            (HEADER, ["expected at least one event, found only the header"]),
            (f"{HEADER}u,v,{NOON},1\n", ["expected a log of at least 2 local days, found 2026-01-01 to 2026-01-01"]),
            (f"{HEADER}u,v,{NOON},1\nu,v\n", ["column occurred_at: expected a value, found an empty cell in line 3"]),
            (f"{HEADER}u,v,{NOON},1\nu,v,2026-01-0", ["column occurred_at: expected an ISO 8601 time", "'2026-01-0'"]),
            (f"{HEADER}u,v,{NOON},1,9\n", ["more cells than the first line has names"]),
            (f"{HEADER}u,v,{NOON},perhaps\n", ["column clicked: expected true or false", "'perhaps' in line 2"]),
            (f"{HEADER}u,v,yesterday,1\n", ["column occurred_at: expected an ISO 8601 time", "'yesterday' in line 2"]),
            (f"{HEADER}u,v,9999-12-31,1\n", ["expected a time in the years 1900 to 2200"]),
            (f"{HEADER}u,v,{NOON},1\n".replace("user_id", "uid"), ["expected a column 'user_id', found uid, video_id"]),
            (f"{HEADER}u,v,{NOON},1\n".replace("clicked", "click"), ["if it is 'clicked', rename it"]),
            (f"{HEADER}u,v,{NOON},1\n".replace(",", ";"), ["expected a column 'user_id', found user_id;video_id"]),
            (f"{HEADER}ü,v,{NOON},1\n".encode("latin-1"), ["in UTF-8, found other bytes"]),
            (f"{HEADER}u,v,{NOON},1\n".encode("utf-16"), ["in UTF-8, found other bytes"]),
            (bytes(range(256)) * 100, ["expected a column 'user_id'"]),
            (b"\x89PNG\r\n\x1a\n" + bytes(100), ["in UTF-8, found other bytes"]),
            (f'{HEADER}"u,v,{NOON},1\n', ["found broken lines"]),
        ],
        ids=lambda value: "" if isinstance(value, list) else None,
    )
    def test_a_log_that_does_not_fit(
        self, mlsd_lab: CommandLine, tmp_path: Path, content: str | bytes, parts: list[str]
    ) -> None:
        file = write_rows(tmp_path / "log") / "events.csv"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        assert_refused(mlsd_lab("run", "--data", "csv", "--path", file.parent), *parts)

    def test_a_folder_in_place_of_the_file(self, mlsd_lab: CommandLine, tmp_path: Path) -> None:
        (tmp_path / "log" / "events.csv").mkdir(parents=True)
        assert_refused(mlsd_lab("run", "--data", "csv", "--path", tmp_path / "log"), "cannot read it (Is a directory)")

    @pytest.mark.parametrize("command", [["run", "--data"], ["data", "describe"]])
    def test_an_unknown_data_set(self, mlsd_lab: CommandLine, command: list[str]) -> None:
        expected = "expected a data set of movielens, kuairand, world, csv; found 'netflix'"
        assert_refused(mlsd_lab(*command, "netflix"), expected)

    @pytest.mark.parametrize("data", ["csv", "kuairand"])
    @pytest.mark.parametrize("path", ["nowhere", "x" * 300, "[/red]", "line\nend"])
    def test_a_folder_that_is_not_there(self, mlsd_lab: CommandLine, tmp_path: Path, data: str, path: str) -> None:
        done = mlsd_lab("run", "--data", data, "--path", tmp_path / path)
        assert done.code == 2
        assert "Traceback" not in done.err
        assert path in done.err or "name too long" in done.err

    def test_a_log_of_ones_own_without_its_folder(self, mlsd_lab: CommandLine) -> None:
        assert_refused(mlsd_lab("run", "--data", "csv"), "name it with --path DIR")

    def test_a_data_set_that_was_never_fetched(self, mlsd_lab: CommandLine) -> None:
        assert_refused(mlsd_lab("run", "--data", "kuairand"), "mlsd-lab data fetch kuairand")

    @pytest.mark.parametrize("option", [["--path", "somewhere"], ["--timezone", "UTC"]])
    def test_an_option_that_the_data_set_does_not_take(self, mlsd_lab: CommandLine, option: list[str]) -> None:
        assert_refused(mlsd_lab("run", *option), option[0])

    @pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../UTC", "UTC+8", "x" * 5000])
    def test_a_zone_that_does_not_exist(self, mlsd_lab: CommandLine, log: Path, zone: str) -> None:
        done = mlsd_lab("run", "--data", "csv", "--path", log, "--timezone", zone)
        assert_refused(done, "timezone: expected an IANA name such as Europe/Berlin or UTC")

    @pytest.mark.parametrize("seed", ["-1", "2147483647", "1e3", "", "one"])
    def test_a_seed_that_is_none(self, mlsd_lab: CommandLine, seed: str) -> None:
        assert_usage(mlsd_lab("run", "--seed", seed), "--seed")

    @pytest.mark.parametrize("arguments", [["run", "--sed", "1"], ["run", "more"], ["walk"], ["data", "fetch"]])
    def test_a_command_line_that_cannot_be_read(self, mlsd_lab: CommandLine, arguments: list[str]) -> None:
        assert_usage(mlsd_lab(*arguments), arguments[-2] if len(arguments) > 2 else "")

    def test_out_that_holds_something_is_refused_before_the_run(self, mlsd_lab: CommandLine, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        for out in (tmp_path, tmp_path / "file"):
            assert_refused(mlsd_lab("run", "--out", out), f"{out} already holds something")

    def test_out_that_is_where_one_stands_is_refused_before_the_run(self, mlsd_lab: CommandLine) -> None:
        assert_refused(mlsd_lab("run", "--out", "."), "is the folder you are in")

    def test_out_under_a_file(self, mlsd_lab: CommandLine, log: Path, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        out = tmp_path / "file" / "run"
        assert_refused(mlsd_lab("run", "--data", "csv", "--path", log, "--out", out), f"cannot write {out}")

    def test_out_in_a_read_only_place(self, mlsd_lab: CommandLine, log: Path) -> None:
        if not Path("/proc/self").is_dir():
            pytest.skip("this system has no /proc, a place that not even root can write to")
        assert_refused(mlsd_lab("run", "--data", "csv", "--path", log, "--out", "/proc/run"), "cannot write /proc/run")

    def test_out_with_a_name_that_is_too_long(self, mlsd_lab: CommandLine, log: Path, tmp_path: Path) -> None:
        done = mlsd_lab("run", "--data", "csv", "--path", log, "--out", tmp_path / ("x" * 300))
        assert_refused(done, "File name too long")

    @pytest.mark.parametrize("name", ["csv", "netflix", "../kuairand"])
    def test_a_data_set_that_cannot_be_fetched(self, mlsd_lab: CommandLine, name: str) -> None:
        assert_refused(mlsd_lab("data", "fetch", name), f"expected kuairand or movielens, found '{name}'")

    def test_a_fetch_into_a_folder_that_holds_something(self, mlsd_lab: CommandLine, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        for into in (tmp_path, tmp_path / "file"):
            assert_refused(mlsd_lab("data", "fetch", "kuairand", "--into", into), "already holds something")


class TestAProcessOfItsOwn:
    @staticmethod
    def start(*arguments: str, prepare: Callable[[], None] | None = None, **options: Any) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "mlsd_lab", *arguments],
            preexec_fn=prepare,
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
            **options,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def test_a_full_disk_ends_in_a_sentence_and_leaves_nothing(self, log: Path, tmp_path: Path) -> None:
        def full() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

        before = set(tmp_path.rglob("*"))
        out = tmp_path / "out"
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "MPLCONFIGDIR": str(tmp_path / "mpl")}
        (tmp_path / "mpl").mkdir()
        done = self.start(
            *("run", "--data", "csv", "--path", str(log), "--out", str(out)), prepare=full, env=environment
        )
        assert done.code == 2
        assert done.err.splitlines()[-1] == f"mlsd-lab: cannot write {out}: File too large. Nothing was left behind."
        assert "Traceback" not in done.err
        left = set(tmp_path.rglob("*")) - before
        assert not [path for path in left if path != tmp_path / "mpl" and tmp_path / "mpl" not in path.parents]

    def test_a_terminal_without_unicode_is_no_reason_to_stop(self, log: Path, tmp_path: Path) -> None:
        environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
        out = tmp_path / "out"
        done = self.start("run", "--data", "csv", "--path", str(log), "--out", str(out), env=environment)
        assert (done.code, done.err) == (0, "")
        assert "als_annoy" in done.out

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
    def test_output_that_cannot_be_written_ends_in_a_sentence(self) -> None:
        with Path("/dev/full").open("w", encoding="utf-8") as full:
            done = self.start("data", "list", stdout=full)
        assert done.code == 2
        assert "No space left on device" in done.err
        assert "Traceback" not in done.err

    def test_a_name_of_a_folder_that_is_not_text(self, log: Path, tmp_path: Path) -> None:
        name = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
        try:
            log.rename(name)
        except OSError:
            pytest.skip("this file system wants names that are text")
        done = self.start("run", "--data", "csv", "--path", name, "--out", name + "-out")
        assert (done.code, done.err) == (0, "")
        assert report_in(Path(name + "-out"))["data"]["title"] == "The log in caf?"

    def test_the_installed_command_is_this_one(self) -> None:
        command = Path(sys.executable).with_name("mlsd-lab")
        if not command.exists():
            pytest.skip("mlsd_lab is not installed in this environment: pip install -e .")
        done = subprocess.run([command, "data", "list"], capture_output=True, text=True, check=True)
        assert done.stdout == self.start("data", "list").out


def test_the_data_sets_are_listed(mlsd_lab: CommandLine) -> None:
    done = mlsd_lab("data", "list")
    assert done.code == 0
    assert all(name in done.out for name in ("movielens", "kuairand", "csv"))


def test_a_data_set_is_described(mlsd_lab: CommandLine) -> None:
    done = mlsd_lab("data", "describe", "movielens")
    assert done.code == 0
    for part in ("100,004 events", "671 users", "9,066 videos", "licence: GroupLens", "rating", "Toy Story"):
        assert part in done.out


def test_movielens_needs_no_fetch(mlsd_lab: CommandLine) -> None:
    done = mlsd_lab("data", "fetch", "movielens")
    assert (done.code, done.err) == (0, "")
    assert "nothing to fetch" in done.out


def test_the_doctor_finds_everything(mlsd_lab: CommandLine) -> None:
    done = mlsd_lab("doctor")
    assert done.code == 0
    assert "Everything is there." in done.out


def test_the_doctor_ends_with_1_where_something_is_missing(
    mlsd_lab: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = mlsd_lab("doctor")
    assert done.code == 1
    assert "C++ compiler: none" in done.out
    assert "mend it with: apt-get install g++" in done.out


class TestTheCourse:
    """The notebooks' own folder: made, opened, and how far its learner is."""

    @pytest.fixture(autouse=True)
    def one_notebook(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "originals").mkdir()
        (tmp_path / "originals" / "00_start_here.ipynb").write_text('{"cells": []}', encoding="utf-8")
        monkeypatch.setattr("mlsd_lab.course.copies._PLACES", (tmp_path / "originals",))

    def test_copies_are_made_once(self, mlsd_lab: CommandLine) -> None:
        assert mlsd_lab("lab", "--no-open")[:2] == (
            0,
            "my_course: 1 new. How far you are: mlsd-lab progress --folder my_course\n",
        )
        assert "my_course: 1 as you left them" in mlsd_lab("lab", "--no-open").out

    def test_jupyterlab_is_opened_there_and_its_exit_code_is_ours(
        self, mlsd_lab: CommandLine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("mlsd_lab.course.copies.open_lab", {Path("mine"): 3}.__getitem__)
        assert mlsd_lab("lab", "--folder", "mine").code == 3

    def test_progress_is_a_table_and_a_sentence(self, mlsd_lab: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
        mlsd_lab("lab", "--no-open")
        kept = {"0.1": {"low": 1, "high": 2, "unit": "ms", "after_reveal": False, "measured": 1.5, "held": True}}
        solved = {"0.2": {"attempts": 2, "solved": True}}
        text = json.dumps({"predictions": kept, "exercises": solved})
        Path("my_course", "progress.json").write_text(text, encoding="utf-8")
        Path("my_course", "my_design.md").write_text("## 00 The whole picture\n\nTwo stages.\n", encoding="utf-8")
        monkeypatch.chdir("my_course")  # where one stands is one's folder
        done = mlsd_lab("progress")
        assert done.out.strip().endswith("your 80 % ranges held the truth 1 of 1 times")
        assert re.search(r"00 +1 of 1 +1 of 1 +2\b", done.out)

    def test_no_folder_and_a_broken_one_are_sentences(self, mlsd_lab: CommandLine) -> None:
        assert_refused(mlsd_lab("progress"), "my_course is not a course folder", "mlsd-lab lab")
        mlsd_lab("lab", "--no-open")
        Path("my_course", "progress.json").write_text("{", encoding="utf-8")
        done = mlsd_lab("progress")
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
        assert "progress.json: expected JSON" in done.err

    def test_the_originals_are_refused(self, mlsd_lab: CommandLine, tmp_path: Path) -> None:
        assert_refused(mlsd_lab("lab", "--folder", tmp_path), "expected a folder of your own")


def test_no_command_at_all_gives_the_help(mlsd_lab: CommandLine) -> None:
    done = mlsd_lab()
    assert done.code in (0, 2)
    assert "run" in done.out + done.err
    assert "doctor" in done.out + done.err
