"""Lines of a click file that no contract accepts."""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

_WRONG: tuple[dict[str, Any], ...] = (
    {"user_id": None},
    {"occurred_at": None},
    {"known_at": 1767225600},
    {"video_id": ["a", "b"]},
    {"watch_seconds": "12 s"},
    {"clicked": "yes"},
    {"watch_seconds": -5.0},
    {"propensity": 1.5},
    {"occurred_at": "9999-12-31T23:59:59.000000Z"},
)
"""What a broken line says instead: a required field missing, a field of another type, out of range."""


def broken_line(line: bytes, kind: int, random: "np.random.Generator") -> bytes:
    """Return a line like this one that no contract accepts: cut, not JSON, Latin-1, or a field wrong; `kind` is 0 to 5.

    >>> import numpy as np
    >>> broken_line(b'{"user_id":"ann"}\\n', 1, np.random.default_rng(0))
    b'<html>502 Bad Gateway</html>\\n'
    """
    if kind == 0:
        return line[: random.integers(1, len(line) - 1)] + b"\n"
    if kind == 1:
        return b"<html>502 Bad Gateway</html>\n"
    if kind == 2:
        return line[:-2] + ',"note":"café"}\n'.encode("latin-1")
    record = {**json.loads(line), **_WRONG[random.integers(len(_WRONG))]}
    return json.dumps({name: value for name, value in record.items() if value is not None}).encode() + b"\n"
