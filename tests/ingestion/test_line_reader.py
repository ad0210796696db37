from io import BytesIO

import pytest

from mlsd_lab.errors import SourceError
from mlsd_lab.ingestion.line_reader import LineReader


@pytest.mark.parametrize("length", [9, 10, 11])
@pytest.mark.parametrize("piece", [1, 7, 100])
def test_a_line_may_be_as_long_as_the_longest_and_no_longer(length: int, piece: int) -> None:
    content = b"a\n" + b"x" * length + b"\nb\n"
    reader = LineReader(BytesIO(content), "a.jsonl", piece, longest=10)
    parts = list(reader.parts(reader.plain(0, len(content)), 0))
    assert sum(len(part.dead) for part in parts) == (length > 10)
    assert b"".join(part.lines for part in parts) == (b"a\nb\n" if length > 10 else content)
    assert parts[-1].end == len(content)


def test_a_disk_that_fails_is_a_source_that_cannot_be_read() -> None:
    class Failing(BytesIO):
        def read(self, *_: int | None) -> bytes:
            raise OSError(5, "Input/output error")

    reader = LineReader(Failing(), "a.jsonl", 8, 8)
    with pytest.raises(SourceError, match=r"a\.jsonl: cannot be read \(Input/output error\)"):
        list(reader.plain(0, 8))
