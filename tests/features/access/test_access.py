import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsd_lab.errors import AccessError, ArtifactError, ConfigError
from mlsd_lab.features import Access, Catalogue
from mlsd_lab.features.access.chained_log import ChainedLog
from mlsd_lab.features.feed import FEED
from tests.features.access.test_chosen import TAGGED

PLAIN = [column for column in FEED.columns if column not in FEED.personal]


def ticking() -> Callable[[], datetime]:
    ticks = count()
    return lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(ticks))


@pytest.fixture
def access(tmp_path: Path) -> Access:
    return Access(tmp_path / "access", ticking())


def test_nobody_may_read_anything_and_looking_at_it_writes_nothing(access: Access) -> None:
    assert access.grants().refused("anyone", FEED, FEED.columns) == FEED.columns
    assert access.verify().sound
    assert list(access.entries()) == []
    access.close()
    assert not access.folder.exists()


def test_all_and_tags_are_without_what_is_personal(access: Access) -> None:
    assert access.grant("analyst", FEED, ["all"], "ann") == (*PLAIN,)
    assert {*FEED.columns} - {*PLAIN} == {c for c in FEED.columns if c.startswith("user_") or c == "retrieval"}
    assert access.grant("editor", TAGGED, ["tag:length"], "ann") == ("seconds",)
    with pytest.raises(ConfigError, match="no personal data, found none in tag:person: what is personal"):
        access.grant("editor", FEED, ["tag:person"], "ann")
    assert access.grants().refused("analyst", FEED, FEED.columns) == tuple(
        column for column in FEED.columns if column in FEED.personal
    )


def test_personal_data_is_granted_by_name_and_on_purpose_alone(access: Access) -> None:
    with pytest.raises(ConfigError, match="user_relevant is personal data, which is granted on purpose"):
        access.grant("ranker", FEED, ["all", "user_relevant"], "ann")
    with pytest.raises(ConfigError, match="personal data is granted by name"):
        access.grant("ranker", FEED, ["all"], "ann", personal=True)
    of_users = Catalogue("users", "1", FEED.windowed[:1])
    with pytest.raises(ConfigError, match="no personal data, found none in all: what is personal"):
        access.grant("ranker", of_users, ["all"], "ann")
    assert not access.folder.exists()
    granted = access.grant("ranker", FEED, ["user_relevant", "video_duration"], "ann", personal=True)
    assert granted == ("user_relevant_1d", "user_relevant_7d", "user_relevant_all", "video_duration")
    assert access.grants().refused("ranker", FEED, [*granted, "user_completion_7d"]) == ("user_completion_7d",)


def test_what_is_revoked_is_forbidden_at_once_also_for_who_had_opened_it_before(access: Access) -> None:
    other = Access(access.folder, ticking())
    access.grant("ranker", FEED, ["all"], "ann")
    assert other.grants().refused("ranker", FEED, ["video_duration"]) == ()
    assert access.revoke("ranker", FEED, ["video_duration", "video_impressions"], "ann")[-1] == "video_duration"
    assert other.grants().refused("ranker", FEED, ["video_duration"]) == ("video_duration",)
    assert len(access.revoke("ranker", FEED, ["all"], "ann")) == len(PLAIN) - 4
    assert access.grants().to_frame().empty
    with pytest.raises(ConfigError, match=r"catalogue feed in .*, found 'ranker'; who was: nobody"):
        access.revoke("ranker", FEED, ["video_duration"], "ann")
    access.grant("analyst", FEED, ["video_duration"], "ann")
    with pytest.raises(ConfigError, match="found 'ranker'; who was: analyst"):
        access.revoke("ranker", FEED, ["video_duration"], "ann")
    with pytest.raises(ConfigError, match="role 'analyst' has none of these; it has: video_duration"):
        access.revoke("analyst", FEED, ["video_age_days"], "ann")


