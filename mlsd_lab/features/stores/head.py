"""Where a store stands in the stream, kept among its rows."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from mlsd_lab.errors import StorageError
from mlsd_lab.features.past import NEVER

HEAD = b"head"
"""The key of the head: no entity has it."""


@dataclass(frozen=True)
class Head:
    """Where a store stands, written together with what it absorbed; `version` tells two writers apart.

    >>> Head.of(Head("f", position=7, mark={"offset": 9}).to_bytes()).mark
    {'offset': 9}
    """

    fingerprint: str
    version: int = 0
    position: int = 0
    newest: int = NEVER
    """Microseconds UTC of the newest event absorbed."""
    mark: Any = None
    layout: int = 1
    """Of the rows; a head of the first layout does not say it."""

    @classmethod
    def of(cls, stored: bytes | None, store: str = "a store") -> "Head":
        """Read what `to_bytes` made; raises `StorageError`, which names the store, for anything else."""
        try:
            return cls(**json.loads(stored or b""))
        except (ValueError, TypeError) as error:
            found = (stored or b"nothing")[:40]
            raise StorageError(f"{store}: expected a head of JSON, found {found!r} ({error})") from error

    def to_bytes(self) -> bytes:
        """Return it as JSON."""
        return json.dumps(asdict(self)).encode()
