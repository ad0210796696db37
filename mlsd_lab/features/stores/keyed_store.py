"""The store that all stores are: a map from keys to bytes, read and changed as one, and the arithmetic above it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import accumulate, chain, pairwise
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlsd_lab.errors import ArtifactError, ConfigError, ConflictError, DataError, StorageError
from mlsd_lab.features.about import HOUR
from mlsd_lab.features.catalogue import Catalogue
from mlsd_lab.features.past import NEVER, Entity, Past
from mlsd_lab.features.stores.asked import Asked, Questions
from mlsd_lab.features.stores.entity_totals import EntityTotals, coded
from mlsd_lab.features.stores.head import HEAD, Head
from mlsd_lab.features.stores.online import Lookup
from mlsd_lab.features.stores.row_key import key_parts, row_keys
from mlsd_lab.features.stores.row_layout import LAYOUT, State
from mlsd_lab.features.timeline import microseconds


class KeyedStore(ABC):
    """An `OnlineStore` over a map of bytes: a row of state an entity, and a head.

    A subclass brings `_get`, `_put` and `_keys_with`, each a transaction of its own.

    >>> sorted(KeyedStore.__abstractmethods__)
    ['_get', '_keys_with', '_put']
    """

    name: str
    """Of the store, as errors say it."""
    at_once = 51_200
    """So many events a batch make the best of a write where nobody waits for it."""

    def __init__(self, catalogue: Catalogue, videos: pd.DataFrame) -> None:
        self.catalogue = catalogue
        self._totals = {entity: EntityTotals(entity, features) for entity, features in catalogue.entities.items()}
        self._questions = Questions(catalogue, videos)
        self._head = Head(catalogue.fingerprint, layout=LAYOUT)
        self._writing = Lock()  # one thread of this handle at a time; other handles meet in `_put`

    @abstractmethod
    def _get(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        """Return what stands under each key, all of it as of one moment."""

    def _get_to_write(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        """Return the same to a writer, who may wait longer than a lookup."""
        return self._get(keys)

    @abstractmethod
    def _put(self, rows: Iterable[tuple[bytes, bytes]], gone: Sequence[bytes], before: bytes) -> bool:
        """Write rows, each with its key, and delete others, if the stored head is still `before`; say whether it was.

        All of it or nothing.
        """

    @abstractmethod
    def _keys_with(self, prefix: bytes) -> list[bytes]:
        """Return the keys that begin so."""

    @contextmanager
    def _still(self) -> Iterator[None]:
        """Hold up this handle's writer; where the place can give one moment to many reads, do that instead."""
        with self._writing:
            yield

    @property
    def position(self) -> int:
        """How many events of the stream were absorbed."""
        return self._head.position

    @property
    def newest(self) -> int:
        """When the newest of them became known, in microseconds UTC; the lowest int64 where there is none."""
        return self._head.newest

    @property
    def mark(self) -> Any:
        """What came with the newest batch."""
        return self._head.mark

    def absorb(self, batch: pd.DataFrame, offset: int, mark: Any = None) -> None:
        """Add a batch of the stream, as `OnlineStore` says; a key is read and written once, however often it occurs."""
        with self._writing:
            self._absorb(batch, offset, mark)

    def _absorb(self, batch: pd.DataFrame, offset: int, mark: Any) -> None:
        before = self._head
        if not 0 <= offset <= before.position:
            raise DataError(
                f"offset: expected 0 or more and at most {before.position}, the position reached, found {offset}: "
                "with a gap events are missing"
            )
        kept = before.mark if mark is None or offset + len(batch) < before.position else mark
        batch = batch.iloc[before.position - offset :]
        if batch.empty:
            if kept != before.mark:
                self._commit(before, replace(before, mark=kept))
            return
        known_at = microseconds(batch["known_at"]).astype(np.int64)
        if known_at[0] < max(before.newest, NEVER + 1) or (known_at[1:] < known_at[:-1]).any():  # NEVER is a null
            raise DataError("batch: expected events in order of known_at, after those absorbed; found another, or none")
        ids = {name: coded(batch[name]) for name in sorted({name for entity in self._totals for name in entity})}
        read = {entity: totals.read(batch, ids) for entity, totals in self._totals.items()}
        keys = {entity: row_keys(number, read[entity][1]) for number, entity in enumerate(read)}
        _, stored = self._load(keys, self._get_to_write)
        changed: list[Iterable[tuple[bytes, bytes]]] = []
        for entity, (code, _, added) in read.items():
            totals = self._totals[entity]
            state = totals.absorb(self._state(entity, stored[entity]), code, known_at, added)
            changed.append(zip(keys[entity], totals.layout.pack(state), strict=True))
        after = replace(before, position=before.position + len(batch), newest=int(known_at[-1]), mark=kept)
        self._commit(before, after, chain.from_iterable(changed))

    def lookup(
        self,
        user_id: str,
        video_ids: Sequence[str],
        as_of: datetime,
        surface: str | None = None,
        retrieval_score: NDArray[np.float64] | None = None,
        columns: Sequence[str] | None = None,
    ) -> Lookup:
        """Return the catalogue's features of one user and several videos, as `OnlineStore` says."""
        wanted = self.catalogue.columns if columns is None else tuple(columns)
        read = self.catalogue.entities_of(wanted)
        asked = self._questions.ask(user_id, video_ids, as_of, surface, retrieval_score, read)
        return self._answer(asked, wanted, self._get)

    def scan(
        self, video_ids: Sequence[str], as_of: datetime, columns: Sequence[str], slate: int = 2_000
    ) -> list[Lookup]:
        """Look up many videos, so many at a time and of no user; no batch of this handle's comes in between."""
        read, begins = self.catalogue.entities_of(columns), range(0, max(1, len(video_ids)), slate)
        with self._still():
            asked = (self._questions.ask("", video_ids[at : at + slate], as_of, entities=read) for at in begins)
            return [self._answer(each, tuple(columns), self._get_to_write) for each in asked]

    def _answer(
        self, asked: Asked, wanted: tuple[str, ...], get: Callable[[Sequence[bytes]], Sequence[bytes | None]]
    ) -> Lookup:
        head, stored = self._load(asked.keys, get)
        if asked.moment[0] <= head.newest:
            newest, found = (pd.Timestamp(int(us), unit="us", tz="UTC") for us in (head.newest, asked.moment[0]))
            raise ConfigError(f"as_of: expected a time after the newest event absorbed ({newest}), found {found}")
        past = Past()
        for entity, place in asked.place.items():
            rows = stored[entity] if place is None else [*stored[entity], None]  # the row of none is last, at −1
            past |= self._totals[entity].past(self._state(entity, rows), asked.moment, place)
        values = self.catalogue.assemble(past, asked.context, asked.videos, wanted)
        tile = int(asked.moment[0] // HOUR)
        return Lookup(wanted, values.matrix, head.position, tile, values.expired, values.defaulted, head.newest)

    def erase(self, user_id: str) -> int:
        """Remove what is kept by user of one of them, and return how many rows that was."""
        user_id, theirs = str(user_id), []
        with self._writing:
            for number, entity in enumerate(self._totals):
                if "user_id" in entity:
                    at = entity.index("user_id")
                    begin = b"%d|" % number if at else row_keys(number, [[user_id], [""]][: len(entity)])[0]
                    theirs += [key for key in self._keys_with(begin) if key_parts(key, len(entity))[at] == user_id]
            if theirs:
                self._commit(self._head, self._head, gone=theirs)
        return len(theirs)

    def row_sizes(self, entity: Entity) -> dict[tuple[str, ...], int]:
        """Return how many bytes each row of a kind of entity has; it reads all of them."""
        keys = self._keys_with(b"%d|" % list(self._totals).index(entity))
        found = zip(keys, self._get_to_write(keys), strict=True)
        return {tuple(key_parts(key, len(entity))): len(row) for key, row in found if row}

    def close(self) -> None:  # noqa: B027  some have nothing to let go of
        """Let go of files and connections."""

    def _begin(self) -> None:
        """Take up where the store stands; a new one begins with a head. Raises for other features or another layout."""
        if self._get_to_write([HEAD])[0] is None:
            self._put([(HEAD, self._head.to_bytes())], [], b"")
        self._head = Head.of(self._get_to_write([HEAD])[0], self.name)
        if self._head.layout != LAYOUT:
            raise ConfigError(
                f"{self.name}: expected rows of layout {LAYOUT}, found layout {self._head.layout}; make a new store "
                "from the lake, or use the version of mlsd_lab that made this one"
            )
        if self._head.fingerprint != self.catalogue.fingerprint:
            found, expected = self._head.fingerprint, self.catalogue.fingerprint
            raise ArtifactError(
                f"{self.name}: expected features with fingerprint {expected}, found {found}; make a store for these "
                "beside it, absorb the stream from its beginning, and move when its model is there"
            )

    def _commit(
        self, before: Head, after: Head, changed: Iterable[tuple[bytes, bytes]] = (), gone: Sequence[bytes] = ()
    ) -> None:
        after = replace(after, version=before.version + 1)
        if not self._put(chain(changed, [(HEAD, after.to_bytes())]), gone, before.to_bytes()):
            self._head = Head.of(self._get_to_write([HEAD])[0], self.name)
            raise ConflictError(
                f"{self.name}: another writer was first, and nothing of this batch was written; the store is now at "
                f"position {self._head.position:,}: go on from its mark"
            )
        self._head = after

    def _load(
        self, keys: Mapping[Entity, list[bytes]], get: Callable[[Sequence[bytes]], Sequence[bytes | None]]
    ) -> tuple[Head, dict[Entity, list[bytes | None]]]:
        """Return the head, and the rows under some keys, as of one moment."""
        head, *found = get([HEAD, *chain.from_iterable(keys.values())])
        ends = [*accumulate(map(len, keys.values()), initial=0)]
        rows = {entity: found[begin:end] for entity, (begin, end) in zip(keys, pairwise(ends), strict=True)}
        return Head.of(head, self.name), rows

    def _state(self, entity: Entity, rows: list[bytes | None]) -> State:
        totals = self._totals[entity]
        try:
            return totals.layout.unpack([totals.empty if row is None else row for row in rows])
        except ValueError as error:
            raise StorageError(
                f"{self.name}: rows of {' × '.join(entity)}: {error}; make the store anew from the lake"
            ) from error
