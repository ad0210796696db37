import json
from pathlib import Path

import pytest

from mlsd_lab.framing import Brief, size
from tests.cli.command_line import CommandLine, assert_refused, assert_usage

FEED = Brief.load("video-feed")


def test_the_brief_and_each_derivation_are_shown_within_100_columns(mlsd_lab: CommandLine) -> None:
    done = mlsd_lab("size")
    assert (done.code, done.err) == (0, "")
    for part in (
        "video-feed\nOur video service",
        "How many people have an account?",
        "1,000,000,000 users",
        "under 13",
    ):
        assert part in done.out
    rows = " ".join(done.out.split())
    for name, derived in size(FEED).derived.items():
        assert name in rows
        assert all(" ".join(line.split()) in rows for line in derived.lines)
    assert max(map(len, done.out.splitlines())) <= 100
    assert "--set peak_factor=5" in done.out.splitlines()[-1]
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize("brief", ["ad-clicks", "event-recommendation", "harmful-content", "similar-listings"])
def test_each_shipped_brief_has_a_size(mlsd_lab: CommandLine, brief: str) -> None:
    done = mlsd_lab("size", "--brief", brief)
    assert done.code == 0
    assert done.out.startswith(f"{brief}\n")


def test_a_brief_of_ones_own_is_read_and_shown_as_it_is(mlsd_lab: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(FEED.changed(name="[/b]:smile:", personal_data=["[red]"]).to_toml(), encoding="utf-8")
    done = mlsd_lab("size", "--brief", file)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("[/b]:smile:\n")
    assert "· [red]" in done.out


@pytest.mark.parametrize(
    "words",
    [
        ["--set", "users=2_000", "peak_factor=5", "latency_p99_ms=0.02 s"],
        ["--set", "users=2_000", "--set", "peak_factor=5", "--set", "latency_p99_ms=20"],
        ["users=2e3", "--set", "peak_factor=5.0", "latency_p99_ms='20 ms'"],
        ["--set", "users=1", "users = 2,000 users", "peak_factor=5 # times", "latency_p99_ms=20"],
    ],
)
def test_answers_are_set_in_any_way_that_people_type(mlsd_lab: CommandLine, words: list[str]) -> None:
    assert mlsd_lab("size", *words, "--json", "size.json").code == 0
    wanted = size(FEED.changed(users=2000, peak_factor=5, latency_p99_ms=20)).to_json()
    assert json.loads(Path("size.json").read_text(encoding="utf-8")) == wanted


def test_texts_and_lists_can_be_set(mlsd_lab: CommandLine) -> None:
    done = mlsd_lab("size", "--set", "name=2026-01-01", "prompt=Rank, please.", 'personal_data=["no minors"]')
    assert done.out.startswith("2026-01-01\nRank, please.\n")
    assert "  · no minors\n" in done.out


def test_the_file_holds_each_quantity_and_is_replaced_whole(mlsd_lab: CommandLine) -> None:
    Path("size.json").write_text("what was there", encoding="utf-8")
    done = mlsd_lab("size", "--service-ms", 20, "--json", "size.json")
    assert (done.code, done.err) == (0, "")
    assert "Written to size.json." in done.out
    assert [path.name for path in Path.cwd().iterdir()] == ["size.json"]
    text = Path("size.json").read_text(encoding="utf-8")
    assert " ÷ " in text
    assert json.loads(text)["machines"] == {
        "value": 3476,
        "unit": "machines",
        "derivation": size(FEED, service_ms=20)["machines"].derivation,
    }
    assert text == json.dumps(size(FEED, service_ms=20).to_json(), indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--brief", "netflix"], "found 'netflix'"),
        (["--brief", ""], "the name of a brief"),
        (["video-feed"], "expected KEY=VALUE, such as peak_factor=5, found 'video-feed'"),
        (["--set", "users"], "expected KEY=VALUE"),
        (["--set", "=3"], "expected KEY=VALUE"),
        (["--set", "us\ners=3"], "expected KEY=VALUE"),
        (["--set", "userz=3"], "unknown key userz: did you mean users"),
        (["--set", "users="], "users: expected a whole number"),
        (["--set", "users=1.5"], "users: expected a whole number"),
        (["--set", "users=many"], "found 'many'"),
        (["--set", "users=true"], "found True"),
        (["--set", "users=nan"], "found nan"),
        (["--set", "users=1\nregions=2"], r"found '1\nregions=2'"),
        (["--set", f"users={'9' * 5000}"], "users: expected a whole number"),
        (["--set", f"users={'[' * 5000}"], "users: expected a whole number"),
        (["--set", "users={a=1}"], "a brief has no tables"),
        (["--set", "latency_p99_ms=0.2 GB"], "a wrong unit"),
        (["--set", "personal_data=none"], "expected a list of sentences"),
        (["--service-ms", "0"], "service_ms"),
        (["--service-ms", "nan"], "service_ms"),
        (["--json", "f", "--service-ms", "1.7e308", "machine_usd_hour=9999.3"], "expected a number below"),
        (["--json", "no/such/folder.json"], "expected a folder that is there, found"),
        (["--json", "/dev/null"], "expected a file to write to, found '/dev/null'"),
        (["--json", "."], "expected a file to write to"),
        (["--json", "-"], "expected a file to write to"),
        (["--json", "/dev/stdout"], "expected a file to write to"),
        (["--set", "peak_factor=2,5"], "no number, or a wrong unit"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_bad_input_is_one_sentence(mlsd_lab: CommandLine, arguments: list[str], part: str) -> None:
    assert_refused(mlsd_lab("size", *arguments), part)


@pytest.mark.parametrize("arguments", [["--service-ms", "ten"], ["-5"]])
def test_an_option_that_cannot_be_read(mlsd_lab: CommandLine, arguments: list[str]) -> None:
    assert_usage(mlsd_lab("size", *arguments))


def test_the_brief_is_never_written_over(mlsd_lab: CommandLine) -> None:
    Path("mine.toml").write_text(FEED.to_toml(), encoding="utf-8")
    Path("link.json").symlink_to("mine.toml")
    for name in ("mine.toml", "link.json"):
        done = mlsd_lab("size", "--brief", "mine.toml", "--json", name)
        assert done.code == 2
        assert "another file than what is read" in done.err
    assert Path("mine.toml").read_text(encoding="utf-8") == FEED.to_toml()


def test_a_loop_of_links_is_no_traceback(mlsd_lab: CommandLine) -> None:
    Path("loop.json").symlink_to("loop.json")
    done = mlsd_lab("size", "--json", "loop.json")
    assert "Traceback" not in done.err


def test_a_narrow_terminal_shows_every_key_whole(mlsd_lab: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert "…" not in mlsd_lab("size").out
