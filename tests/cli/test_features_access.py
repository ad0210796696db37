import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlsd_lab import clock
from mlsd_lab.errors import AccessError
from mlsd_lab.features import Access, MemoryStore
from mlsd_lab.features.access.chained_log import ChainedLog
from mlsd_lab.features.feed import FEED
from tests.cli.command_line import CommandLine, assert_refused, assert_sentence


def lookup(columns: list[str], user: str, role: str = "ranker") -> None:
    store = MemoryStore(FEED, pd.DataFrame({"video_id": ["v"]}))
    reader = Access(Path("access"), clock.now).reader(role, "server", "ranking")
    reader.lookup(store, columns, user, ["v"], clock.now())


def found(file: str = "found.json") -> dict[str, Any]:
    read: dict[str, Any] = json.loads(Path(file).read_text(encoding="utf-8"))
    return read


@pytest.fixture
def used(mlsd_lab: CommandLine) -> CommandLine:
    """Of a folder in which something was granted, read and refused."""
    mlsd_lab("features", "grant", "analyst", "all", "--actor", "ann")
    mlsd_lab("features", "grant", "ranker", "user_relevant", "video_duration", "--personal", "--actor", "ann")
    for user in ("u1", "u2", "u1"):
        lookup(["user_relevant_7d"], user)
    lookup(["video_duration"], "u1")
    with pytest.raises(AccessError):
        lookup(["retrieval"], "u1", "analyst")
    return mlsd_lab


def test_what_is_granted_and_revoked_is_said_and_holds(mlsd_lab: CommandLine) -> None:
    done = mlsd_lab("features", "grant", "ranker", "user_relevant", "video_duration", "--personal")
    assert (done.code, done.err) == (0, "")
    assert done.out == "ranker may read user_relevant_1d, user_relevant_7d, user_relevant_all, video_duration.\n"
    lookup(["user_relevant_7d"], "u1")
    done = mlsd_lab("features", "revoke", "ranker", "user_relevant")
    assert done.out == "ranker may no longer read user_relevant_1d, user_relevant_7d, user_relevant_all.\n"
    with pytest.raises(AccessError, match="may not read user_relevant_7d"):
        lookup(["user_relevant_7d"], "u1")


def test_the_command_that_a_refusal_names_grants_what_was_refused(mlsd_lab: CommandLine) -> None:
    with pytest.raises(AccessError) as refused:
        lookup(["user_relevant_7d", "video_duration"], "u1", "data team")
    words = str(refused.value).rpartition("mlsd-lab ")[2].replace("'data team'", "data_team").split()
    done = mlsd_lab(*(word.replace("data_team", "data team") for word in words))
    assert (done.code, done.err) == (0, "")
    lookup(["user_relevant_7d", "video_duration"], "u1", "data team")


def test_the_audit_shows_what_was_done_and_that_the_log_is_whole(used: CommandLine) -> None:
    done = used("features", "audit", "--json", "found.json")
    assert (done.code, done.err) == (0, "")
    assert "6 entries follow one from the other. Keep this receipt elsewhere: 2 " in done.out
    assert "retrieval (1 rows online)" in " ".join(done.out.split())
    assert [entry["what"] for entry in found()["shown"]] == ["grant", "grant", "read", "read", "read", "refused"]
    assert (found()["broken"], found()["mended"], found()["entries"]) == ("", [], 6)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--role", "analyst"], ["grant", "refused"]),
        (["--refused"], ["refused"]),
        (["--refused", "--role", "ranker"], []),
        (["--feature", "user_relevant"], ["grant", "read", "read", "read"]),
        (["--feature", "retrieval"], ["refused"]),
        (["--feature", "user_relevant", "--catalogue", "features_of_access:OTHER"], []),
        (["--feature", "retrieval", "--catalogue", "features_of_access:LATER"], ["refused"]),
        (["--user", "u1"], ["read", "read", "refused"]),
        (["--user", "nobody"], []),
        (["--rows", "2"], ["read", "refused"]),
        (["--rows", "0"], []),
    ],
)
def test_the_audit_shows_what_is_asked_for(used: CommandLine, options: list[str], expected: list[str]) -> None:
    Path("features_of_access.py").write_text(
        "from mlsd_lab.features import Catalogue\nfrom mlsd_lab.features.feed import FEED\n"
        "OTHER, LATER = Catalogue('other', '1', FEED.features), Catalogue('feed', '2', FEED.windowed)\n",
        encoding="utf-8",
    )
    done = used("features", "audit", *options, "--json", "found.json")
    assert ("There is no such entry." in done.out) == (not expected)
    assert [entry["what"] for entry in found()["shown"]] == expected


