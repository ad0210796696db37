"""The one way to features for a role, in training as online."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlsd_lab.features.stores.online import Lookup, OnlineStore
from mlsd_lab.features.timeline import Timeline
from mlsd_lab.features.training import training_set


@dataclass(frozen=True)
class Reader:
    """Reads the columns that a role may read, and writes into the log what was personal or refused: `Access.reader`.

    One column that is forbidden refuses the whole read. The entry is written before anything is computed: what then
    fails stands in the log too. Only the columns asked for are computed, so no other has a say in what comes back.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from mlsd_lab.clock import now
    >>> from mlsd_lab.features import Access, MemoryStore
    >>> from mlsd_lab.features.feed import FEED
    >>> store = MemoryStore(FEED, pd.DataFrame({"video_id": ["v"], "duration_seconds": [9.0]}))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     access = Access(Path(folder), now)
    ...     _ = access.grant("ranker", FEED, ["video_duration"], actor="ann")
    ...     reader = access.reader("ranker", actor="feed-server", purpose="ranking")
    ...     reader.lookup(store, ["video_duration"], "bob", ["v"], now()).to_frame().values.tolist()
    ...     reader.lookup(store, ["user_relevant_7d"], "bob", ["v"], now())
    Traceback (most recent call last):
    mlsd_lab.errors.AccessError: role 'ranker' may not read user_relevant_7d of catalogue feed, ...
    """

    admit: Callable[..., tuple[str, ...]]
    role: str
    actor: str
    purpose: str

    def training_set(
        self,
        timeline: Timeline,
        columns: Sequence[str],
        labels: pd.DataFrame,
        staleness: timedelta = timedelta(0),
    ) -> pd.DataFrame:
        """Return some columns for each label row, as `training_set` does; one entry a call."""
        wanted = self._admitted(timeline, columns, how="training", rows=len(labels))
        return training_set(timeline.catalogue, timeline, labels, staleness, wanted)

    def lookup(
        self,
        store: OnlineStore,
        columns: Sequence[str],
        user_id: str,
        video_ids: Sequence[str],
        as_of: datetime,
        surface: str | None = None,
        retrieval_score: NDArray[np.float64] | None = None,
    ) -> Lookup:
        """Return some columns of one user and several videos, as `OnlineStore.lookup` does; one entry a call."""
        wanted = self._admitted(store, columns, how="online", rows=len(video_ids), user=user_id)
        return store.lookup(user_id, video_ids, as_of, surface, retrieval_score, wanted)

    def _admitted(self, source: Timeline | OnlineStore, columns: Sequence[str], **facts: Any) -> tuple[str, ...]:
        return self.admit(self.role, self.actor, source.catalogue, columns, facts | {"purpose": self.purpose})
