"""A batch into a store, less the events that a feature refuses."""

from typing import Any

import pandas as pd

from mlsd_lab.errors import DataError
from mlsd_lab.features.added import added_by
from mlsd_lab.features.catalogue import Catalogue
from mlsd_lab.features.stores.online import OnlineStore


def absorb_good(store: OnlineStore, rows: pd.DataFrame, mark: Any) -> int:
    """Let a store absorb what comes next, and return how many rows were left out: one bad value holds nobody up.

    >>> from mlsd_lab.features import MemoryStore
    >>> from mlsd_lab.features.feed import FEED
    >>> store = MemoryStore(FEED, pd.DataFrame({"video_id": ["v"]}))
    >>> absorb_good(store, pd.DataFrame(), mark=7), store.mark
    (0, 7)
    """
    try:
        store.absorb(rows, offset=store.position, mark=mark)
    except DataError:
        good = _good(store.catalogue, rows)
        store.absorb(good, offset=store.position, mark=mark)
        return len(rows) - len(good)
    return 0


def _good(catalogue: Catalogue, rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows without those that a feature refuses, which are found by halves."""
    try:
        added_by(catalogue.observed, rows)
    except DataError:
        halves = rows.iloc[: len(rows) // 2], rows.iloc[len(rows) // 2 :]
        return pd.concat([_good(catalogue, half) for half in halves]) if len(rows) > 1 else rows.iloc[:0]
    return rows
