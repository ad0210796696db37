"""The refusals that all streams share, in the same words."""

from collections.abc import Sequence

from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.ingestion.stream.event_stream import LONGEST


def check_records(records: Sequence[bytes]) -> None:
    """Raise `DataError` for a record that is too long for a stream.

    >>> check_records([b"{}", b" " * (LONGEST + 1)])
    Traceback (most recent call last):
    mlsd_lab.errors.DataError: record 1: expected at most 1,048,576 bytes, found 1,048,577; nothing was appended
    """
    for number, record in enumerate(records):
        if len(record) > LONGEST:
            raise DataError(
                f"record {number}: expected at most {LONGEST:,} bytes, found {len(record):,}; nothing was appended"
            )


def check_offset(name: str, offset: int, begin: int, end: int) -> None:
    """Raise `ConfigError` unless a stream that holds the offsets from `begin` up to `end` can be read from an offset.

    >>> check_offset("stream.db", 3, begin=5, end=9)
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: stream.db: expected an offset of 5 or more, found 3: what lay before was trimmed \
away; bring it in from the click files (mlsd-lab ingest), then read on from there
    """
    if offset > end:
        raise ConfigError(
            f"{name}: expected an offset of at most {end:,}, the stream's end, found {offset:,}: it is not the stream"
            " that was read before, or it was emptied"
        )
    if offset < begin:
        raise ConfigError(
            f"{name}: expected an offset of {begin:,} or more, found {offset:,}: what lay before was trimmed away;"
            " bring it in from the click files (mlsd-lab ingest), then read on from there"
        )
