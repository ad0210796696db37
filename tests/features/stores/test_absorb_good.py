import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsd_lab.errors import DataError
from mlsd_lab.features import Catalogue, MemoryStore, Sum, stream, windowed
from mlsd_lab.features.stores.absorb_good import absorb_good
from tests.features.streams import VIDEOS, seeded_log


@windowed(entity="user_id", over="7d", aggregate=Sum)
def seconds(events: pd.DataFrame) -> pd.Series:
    """Seconds watched."""
    return events["watch_seconds"]


CATALOGUE = Catalogue("seconds", "1", [seconds])
EVENTS = stream(seeded_log(20))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(bad=st.sets(st.integers(0, 19)))
def test_only_what_a_feature_refuses_is_left_out(bad: set[int]) -> None:
    events = EVENTS.assign(watch_seconds=np.where(EVENTS.index.isin(list(bad)), np.inf, 1.0))
    store, clean = MemoryStore(CATALOGUE, VIDEOS), MemoryStore(CATALOGUE, VIDEOS)
    assert absorb_good(store, events, mark="here") == len(bad)
    clean.absorb(events[~events.index.isin(list(bad))], offset=0)
    assert (store.position, store.mark) == (20 - len(bad), "here")
    later = EVENTS["known_at"].iloc[-1] + pd.Timedelta("1s")
    for user in ("u0", "u1", "u2"):
        found, expected = (one.lookup(user, ["v0"], later).values.tolist() for one in (store, clean))
        assert found == expected


def test_what_is_wrong_with_the_order_is_not_left_out_but_raised() -> None:
    store = MemoryStore(CATALOGUE, VIDEOS)
    with pytest.raises(DataError, match="order of known_at"):
        absorb_good(store, EVENTS.iloc[::-1], mark=1)
    assert store.position == 0