def test_a_clock_that_was_set_back_does_not_show_a_grant_after_its_revocation(mlsd_lab: CommandLine) -> None:
    times = [clock.now() - timedelta(days=day) for day in (1, 3, 2)]
    access = Access(Path("access"), lambda: times.pop(0))
    access.grant("ranker", FEED, ["video_duration"], "ann")
    access.revoke("ranker", FEED, ["all"], "ann")
    with pytest.raises(AccessError):
        access.admit("ranker", "server", FEED, ["video_duration"], {})
    done = mlsd_lab("features", "audit", "--json", "found.json")
    assert done.code == 0
    assert [entry["what"] for entry in found()["shown"] if entry["what"] != "refused"] == ["grant", "revoke"]


def test_the_audit_of_a_role_says_what_it_may_read_now(used: CommandLine) -> None:
    used("features", "revoke", "ranker", "user_relevant_7d", "user_relevant_all")
    assert "ranker may now read of feed: user_relevant_1d, video_duration.\n" in (
        used("features", "audit", "--role", "ranker").out
    )
    done = used("features", "audit", "--role", "rankr")
    assert "rankr may now read of feed: nothing; who may: analyst, ranker.\n" in done.out


def test_a_log_that_was_changed_or_cut_ends_in_a_sentence_and_code_1(used: CommandLine) -> None:
    used("features", "audit", "--json", "found.json")
    receipt = found()["receipt"]
    assert used("features", "audit", "--receipt", receipt).code == 0
    for name, mark in (("grants.log", b"ranker"), ("reads.log", b"server")):
        file = Path("access", name)
        whole = file.read_bytes()
        for content in (whole.replace(mark, b"hacker", 1), whole[: whole[:-1].rfind(b"\n") + 1]):
            file.write_bytes(content)
            done = used("features", "audit", "--json", "found.json")
            assert (done.code, done.err) == (1, "")
            assert f"The log is not whole: access/{name}: " in done.out
            assert found()["broken"].startswith(f"access/{name}: ")
            assert found()["shown"]  # of the other log at least
        file.write_bytes(whole)
    for file in Path("access").glob("*.log"):
        file.rename(file.with_suffix(".kept"))
    assert used("features", "audit").code == 1
    for file in Path("access").glob("*.kept"):
        file.rename(file.with_suffix(".log"))
    for file in Path("access").glob("reads.log*"):
        file.unlink()
    assert used("features", "audit").code == 0  # nothing is left to show it, but the receipt
    done = used("features", "audit", "--receipt", receipt)
    assert done.code == 1
    assert "the receipt was given for 4 entries, 0 are there" in done.out


def test_what_stands_in_the_log_is_shown_as_it_is(mlsd_lab: CommandLine) -> None:
    assert mlsd_lab("features", "grant", "[/b]:smile:", "video_duration", "--actor", "[red]").code == 0
    done = mlsd_lab("features", "audit")
    assert "[/b]:smile:" in done.out
    assert "[red]" in done.out
    ChainedLog(Path("access", "reads.log")).append({"what": "refused", "role": "\x1b[2Jforged", "columns": []})
    assert "·[2Jforged" in mlsd_lab("features", "audit").out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["grant", "analyst", "no_such"], "expected a column or feature of catalogue feed"),
        (["grant", "analyst", "user_relevant"], "user_relevant is personal data, which is granted on purpose"),
        (["grant", "", "all"], "role: expected 1 to 200 printable characters"),
        (["grant", "analyst", "all", "--actor", ""], "actor: expected 1 to 200 printable characters"),
        (["grant", "analyst", "all", "--catalogue", "feed"], "--catalogue: expected module:NAME"),
        (["revoke", "analyst", "all"], "of catalogue feed in access, found 'analyst'; who was: nobody"),
        (["grant", "analyst ", "all"], "role: expected no space around it"),
        (["audit"], "--access: expected a folder with grants.log or reads.log, found neither in access"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(mlsd_lab: CommandLine, arguments: list[str], sentence: str) -> None:
    assert_refused(mlsd_lab("features", *arguments), sentence)


def test_what_an_audit_cannot_do_is_refused_with_a_sentence(mlsd_lab: CommandLine) -> None:
    mlsd_lab("features", "grant", "analyst", "all")
    assert_sentence(mlsd_lab("features", "audit", "--user", "u1"), "--user: expected the key of users' names in access")
    assert_sentence(mlsd_lab("features", "audit", "--receipt", "x"), "receipt: expected two numbers")
    Path("file").touch()
    done = mlsd_lab("features", "grant", "analyst", "all", "--access", "file")
    assert_sentence(done, "--access: expected a folder, found the file file")
    assert_sentence(mlsd_lab("features", "audit", "--json", "access/grants.log"), "--json: expected another file")
    assert_sentence(mlsd_lab("features", "audit", "--feature", "no such"), "no such")
