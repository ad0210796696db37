from dataclasses import replace

import pytest

from mlsd_lab.errors import ArtifactError
from mlsd_lab.features.access.anchor import SIZE, Anchor

START = Anchor("0" * 64)


def test_a_line_follows_only_from_where_it_was_made() -> None:
    first = START.after(START.line(b"a"))
    assert first is not None
    second = first.line(b"b")
    assert (first.entries, first.length) == (1, len(START.line(b"a")))
    assert START.after(second) is None
    assert first.after(second[:-1]) is None
    assert first.after(second + b"\n") is None
    assert first.after(b"") is None


def test_what_is_stored_comes_back_and_has_one_length() -> None:
    large = replace(START, entries=10**9, length=10**12, synced=10**9, promised=10**9, boot="x" * 36)
    for anchor in (START, large):
        assert len(anchor.to_bytes()) == SIZE
        assert Anchor.of(anchor.to_bytes(), "it") == anchor


@pytest.mark.parametrize(
    "stored",
    [b"x", b"\xff" * SIZE, b"0 " * 7, START.to_bytes().replace(b" 0 ", b" x ", 1), START.to_bytes() + b"\n"],
)
def test_what_is_no_anchor_is_refused(stored: bytes) -> None:
    with pytest.raises(ArtifactError, match=r"it: expected an anchor with its checksum, found .*: it was changed"):
        Anchor.of(stored, "it")


def test_it_was_interrupted_where_another_run_of_the_system_left_entries_unsynced() -> None:
    waiting = replace(START, entries=3, synced=2, promised=12, boot="monday")
    assert waiting.interrupted("tuesday")
    assert not waiting.interrupted("monday")
    assert not replace(waiting, synced=12).interrupted("tuesday")
