from pathlib import Path

import pytest

from tests.cli.command_line import HEADER, CommandLine, assert_refused, assert_usage, report_in, write_log, write_rows

NOON = "2026-01-01T12:00:00Z"
SYSTEMS = ["popular", "popular_lately", "als_exact", "als_annoy", "blend"]


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

    def test_what_was_served_is_audited_from_the_lake_that_was_kept(
        self, mlsd_lab: CommandLine, tmp_path: Path
    ) -> None:
        world = ("--data", "world", "--users", 120, "--videos", 150, "--events", 6_000)
        assert mlsd_lab("run", *world, "--keep-lake", tmp_path / "lake").code == 0
        report = report_in(Path("runs/latest"))
        done = mlsd_lab("features", "skew", "--served", "runs/latest", "--lake", tmp_path / "lake")
        assert (done.code, done.err) == (0, "")
        assert f"{report['skew']['compared']:,} values compared" in done.out
        assert "no value differs from what training computes" in done.out
        assert "do not stand in this lake" not in done.out

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

    def test_out_that_holds_something_is_refused_before_the_run(self, mlsd_lab: CommandLine, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        for out in (tmp_path, tmp_path / "file"):
            assert_refused(mlsd_lab("run", "--out", out), f"{out} already holds something")

    def test_out_that_is_where_one_stands_is_refused_before_the_run(self, mlsd_lab: CommandLine) -> None:
        assert_refused(mlsd_lab("run", "--out", "."), "is the folder you are in")

    @pytest.mark.parametrize("out, lake", [("new", "new"), ("new", "new/lake"), ("new/out", "new")])
    def test_a_lake_in_the_place_of_the_report(self, mlsd_lab: CommandLine, out: str, lake: str) -> None:
        done = mlsd_lab("run", "--out", out, "--keep-lake", lake)
        assert_refused(done, "--keep-lake: expected another folder than that of --out")

    def test_a_lake_where_none_can_lie_is_refused_before_the_run(self, mlsd_lab: CommandLine, tmp_path: Path) -> None:
        assert_refused(mlsd_lab("run", "--keep-lake", tmp_path), "already holds something")
        assert_refused(mlsd_lab("run", "--keep-lake", "100%"), "expected a folder without % in its path")

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
