"""What was written stays as it was, or shows: edits, cuts, crashes, power cuts, many writers at once."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mlsd_lab.errors import ArtifactError, ConfigError, StorageError
from mlsd_lab.features.access.anchor import Anchor
from mlsd_lab.features.access.chained_log import ChainedLog

ENTRY = st.fixed_dictionaries({"what": st.sampled_from(["read", "refused"]), "role": st.text(max_size=8)})
PROPERTY = settings(max_examples=40, deadline=None, derandomize=True)


@contextmanager
def log_with(count: int, **settings: object) -> Iterator[ChainedLog]:
    """Make a log of some entries, in a folder that goes away."""
    with TemporaryDirectory() as folder:
        log = ChainedLog(Path(folder, "reads.log"), **settings)  # type: ignore[arg-type]
        for number in range(count):
            log.append({"what": "read", "number": number})
        yield log


def anchor_of(log: ChainedLog) -> Path:
    return log.path.with_name(log.path.name + ".anchor")


def numbers(log: ChainedLog) -> list[int]:
    return [entry["number"] for entry in log.entries() if "number" in entry]


@PROPERTY
@given(entries=st.lists(ENTRY, max_size=8))
def test_what_was_appended_comes_back_in_order_after_any_restart(entries: list[dict[str, str]]) -> None:
    with log_with(0) as log:
        for at, entry in enumerate(entries):
            ChainedLog(log.path).append(entry, sync=at % 2 == 0)
        assert list(log.entries()) == entries
        found = log.verify()
        assert (found.sound, found.entries, found.mended) == (True, len(entries), ())


def test_each_flipped_byte_of_the_log_and_of_its_anchor_shows() -> None:
    with log_with(2) as log:
        for file in (log.path, anchor_of(log)):
            whole = file.read_bytes()
            for at in range(len(whole)):
                for bits in (1, 32, 128, 255):
                    changed = bytearray(whole)
                    changed[at] ^= bits
                    file.write_bytes(changed)
                    assert not log.verify().sound, (file.name, at, bits)
            file.write_bytes(whole)
        assert log.verify().sound


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_tail_cut_at_any_length_shows_and_nothing_can_be_added_then(count: int) -> None:
    with log_with(count) as log:
        whole = log.path.read_bytes()
        for length in range(len(whole)):
            log.path.write_bytes(whole[:length])
            assert not log.verify().sound
            with pytest.raises(ArtifactError, match="it was shortened"):
                log.append({"what": "read"})
            assert log.path.read_bytes() == whole[:length]


@PROPERTY
@given(data=st.data())
def test_lines_removed_repeated_or_in_another_order_show(data: st.DataObject) -> None:
    with log_with(5) as log:
        lines = log.path.read_bytes().splitlines(keepends=True)
        left = data.draw(st.lists(st.sampled_from(lines), max_size=7))
        assume(left != lines)
        log.path.write_bytes(b"".join(left))
        assert not log.verify().sound
        with pytest.raises(ArtifactError):
            list(log.entries())


@PROPERTY
@given(start=st.integers(0, 600), end=st.integers(0, 600), put_in=st.binary(max_size=40))
def test_any_edit_shows_but_what_a_crash_may_leave_at_the_end(start: int, end: int, put_in: bytes) -> None:
    with log_with(4) as log:
        whole = log.path.read_bytes()
        edited = whole[:start] + put_in + whole[max(start, end) :]
        assume(edited != whole)
        log.path.write_bytes(edited)
        cut_short = edited.startswith(whole) and b"\n" not in edited[len(whole) :]
        assert log.verify().sound == cut_short


def test_a_log_written_anew_without_its_anchor_shows() -> None:
    with log_with(2) as log, log_with(1) as forged:
        forged.append({"what": "read", "number": 7})
        log.path.write_bytes(forged.path.read_bytes())
        assert "entry 2 is not the one its anchor knows" in log.verify().broken


def test_a_log_written_anew_with_its_anchor_shows_by_a_receipt_alone() -> None:
    with log_with(5) as log, log_with(5) as forged:
        receipt = log.verify().receipt
        log.append({"what": "read", "number": 5})
        assert log.verify(receipt).sound
        forged.append({"what": "read", "number": 6})
        for ours, theirs in ((log.path, forged.path), (anchor_of(log), anchor_of(forged))):
            ours.write_bytes(theirs.read_bytes())
        assert log.verify(receipt).sound  # it is the same up to there
        with log_with(9) as other:
            last = other.verify().receipt
        assert "the receipt was given for 9 entries, 6 are there" in log.verify(last).broken
        assert "entry 5 is not the one that the receipt was given for" in log.verify(f"5 {'0' * 64}").broken
        with log_with(0) as empty:
            assert log.verify(empty.verify().receipt).sound
        assert "the receipt is of no entry of this log" in log.verify(f"0 {'0' * 64}").broken
        log.path.unlink()
        anchor_of(log).unlink()
        assert log.verify().sound  # nothing is left to show it
        assert "the receipt was given for 5 entries, 0 are there" in log.verify(receipt).broken


@pytest.mark.parametrize(
    "text", ["5", "x " + "0" * 64, "5 abc", "-1 " + "0" * 64, "٣ " + "0" * 64, "9" * 5000 + " " + "0" * 64]
)
def test_what_is_no_receipt_is_refused(text: str) -> None:
    with log_with(1) as log, pytest.raises(ConfigError, match="receipt: expected a number and a SHA-256"):
        log.verify(text)


def test_one_of_the_two_files_gone_shows() -> None:
    for gone in (0, 1):
        with log_with(2) as log:
            [log.path, anchor_of(log)][gone].unlink()
            assert "removed" in log.verify().broken
            with pytest.raises(ArtifactError, match=r"removed|shortened"):
                log.append({"what": "read"})


def test_lines_that_no_hand_of_ours_wrote_but_that_follow_are_refused_as_entries() -> None:
    for text in (b"[" * 100_000, b"[]", b"{}", b"\xff", b'{"what": 1}'):
        with log_with(1) as log:
            end = Anchor.of(anchor_of(log).read_bytes(), "")
            with log.path.open("ab") as file:
                file.write(end.line(text))
            with pytest.raises(ArtifactError, match="expected entries of JSON"):
                list(log.entries())


def test_a_crash_at_any_byte_of_an_append_is_mended_by_the_next_and_said() -> None:
    with log_with(2) as log:
        before, anchor = log.path.read_bytes(), anchor_of(log).read_bytes()
        log.append({"what": "read", "number": 2})
        line = log.path.read_bytes()[len(before) :]
        for length in range(len(line) + 1):
            log.path.write_bytes(before + line[:length])
            anchor_of(log).write_bytes(anchor)
            assert log.verify().sound
            log.append({"what": "read", "number": 3, "at": "then"})
            found = log.verify()
            assert found.sound
            whole = length == len(line)
            assert numbers(log) == ([0, 1, 2, 3] if whole else [0, 1, 3])
            if 0 < length < len(line):
                (mended,) = found.mended
                assert f"entry 3: {length} bytes of an entry that was cut short were taken away" in mended
                assert [entry["at"] for entry in log.entries() if entry["what"] == "mended"] == ["then"]
            else:
                assert found.mended == ()


def test_a_crash_before_the_first_entry_leaves_a_log_that_begins() -> None:
    for anchor, content in ((b"", None), (b"", b""), (None, b"")):
        with log_with(0) as log:
            for file, found in ((anchor_of(log), anchor), (log.path, content)):
                if found is not None:
                    file.write_bytes(found)
            log.append({"what": "read", "number": 0})
            assert (numbers(log), log.verify().sound) == ([0], True)


def test_a_crash_right_after_the_first_entry_leaves_a_log_with_that_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> int:
        raise KeyboardInterrupt

    write = os.write

    def last(handle: int, line: bytes) -> int:
        monkeypatch.setattr(os, "pwrite", crash)
        return write(handle, line)

    with log_with(0) as log:
        monkeypatch.setattr(os, "write", last)
        with pytest.raises(KeyboardInterrupt):
            log.append({"what": "read", "number": 0})
        monkeypatch.undo()
        log.append({"what": "read", "number": 1})
        assert (numbers(log), log.verify().mended) == ([0, 1], ())


class Disk:
    """What of a log's two files is on the disk for certain, each time something was synced."""

    def __init__(self, log: ChainedLog, monkeypatch: pytest.MonkeyPatch) -> None:
        self.syncs, self.kept = 0, {log.path: b"", anchor_of(log): b""}
        self._fsync = os.fsync
        monkeypatch.setattr(os, "fsync", self._synced)

    def _synced(self, handle: int) -> None:
        self.syncs += 1
        self._fsync(handle)
        for file in self.kept:
            if file.exists() and os.path.samestat(os.fstat(handle), file.stat()):
                self.kept[file] = file.read_bytes()