def test_a_column_that_the_catalogue_lost_can_be_revoked(access: Access) -> None:
    access.grant("ranker", FEED, ["video_duration", "video_age_days"], "ann")
    without = Catalogue("feed", "2", FEED.windowed)
    assert access.revoke("ranker", without, ["video_duration"], "ann") == ("video_duration",)
    assert access.revoke("ranker", without, ["all"], "ann") == ("video_age_days",)


def test_every_change_is_in_the_log_with_who_made_it_and_when(access: Access) -> None:
    access.grant("ranker", FEED, ["video_duration", "retrieval"], "ann", personal=True)
    access.revoke("ranker", FEED, ["retrieval"], "bob")
    grant, revoke = access.entries()
    assert grant == {
        "at": "2026-01-01T00:00:00.000000+00:00", "what": "grant", "role": "ranker", "actor": "ann",
        "catalogue": "feed", "columns": ["video_duration", "retrieval"], "personal": ["retrieval"],
    }  # fmt: skip
    assert (revoke["at"][17:19], revoke["what"], revoke["actor"], revoke["columns"]) == (
        "01", "revoke", "bob", ["retrieval"],
    )  # fmt: skip


def test_processes_that_grant_at_once_lose_nothing(access: Access) -> None:
    def grant(column: str) -> None:
        Access(access.folder, ticking()).grant("analyst", FEED, [column], "ann")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(grant, PLAIN))
    assert sorted(access.grants().of("analyst", "feed")) == sorted(PLAIN)
    assert access.verify().sound


@settings(max_examples=20, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_grant_written_by_hand_grants_nothing(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    access = Access(tmp_path_factory.mktemp("access"), ticking())
    access.grant("analyst", FEED, ["video_duration"], "ann")
    access.revoke("analyst", FEED, ["video_duration"], "ann")
    file = access.folder / "grants.log"
    lines = file.read_bytes().splitlines(keepends=True)
    forged = data.draw(
        st.sampled_from(
            [
                lines[:1],
                [*lines, lines[0]],
                [lines[1], lines[0]],
                [line.replace(b"revoke", b"grant_") for line in lines],
                [line.replace(b"analyst", b"hostile") for line in lines],
                [*lines, json.dumps({"what": "grant", "role": "hostile"}).encode() + b"\n"],
            ]
        )
    )
    file.write_bytes(b"".join(forged))
    assert not access.verify().sound
    for role in ("analyst", "hostile"):
        with pytest.raises(ArtifactError, match=r"grants\.log"):
            access.reader(role, "mallory", "curiosity").admit(role, "mallory", FEED, ["video_duration"], {})


def test_a_grant_written_over_another_of_its_length_is_seen_also_when_the_time_is_set_back(access: Access) -> None:
    access.grant("analyst", FEED, ["video_duration"], "ann")
    reader, file = access.reader("hostile", "mallory", "curiosity"), access.folder / "grants.log"
    assert access.grants().of("hostile", "feed") == ()
    was = file.stat()
    file.write_bytes(file.read_bytes().replace(b"analyst", b"hostile"))
    os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))
    with pytest.raises(ArtifactError, match=r"grants\.log"):
        reader.admit("hostile", "mallory", FEED, ["video_duration"], {})


@pytest.mark.parametrize(
    "more",
    [{"what": "grant"}, {"columns": "all"}, {"columns": [[]]}, {"role": None}, {"grants": "9"}, {"rows": "x"}],
)
def test_an_entry_that_follows_but_that_nobody_here_would_write_is_refused(
    access: Access, more: dict[str, Any]
) -> None:
    access.grant("analyst", FEED, ["all"], "ann")
    for name in ("grants.log", "reads.log"):
        forger = Access(access.folder.with_name(name), ticking())
        forger.grant("analyst", FEED, ["all"], "ann")
        ChainedLog(forger.folder / name).append({"what": "read"} | more)
        with pytest.raises(ArtifactError, match=r"expected entries of grants and reads, found \{'what'"):
            list(forger.entries())
        assert "expected entries of grants and reads" in forger.verify().broken
    with pytest.raises(ArtifactError, match="expected entries of grants and reads"):
        Access(access.folder.with_name("grants.log"), ticking()).admit("analyst", "ann", FEED, ["video_duration"], {})


