"""What the tests of faults share: events and their hash, a source in whose middle something happens, lost rights."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlsd_lab.ingestion.content import content_hash
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.source import Batch, Position, Source
from tests.ingestion.records import event


def events(count: int = 60) -> list[dict[str, Any]]:
    """Return events of three days, all known on a later one."""
    days = (f"2026-01-0{1 + at % 3}T10:00:00Z" for at in range(count))
    return [event(f"e{at}", occurred_at=day, known_at="2026-01-09T00:00:00Z") for at, day in enumerate(days)]


def hash_of(lake: Lake, table: str = "events") -> str:
    return content_hash(connect(), lake.table(table))


class Interrupted:
    """A source in whose middle something happens, once: after its first batch was written."""

    def __init__(self, source: Source, happens: Callable[[], object]) -> None:
        self.name, self.contract, self._source, self._happens = source.name, source.contract, source, happens

    def since(self, position: Position | None) -> Iterator[Batch]:
        for at, batch in enumerate(self._source.since(position)):
            yield batch
            if at == 0:
                self._happens()


@contextmanager
def without_rights(folder: Path, rights: int = 0o555) -> Iterator[None]:
    """Leave this process no more than some rights to what lies below a folder; as root it is somebody else meanwhile.

    The folders above it must be open to others, which those of `tmp_path` are not.
    """
    found = {path: path.stat().st_mode for path in [folder, *folder.rglob("*")]}
    for path in reversed(found):
        path.chmod(rights if path.is_dir() else rights & 0o444)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        for path, mode in found.items():
            path.chmod(mode)
