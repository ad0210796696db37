import pytest

from mlsd_lab.errors import ConfigError
from mlsd_lab.ingestion.stream.stream_errors import check_offset


def test_begin_and_end_can_be_read_and_nothing_outside() -> None:
    for offset in (3, 4, 8):
        check_offset("s", offset, begin=3, end=8)
    for offset in (-1, 2, 9):
        with pytest.raises(ConfigError, match=rf"^s: expected .*found {offset}"):
            check_offset("s", offset, begin=3, end=8)
