"""How a record of a stream is known again."""

import json
from collections.abc import Sequence
from hashlib import blake2b

_SIZE = 16  # bytes


def record_keys(records: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """Return for each record 16 bytes that stand for its `event_id`, and 16 that stand for all of it.

    A record without a readable id is known by its content alone.

    >>> one, other, broken = record_keys([b'{"event_id": "a"}', b'{"event_id": "a", "clicked": true}', b'{"event_id'])
    >>> one[0] == other[0], one[1] == other[1], broken[0] == broken[1]
    (True, False, True)
    """
    keys = []
    for record in records:
        content = blake2b(record, digest_size=_SIZE, person=b"content").digest()
        name = _event_id(record)
        keys.append((content if name is None else blake2b(name, digest_size=_SIZE, person=b"id").digest(), content))
    return keys


def _event_id(record: bytes) -> bytes | None:
    """Read the id as the contract does: text, or a whole number that stands for its digits."""
    try:
        name = json.loads(record)["event_id"]
        if isinstance(name, bool) or not isinstance(name, str | int):
            return None
        return str(name).encode("utf-8")
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