def test_an_older_copy_of_the_grants_that_is_put_back_shows_by_the_reads_that_newer_ones_decided(
    access: Access,
) -> None:
    access.grant("analyst", FEED, ["all"], "ann")
    older = {file: file.read_bytes() for file in access.folder.glob("grants.log*")}
    access.revoke("analyst", FEED, ["all"], "ann")
    with pytest.raises(AccessError):
        access.admit("analyst", "mallory", FEED, ["video_duration"], {})
    for file, content in older.items():
        file.write_bytes(content)
    assert "2 grants were known to a read, 1 are there: an older copy" in access.verify().broken


def test_a_receipt_covers_both_logs(access: Access) -> None:
    access.grant("analyst", FEED, ["all"], "ann")
    with pytest.raises(AccessError):
        access.admit("analyst", "ann", FEED, ["retrieval"], {})
    receipt = access.verify().receipt
    assert [word for word in receipt.split() if len(word) < 64] == ["1", "1"]
    access.grant("analyst", FEED, ["all"], "ann")
    assert access.verify(receipt).sound
    for name in ("grants.log", "reads.log"):
        kept = {file: file.read_bytes() for file in access.folder.glob(name + "*")}
        for file in kept:
            file.unlink()
        assert access.verify().sound == (name == "reads.log")  # nothing is left to show that there were reads
        assert f"{name}: the receipt was given for 1 entries, 0 are there" in access.verify(receipt).broken
        for file, content in kept.items():
            file.write_bytes(content)
    with pytest.raises(ConfigError, match="receipt: expected two numbers"):
        access.verify("1 abc")


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "\x1b[31m", "x" * 201])
def test_roles_actors_and_purposes_are_words_that_one_can_read(access: Access, text: str) -> None:
    for role, actor, purpose in ((text, "a", "p"), ("r", text, "p"), ("r", "a", text)):
        with pytest.raises(ConfigError, match="expected 1 to 200 printable characters"):
            access.reader(role, actor, purpose)
    with pytest.raises(ConfigError, match="role: expected 1 to 200 printable characters"):
        access.grant(text, FEED, ["all"], "ann")


@pytest.mark.parametrize("text", ["analyst ", " analyst", "nai\u0308ve"])
def test_no_role_looks_like_another_by_a_space_or_by_letters_put_together(access: Access, text: str) -> None:
    with pytest.raises(
        ConfigError, match=r"role: expected no space around it, and letters composed \(NFC\)"
    ) as refused:
        access.grant(text, FEED, ["all"], "ann")
    assert str(refused.value).isascii()
    access.grant("na\u00efve", FEED, ["all"], "ann")


def test_columns_are_a_list_each_once_and_all_of_them_known(access: Access) -> None:
    access.grant("analyst", FEED, ["all"], "ann")
    for columns in ("video_duration", [], ["video_duration", "video_duration"]):
        with pytest.raises(ConfigError, match="columns: expected a list of one or more, each once"):
            access.admit("analyst", "ann", FEED, columns, {})
    with pytest.raises(ConfigError, match="columns: expected some of catalogue feed, found 'secret'"):
        access.admit("analyst", "ann", FEED, ["video_duration", "secret"], {})
    assert [entry["what"] for entry in access.entries()] == ["grant"]


def test_a_refusal_says_the_role_the_columns_and_the_command_that_would_grant_them(access: Access) -> None:
    with pytest.raises(AccessError) as refused:
        access.admit("data team", "ann", FEED, ["retrieval", "video_duration"], {})
    said = str(refused.value)
    assert "role 'data team' may not read retrieval, video_duration of catalogue feed, and nothing was read" in said
    assert said.endswith(
        f"mlsd-lab features grant 'data team' retrieval video_duration --personal --access {access.folder}"
    )
    access.grant("data team", FEED, ["video_duration"], "ann")
    with pytest.raises(AccessError, match=r"may not read retrieval of"):
        access.admit("data team", "ann", FEED, ["retrieval", "video_duration"], {})