@pytest.mark.parametrize("closed", [False, True])
def test_a_power_cut_takes_at_most_what_was_not_synced_and_the_loss_shows(
    monkeypatch: pytest.MonkeyPatch, closed: bool
) -> None:
    with log_with(0, unsynced=4, boot="monday") as log:
        disk = Disk(log, monkeypatch)
        for number in range(11):
            log.append({"what": "read", "number": number}, sync=number == 5)
        if closed:
            log.close()
        whole, newest = log.path.read_bytes(), anchor_of(log).read_bytes()
        least, oldest = disk.kept[log.path], disk.kept[anchor_of(log)]
        monkeypatch.undo()
        assert least.count(b"\n") == (11 if closed else 8)
        ends = {len(whole) - len(whole.split(b"\n", at)[-1]) for at in range(least.count(b"\n"), 12)}
        for length in sorted(ends | {*range(len(least), len(whole), 41)}):
            for anchor in (oldest, newest):
                for rest in (b"", b"\0\n\0"):
                    log.path.write_bytes(whole[:length] + rest)
                    anchor_of(log).write_bytes(anchor)
                    after = ChainedLog(log.path, boot="tuesday")
                    if closed:
                        assert after.verify().mended == ()
                        continue
                    left = whole[:length].count(b"\n")
                    (said,) = after.verify().mended
                    assert f"at its end up to {12 - left} entries may be lost" in said
                    after.append({"what": "read", "number": 99}, sync=False)
                    assert numbers(after) == [*range(left), 99]
                    (said,) = after.verify().mended
                    assert f"entry {left + 1}: before this one up to {12 - left} entries may be lost" in said
        if not closed:
            log.path.write_bytes(least[:-1])
            anchor_of(log).write_bytes(newest)
            assert not ChainedLog(log.path, boot="tuesday").verify().sound  # no power cut takes what was synced


