"""Online totals of one kind of entity, held against sums over the events themselves."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsd_lab.features import Sum, Windowed, windowed
from mlsd_lab.features.aggregate import SCALE
from mlsd_lab.features.definition import DAY, HOUR
from mlsd_lab.features.entity_totals import EntityTotals, coded

NAMES = ("user_id", "topic", "surface")
IDS = st.sampled_from(["a", "b", "c", None])
EVENTS = st.lists(
    st.tuples(IDS, IDS, IDS, st.sampled_from([0, 1, 30, 1500, 9000]), st.integers(0, 9)), min_size=1, max_size=25
)


def seconds(events: pd.DataFrame) -> pd.Series:
    """Seconds watched."""
    return events.watch_seconds


def totals_of(entity: tuple[str, ...]) -> tuple[EntityTotals, Windowed]:
    feature = windowed(entity, ("1d", "7d", "all"), Sum)(seconds)
    return EntityTotals(entity, (feature,)), feature


def table_of(events: list[tuple[str | None, str | None, str | None, int, int]]) -> tuple[pd.DataFrame, np.ndarray]:
    *ids, minutes, watched = zip(*events, strict=True)
    table = pd.DataFrame(dict(zip(NAMES, ids, strict=True)), dtype=object).assign(watch_seconds=watched)
    return table, 20_000 * DAY + np.cumsum(minutes) * HOUR // 60


def absorb(totals: EntityTotals, table: pd.DataFrame, known_at: np.ndarray) -> None:
    ids = {name: coded(table[name]) for name in totals.entity}
    totals.absorb(known_at, *totals.read(table, ids))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    events=EVENTS,
    entity=st.sampled_from([("user_id",), ("topic",), ("user_id", "topic"), NAMES]),
    size=st.integers(1, 25),
)
def test_windows_equal_sums_over_the_events_and_a_null_belongs_to_no_entity(
    events: list[tuple[str | None, str | None, str | None, int, int]], entity: tuple[str, ...], size: int
) -> None:
    totals, feature = totals_of(entity)
    table, known_at = table_of(events)
    for at in range(0, len(table), size):
        absorb(totals, table.iloc[at : at + size], known_at[at : at + size])
    as_of = known_at[-1:] + 1
    asked = [(user, topic, "a") for user in ("a", "b", None) for topic in ("a", "b", "unheard of", None)]
    for user, topic, surface in asked:
        keys = {"user_id": user, "topic": [topic, "a"], "surface": surface}
        found = totals.windows(keys, as_of, videos=2)
        for row, each in enumerate((topic, "a")):
            wanted = dict(zip(NAMES, (user, each, surface), strict=True))
            same = np.logical_and.reduce([(table[name] == wanted[name]).to_numpy(bool) for name in entity])
            for column, window in zip(feature.columns, feature.windows, strict=True):
                inside = same & (known_at >= window.start(as_of)) if window.length else same
                expected = [inside.sum(), table["watch_seconds"][inside].sum() * SCALE]
                assert found[column][row].tolist() == expected


def test_reading_a_batch_changes_nothing() -> None:
    totals, _ = totals_of(("user_id", "topic"))
    table, known_at = table_of([("a", "b", None, 1, 5)])
    ids = {name: coded(table[name]) for name in NAMES}
    totals.read(table, ids)
    assert totals.packed(newest=int(known_at[0])) == {}


def test_keys_are_ids_or_tuples_of_ids_in_the_order_they_came() -> None:
    table, known_at = table_of([("b", "x", None, 1, 5), (None, "x", None, 1, 5), ("a", "y", None, 1, 5)] * 2)
    for entity, keys in ((("user_id",), ["b", "a"]), (("user_id", "topic"), [("b", "x"), ("a", "y")])):
        totals, _ = totals_of(entity)
        absorb(totals, table, known_at)
        assert list(totals.packed(newest=int(known_at[-1]))) == keys


@pytest.mark.parametrize("entity", [("user_id",), ("user_id", "topic")])
def test_what_was_saved_is_restored_and_goes_on(tmp_path: Path, entity: tuple[str, ...]) -> None:
    table, known_at = table_of([(f"u{at % 7}", "xy"[at % 2], None, 40, at) for at in range(60)])
    whole, first, second = (totals_of(entity)[0] for _ in range(3))
    for at in range(0, 60, 5):
        absorb(whole, table.iloc[at : at + 5], known_at[at : at + 5])
    for at in range(0, 30, 5):
        absorb(first, table.iloc[at : at + 5], known_at[at : at + 5])
    first.save(tmp_path / "totals.npz")
    second.restore(tmp_path / "totals.npz")
    absorb(second, table.iloc[30:], known_at[30:])
    for user in [f"u{at}" for at in range(7)]:
        keys = {"user_id": user, "topic": ["x", "y"]}
        found, expected = (one.windows(keys, known_at[-1:] + 1, videos=2) for one in (second, whole))
        for column in expected:
            np.testing.assert_array_equal(found[column], expected[column])
