"""The online store in this process."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Lock

import numpy as np
import pandas as pd

from mlsd_lab.artifacts import atomic_folder, read_arrays, verified, write_manifest
from mlsd_lab.features.catalogue import Catalogue
from mlsd_lab.features.stores.head import HEAD
from mlsd_lab.features.stores.keyed_store import KeyedStore

_KIND, _FILE = "memory-store/4", "rows.npz"


class MemoryStore(KeyedStore):
    """Running totals of every entity of a catalogue, in a dictionary; threads may read while one absorbs.

    `videos` is the log's table of videos. A video, user or topic never seen has totals of zero.

    >>> from mlsd_lab.datasets import Log
    >>> from mlsd_lab.features import stream
    >>> from mlsd_lab.features.feed import FEED
    >>> time = pd.to_datetime(["2026-01-01 10:00", "2026-01-01 11:00"], utc=True)
    >>> log = Log.from_frames(pd.DataFrame({"user_id": "ann", "video_id": "v", "occurred_at": time, "clicked": True}))
    >>> store = MemoryStore(FEED, log.videos)
    >>> store.absorb(stream(log), offset=0)
    >>> answer = store.lookup("ann", ["v", "unheard of"], as_of=pd.Timestamp("2026-01-01 12:00", tz="UTC"))
    >>> answer.position, answer.to_frame()["video_impressions_7d"].tolist()
    (2, [2.0, 0.0])
    """

    def __init__(self, catalogue: Catalogue, videos: pd.DataFrame) -> None:
        super().__init__(catalogue, videos)
        self.name = "the store in memory"
        self._rows: dict[bytes, bytes] = {}
        self._lock = Lock()
        self._begin()

    def save(self, folder: Path) -> None:
        """Write the state into a folder that does not exist yet, with checksums."""
        with self._lock:
            rows = dict(self._rows)
        lengths = np.array([[len(key), len(row)] for key, row in rows.items()])
        keys, states = (np.frombuffer(b"".join(part), dtype=np.uint8) for part in (rows, rows.values()))
        with atomic_folder(folder) as draft:
            np.savez(draft / _FILE, lengths=lengths, keys=keys, states=states)
            write_manifest(draft, _KIND)

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue, videos: pd.DataFrame) -> "MemoryStore":
        """Read a saved state; raises `ArtifactError` when it was changed or made for other features."""
        verified(folder, _KIND)
        arrays = read_arrays(folder / _FILE, ("lengths", "keys", "states"))
        store = cls(catalogue, videos)
        store.name = str(folder)
        keys, states = arrays["keys"].tobytes(), arrays["states"].tobytes()
        ends = np.cumsum(arrays["lengths"], axis=0).tolist()
        begins = [[0, 0], *ends]
        store._rows = {keys[k:j]: states[s:t] for (k, s), (j, t) in zip(begins, ends, strict=False)}
        store._begin()
        return store

    def _get(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        with self._lock:
            return [*map(self._rows.get, keys)]

    def _put(self, rows: Iterable[tuple[bytes, bytes]], gone: Sequence[bytes], before: bytes) -> bool:
        with self._lock:
            if self._rows.get(HEAD, b"") != before:
                return False
            self._rows.update(rows)
            for key in gone:
                self._rows.pop(key, None)
            return True

    def _keys_with(self, prefix: bytes) -> list[bytes]:
        with self._lock:
            return [key for key in self._rows if key.startswith(prefix)]