def test_the_same_run_of_the_system_loses_nothing_when_a_process_is_killed() -> None:
    with log_with(0, unsynced=4, boot="monday") as log:
        for number in range(6):
            log.append({"what": "read", "number": number}, sync=False)
        again = ChainedLog(log.path, boot="monday")
        again.append({"what": "read", "number": 6}, sync=False)
        assert (numbers(again), again.verify().mended) == ([*range(7)], ())


def test_few_syncs_are_for_many_entries_and_each_has_its_own_where_the_run_is_not_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def syncs(**settings: object) -> int:
        with log_with(1, **settings) as log:
            disk = Disk(log, monkeypatch)
            for _ in range(200):
                log.append({"what": "read"}, sync=False)
            monkeypatch.undo()
            assert log.verify().entries == 201
            return disk.syncs

    assert syncs(unsynced=100, boot="monday") == 2 * 2
    assert syncs(unsynced=100, boot="") >= 200


WRITER = """
import sys
from pathlib import Path
from mlsd_lab.features.access.chained_log import ChainedLog
log, name = ChainedLog(Path(sys.argv[1]), unsynced=7), sys.argv[2]
for number in range(int(sys.argv[3])):
    log.append({"what": "read", "by": name, "number": number}, sync=number % 9 == 0)
    print(number, flush=True)
"""


