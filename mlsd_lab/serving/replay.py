"""An answer computed again from the served log, to the bit."""

import numpy as np
import pandas as pd

from mlsd_lab.errors import DataError
from mlsd_lab.features import Timeline
from mlsd_lab.serving.bundle import Bundle
from mlsd_lab.serving.recommender import arranged


def replay(bundle: Bundle, timeline: Timeline, served: pd.DataFrame) -> pd.DataFrame:
    """Return `rank` and `score` of each row of one request's served log, recomputed from the stream alone.

    Features come from the timeline at `position_absorbed`, scores from the bundle's ranker, in the code that served the
    request; rows may come in any order, equal scores keep the order they were served in. Raises `DataError` when the
    rows are of another bundle or of several requests. A degraded answer keeps its retrieval order and its scores.

    >>> replay(None, None, pd.DataFrame({"request_id": ["a", "b"]}))
    Traceback (most recent call last):
    mlsd_lab.errors.DataError: served: expected the rows of one request, found 2
    """
    if served["request_id"].nunique() != 1:
        raise DataError(f"served: expected the rows of one request, found {served['request_id'].nunique()}")
    if set(served["bundle"]) != {bundle.content_sha256}:
        raise DataError(f"served: expected rows of bundle {bundle.content_sha256}, found {served['bundle'].iloc[0]}")
    if served["degraded"].notna().any():
        score = served["score"].to_numpy(np.float64)
    else:
        features = timeline.features(served, served["position_absorbed"].to_numpy(np.int64))
        score = bundle.ranker.score(features.to_numpy())
    rank = np.empty(len(served), dtype=np.int64)
    given = np.argsort(served["rank"].to_numpy(), kind="stable")
    rank[given[arranged(score[given], len(served))]] = np.arange(len(served))
    return pd.DataFrame({"rank": rank, "score": score}, index=served.index)
