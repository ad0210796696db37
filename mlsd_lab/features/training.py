"""Training rows that see only what was known before them."""

from collections.abc import Sequence
from datetime import timedelta

import pandas as pd

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError
from mlsd_lab.features.catalogue import Catalogue
from mlsd_lab.features.timeline import ASKED, Timeline, complete


def training_set(
    catalogue: Catalogue,
    log: Log | Timeline,
    labels: pd.DataFrame,
    staleness: timedelta = timedelta(0),
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return the catalogue's features for each label row, in order, as they stood just before its own `as_of`.

    `labels` has `user_id`, `video_id`, `as_of` (with a time zone), and `surface` and `retrieval_score` where features
    read them. An event counts when it was known strictly before `as_of`; with `staleness` when it was known that much
    earlier, as in a store that lags behind. A `Timeline` of the log may be given instead, to build it once. With
    `columns` only these come, in their order.

    >>> from mlsd_lab.features.feed import FEED
    >>> time = pd.to_datetime(["2026-01-01 10:00", "2026-01-01 11:00"], utc=True)
    >>> frame = pd.DataFrame({"user_id": "ann", "video_id": "v", "occurred_at": time, "clicked": [True, False]})
    >>> labels = pd.DataFrame({"user_id": "ann", "video_id": "v", "as_of": time})
    >>> training_set(FEED, Log.from_frames(frame), labels)["user_impressions_1d"].tolist()
    [0.0, 1.0]
    """
    if staleness < timedelta(0):
        raise ConfigError(f"staleness: expected zero or more, found {staleness}")
    timeline = log if isinstance(log, Timeline) else Timeline(catalogue, log)
    if timeline.catalogue is not catalogue:
        raise ConfigError("the timeline was built for another catalogue")
    position = timeline.position(complete(labels, ASKED, "labels")["as_of"], staleness)
    return timeline.features(labels, position, columns)