def writer(log: ChainedLog, name: str, count: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", WRITER, str(log.path), name, str(count)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )


def by(log: ChainedLog, name: str) -> list[int]:
    return [entry["number"] for entry in log.entries() if entry.get("by") == name]


def test_processes_that_write_at_once_keep_one_chain_and_lose_nothing() -> None:
    with log_with(0) as log:
        writers = {name: writer(log, name, 60) for name in ("a", "b", "c")}
        for process in writers.values():
            process.communicate()
        assert all(by(log, name) == [*range(60)] for name in writers)
        assert (log.verify().sound, log.verify().entries) == (True, 180)


def test_threads_that_write_at_once_keep_one_chain_and_lose_nothing() -> None:
    with log_with(0) as log:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda number: log.append({"what": "read", "number": number}, sync=False), range(100)))
        assert sorted(numbers(log)) == [*range(100)]
        assert log.verify().sound


def test_killed_in_the_middle_no_entry_that_was_acknowledged_is_lost() -> None:
    with log_with(0) as log:
        for at in range(4):
            process = writer(log, str(at), 10_000)
            assert process.stdout
            for _ in range(3 + 4 * at):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            acknowledged = 3 + 4 * at + len(process.communicate()[0].splitlines())
            assert len(by(log, str(at))) >= acknowledged - 1  # the last line may have been cut short
            log.append({"what": "read"}, sync=False)
        assert log.verify().sound


def test_a_full_disk_gets_a_sentence_and_leaves_the_log_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    with log_with(2) as log:
        before, write = log.path.read_bytes(), os.write

        def half(handle: int, line: bytes) -> int:
            return write(handle, line[: len(line) // 2])

        def none(_handle: int, _line: bytes) -> int:
            raise OSError(28, "No space left on device")

        full: list[Callable[..., int]] = [half, none]
        for broken in full:
            monkeypatch.setattr(os, "write", broken)
            with pytest.raises(StorageError, match=r"(?i)cannot use .*reads\.log: no space.*What cannot be logged"):
                log.append({"what": "read"})
            monkeypatch.undo()
            assert log.path.read_bytes() == before
        log.append({"what": "read", "number": 2})
        assert (numbers(log), log.verify().mended) == ([0, 1, 2], ())


def test_a_disk_that_is_full_from_the_first_byte_on_leaves_a_log_that_begins_once_there_is_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with log_with(0) as log:
        write = os.pwrite
        monkeypatch.setattr(os, "pwrite", lambda handle, data, at: write(handle, data[:100], at))
        with pytest.raises(StorageError, match="no space is left"):
            log.append({"what": "read", "number": 0})
        monkeypatch.undo()
        log.append({"what": "read", "number": 0})
        assert (numbers(log), log.verify().mended) == ([0], ())


def test_a_log_cannot_pass_for_another() -> None:
    with log_with(2) as log:
        for file in (log.path, anchor_of(log)):
            (file.parent / file.name.replace("reads", "grants")).write_bytes(file.read_bytes())
        assert not ChainedLog(log.path.with_name("grants.log")).verify().sound


def test_a_line_is_a_digest_and_json_to_read_with_any_tool() -> None:
    with log_with(1) as log:
        digest, text = log.path.read_text(encoding="utf-8").split(" ", 1)
        assert (len(digest), json.loads(text)) == (64, {"what": "read", "number": 0})
