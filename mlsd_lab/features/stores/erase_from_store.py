"""A user who asks to be erased, out of an online store that others use meanwhile."""

from dataclasses import dataclass

from mlsd_lab.errors import ConflictError
from mlsd_lab.features.stores.keyed_store import KeyedStore

_TRIES = 50  # a consumer that absorbs meanwhile may come first some times


@dataclass(frozen=True)
class ErasedFromStore:
    """What was erased in one store.

    >>> ErasedFromStore("feed-1-1f2e", rows=12, in_sums=("video_id", "topic")).rows
    12
    """

    store: str
    """The catalogue's label, by which the store is named at its place."""
    rows: int
    """Rows that were kept by the user."""
    in_sums: tuple[str, ...]
    """Entities whose totals still contain what the user added, until the store is made anew."""


def erase_from_store(store: KeyedStore, user: str) -> ErasedFromStore:
    """Erase a user from a store, again where another writer came first; `ConflictError` where that is always so.

    >>> import pandas as pd
    >>> from mlsd_lab.datasets import Log
    >>> from mlsd_lab.features import MemoryStore, stream
    >>> from mlsd_lab.features.feed import FEED
    >>> time = pd.to_datetime(["2026-01-01"], utc=True)
    >>> log = Log.from_frames(pd.DataFrame({"user_id": ["ann"], "video_id": ["v"], "occurred_at": time}))
    >>> store = MemoryStore(FEED, log.videos)
    >>> store.absorb(stream(log), offset=0)
    >>> found = erase_from_store(store, "ann")
    >>> found.rows, found.in_sums
    (1, ('video_id', 'creator_id', 'topic', 'surface'))
    """
    in_sums = tuple(" × ".join(entity) for entity in store.catalogue.entities if "user_id" not in entity)
    for _ in range(_TRIES):
        try:
            return ErasedFromStore(store.catalogue.label, store.erase(user), in_sums)
        except ConflictError as error:
            last = error
    raise last
