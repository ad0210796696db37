"""Which users the bytes of a record name, in whatever state they are."""

import json
import re
from contextlib import suppress

_TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*)"?|[^\s,:\[\]{}"]+', re.DOTALL)


def mentioned_users(record: bytes) -> set[str]:
    """Return all that a value of `user_id` may say: text or number, nested, cut short, escaped, UTF-8 or Latin-1.

    >>> sorted(mentioned_users(b'{"clicked": 1, "user_id": "an'))
    ['an']
    """
    found: set[str] = set()
    for start in re.finditer(rb'"user_id"\s*:\s*', record):
        rest = record[start.end() :]
        for token in _TOKEN.finditer(rest):
            found |= _readings(token)
            if rest[:1] not in (b"[", b"{"):
                break
    return found


def _readings(token: "re.Match[bytes]") -> set[str]:
    raw = token[0] if token[1] is None else token[1]
    found = {raw.decode("utf-8", "replace"), raw.decode("latin-1")}
    for text in tuple(found):
        with suppress(ValueError):
            found.add(str(json.loads(f'"{text}"', strict=False)))
    return found
