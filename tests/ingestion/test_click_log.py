import gzip
import json
import os
import random
import tempfile
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsd_lab.errors import ConfigError, SourceError
from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.source import Batch

REPEATABLE = settings(derandomize=True, database=None, deadline=None, max_examples=150)
LINES = st.lists(
    st.one_of(
        st.binary(max_size=30).map(lambda line: b"x" + line.replace(b"\n", b"")),  # no beginning of it is an object
        st.dictionaries(st.text(max_size=3), st.integers(), max_size=3).map(lambda record: json.dumps(record).encode()),
        st.sampled_from([b"", b" ", b"\r", b'{"a": "\xe9"}', b'{"a": 1}\r']),
    ),
    max_size=12,
)


def read(folder: Path, position: Any = None, **settings: Any) -> list[Batch]:
    return list(ClickLog(folder, **settings).since(position))


def wanted(lines: list[bytes], longest: int = 2**20) -> list[bytes]:
    short = [line.removesuffix(b"\r") for line in lines if len(line) <= longest]
    return sorted(line + b"\n" for line in short if line.strip())


def got(batches: list[Batch]) -> list[bytes]:
    return sorted(line + b"\n" for batch in batches for line in batch.lines.split(b"\n")[:-1])


@REPEATABLE
@given(
    files=st.lists(st.tuples(LINES, st.booleans()), max_size=4),
    batch_bytes=st.integers(1, 200),
    longest=st.integers(1, 40),
    stops=st.randoms(use_true_random=False),
)
def test_every_line_comes_once_however_it_is_read(
    files: list[tuple[list[bytes], bool]], batch_bytes: int, longest: int, stops: random.Random
) -> None:
    with tempfile.TemporaryDirectory() as name:
        for number, (lines, packed) in enumerate(files):
            content = b"".join(line + b"\n" for line in lines)
            path = Path(name, f"{number}.jsonl{'.gz' * packed}")
            path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
        batches: list[Batch] = []
        position = None
        while new := read(Path(name), position, batch_bytes=batch_bytes, longest_line=longest):
            batches += new[: stops.randint(1, len(new))]
            position = json.loads(json.dumps(batches[-1].position))
    everything = [line for lines, _ in files for line in lines]
    assert got(batches) == wanted(everything, longest)
    dead = sorted(dead.record for batch in batches for dead in batch.dead)
    assert dead == sorted(line for line in everything if len(line) > longest)


@REPEATABLE
@given(lines=LINES, cuts=st.lists(st.floats(0, 1), max_size=5), packed=st.booleans(), piece=st.integers(1, 100))
def test_a_file_that_grows_between_reads_is_read_to_its_end(
    lines: list[bytes], cuts: list[float], packed: bool, piece: int
) -> None:
    content = b"".join(line + b"\n" for line in lines)
    content = gzip.compress(content, mtime=0) if packed else content
    batches: list[Batch] = []
    with tempfile.TemporaryDirectory() as name:
        for cut in sorted([*cuts, 1.0]):
            Path(name, f"a.json{'.gz' * packed}").write_bytes(content[: int(cut * len(content))])
            batches += read(Path(name), batches[-1].position if batches else None, batch_bytes=piece)
    assert b"".join(batch.lines for batch in batches) == b"".join(
        line.removesuffix(b"\r") + b"\n" for line in lines if line.strip()
    )


