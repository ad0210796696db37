import numpy as np
import pandas as pd

from mlsd_lab.features import Sum, last, windowed
from mlsd_lab.features.added import added_by
from mlsd_lab.features.aggregate import SCALE
from mlsd_lab.features.probe import probe_events


@windowed("user_id", "1d", Sum)
def watched(events: pd.DataFrame) -> pd.Series:
    """Seconds watched."""
    return events.watch_seconds


@last("user_id")
def rated(events: pd.DataFrame) -> pd.Series:
    """The newest rating."""
    return events.rating


def test_a_windowed_feature_adds_count_and_total_and_a_last_one_the_bits_of_its_value() -> None:
    events = probe_events()
    added = added_by((watched, rated), events)
    known = events["watch_seconds"].notna()
    assert added[:, 0].tolist() == known.astype(int).tolist()
    assert added[:, 1].tolist() == (events["watch_seconds"].fillna(0) * SCALE).astype(int).tolist()
    np.testing.assert_array_equal(added[:, 2].copy().view(np.float64), events["rating"])


def test_no_features_add_nothing_to_any_event() -> None:
    assert added_by((), probe_events()).shape == (5, 0)
