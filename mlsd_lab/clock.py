"""The wall clock, read here and nowhere else; everything below the edges takes time as an argument."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment, in UTC.

    >>> now().tzinfo
    datetime.timezone.utc
    """
    return datetime.now(UTC)