def test_half_a_line_waits_and_a_whole_object_does_not(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"a": 1}\n{"b"')
    [batch] = read(tmp_path)
    assert batch.lines == b'{"a": 1}\n'
    [again] = read(tmp_path, batch.position)
    assert (again.lines, len(again.notes)) == (b"", 1)
    (tmp_path / "a.jsonl").write_bytes(b'{"a": 1}\n{"b": 2}')
    [rest] = read(tmp_path, again.position)
    assert (rest.lines, rest.notes) == (b'{"b": 2}\n', ())


def test_a_gzip_cut_short_gives_its_lines_and_later_the_rest(tmp_path: Path) -> None:
    lines = [json.dumps({"n": number, "x": random.Random(number).random()}).encode() for number in range(20_000)]
    content = gzip.compress(b"".join(line + b"\n" for line in lines), mtime=0)
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(content[: len(content) // 2])
    first = read(tmp_path)
    assert 5_000 < len(got(first)) < 15_000
    assert "cut short" in first[-1].notes[0]
    path.write_bytes(content)
    rest = read(tmp_path, first[-1].position)
    assert got(first + rest) == sorted(line + b"\n" for line in lines)
    assert read(tmp_path, rest[-1].position) == []


def test_a_damaged_gzip_gives_the_lines_before_and_is_told_each_time(tmp_path: Path) -> None:
    good = gzip.compress(b'{"a": 1}\n' * 3, mtime=0)
    (tmp_path / "a.jsonl.gz").write_bytes(good + b"garbage")
    (tmp_path / "b.jsonl").write_bytes(b'{"b": 1}\n')
    [batch] = read(tmp_path)
    assert batch.lines == b'{"a": 1}\n' * 3 + b'{"b": 1}\n'
    assert batch.dead[0].record == b"garbage"
    [again] = read(tmp_path, batch.position)
    assert (again.lines, again.dead, again.notes) == (b"", batch.dead, batch.notes)
    (tmp_path / "a.jsonl.gz").write_bytes(good[:-8] + bytes(8))  # a wrong checksum
    assert len(read(tmp_path)[0].dead) == 1


def test_a_huge_line_is_dead_in_little_memory(tmp_path: Path) -> None:
    with (tmp_path / "a.jsonl").open("wb") as file:
        file.write(b'{"a": 1}\n')
        file.seek(200 * 2**20)
        file.write(b'\n{"b": 1}\n')
    tracemalloc.start()
    [batch] = read(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert batch.lines == b'{"a": 1}\n{"b": 1}\n'
    assert (batch.dead[0].size, len(batch.dead[0].record)) == (200 * 2**20 - 9, 64_000)
    assert peak < 50 * 2**20


def test_many_batches_stay_within_their_memory(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"a": 1234567890}\n' * 3_000_000)
    tracemalloc.start()
    total = sum(len(batch.lines) for batch in ClickLog(tmp_path, batch_bytes=10 * 2**20).since(None))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 54_000_000
    assert peak < 35 * 2**20  # two batches and a few pieces


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_shrank_is_read_again_and_one_that_vanished_is_forgotten(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / f"a.jsonl{'.gz' * packed}"
    pack = gzip.compress if packed else bytes
    path.write_bytes(pack(b'{"a": 1}\n{"b": 1}\n'))
    [batch] = read(tmp_path)
    path.write_bytes(pack(b'{"c": 1}\n'))
    [again] = read(tmp_path, batch.position)
    assert again.lines == b'{"c": 1}\n'
    assert "begins otherwise" in again.notes[0]
    path.unlink()
    [gone] = read(tmp_path, again.position)
    assert (gone.lines, gone.position["files"]) == (b"", {})
    assert read(tmp_path, gone.position) == []


def test_a_file_that_shrank_behind_an_equal_beginning_is_read_again(tmp_path: Path) -> None:
    log = "".join(f'{{"a": {number}}}\n' for number in range(2000)).encode()
    (tmp_path / "a.jsonl").write_bytes(log)
    [batch] = read(tmp_path)
    (tmp_path / "a.jsonl").write_bytes(log[:9000])
    [again] = read(tmp_path, batch.position)
    assert again.lines == log[: log.rindex(b"\n", 0, 9000) + 1]
    assert "shrank" in again.notes[0]


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_another_file_under_an_old_name_is_read_from_its_start(tmp_path: Path, ending: str) -> None:
    """So it is after a rotation, and where the next run names another folder; the sizes may be equal or not."""
    pack = gzip.compress if ending else bytes
    for name, first in (("one", 1), ("two", 5)):
        (tmp_path / name).mkdir()
        rows = "".join(f'{{"a": {number}}}\n' for number in range(first, first + 4))
        (tmp_path / name / f"clicks.jsonl{ending}").write_bytes(pack(rows.encode()))
    [one] = read(tmp_path / "one")
    [two] = read(tmp_path / "two", one.position)
    assert (two.lines[:9], len(two.lines)) == (b'{"a": 5}\n', 36)
    assert read(tmp_path / "two", two.position) == []
    with (tmp_path / "two" / f"clicks.jsonl{ending}").open("ab") as file:
        file.write(pack(b'{"a": 9}\n'))
    [more] = read(tmp_path / "two", two.position)
    assert (more.lines, more.notes) == (b'{"a": 9}\n', ())


def test_hidden_names_pipes_and_loops_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "a.NDJSON").write_bytes(b"1\n")
    (tmp_path / "deep" / "loop").symlink_to(tmp_path)
    for name in (".a.jsonl", "b.jsonl.tmp", "c.jsonl.part"):
        (tmp_path / name).write_bytes(b"2\n")
    os.mkfifo(tmp_path / "d.jsonl")
    [batch] = read(tmp_path)
    assert (batch.lines, batch.origin) == (b"1\n", "deep/er/a.NDJSON")


def test_what_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(tmp_path) == []
    with pytest.raises(SourceError, match="absent: cannot be read"):
        read(tmp_path / "absent")
    (tmp_path / "notes.txt").write_text("?")
    with pytest.raises(SourceError, match=r"found notes\.txt"):
        read(tmp_path)
    link = tmp_path / "a.jsonl"
    link.symlink_to(tmp_path / "nothing")
    with pytest.raises(SourceError, match=r"a\.jsonl.*a link to nothing"):
        read(tmp_path)
    link.unlink()
    link.write_bytes(b"1\n")

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(SourceError, match=r"a\.jsonl: cannot be read \(Permission denied\)"):
        read(tmp_path)
    with pytest.raises(ConfigError):
        ClickLog(tmp_path, batch_bytes=0)
