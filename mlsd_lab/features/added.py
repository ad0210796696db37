"""What events add to what is kept of their entities."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlsd_lab.features.definition import Last, Windowed

Ints = NDArray[np.int64]


def added_by(features: tuple[Windowed | Last, ...], events: pd.DataFrame) -> Ints:
    """Return what events add to the state of their entities: count and total a windowed feature, then newest values.

    >>> from mlsd_lab.features.feed import user_impressions
    >>> added_by((user_impressions,), pd.DataFrame({"relevant": [1.0, np.nan]})).tolist()
    [[1, 1048576], [0, 0]]
    """
    parts = [np.empty((len(events), 0), dtype=np.int64)]
    parts += [feature.contributions(events) for feature in features if isinstance(feature, Windowed)]
    parts += [feature.values(events).view(np.int64)[:, None] for feature in features if isinstance(feature, Last)]
    return np.concatenate(parts, axis=1)
