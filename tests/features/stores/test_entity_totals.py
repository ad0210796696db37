"""Online totals of one kind of entity, held against sums over the events themselves."""

from itertools import product

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsd_lab.features import Last, Sum, Windowed, last, windowed
from mlsd_lab.features.about import DAY, HOUR
from mlsd_lab.features.aggregate import SCALE
from mlsd_lab.features.past import NEVER
from mlsd_lab.features.stores.entity_totals import EntityTotals, coded
from mlsd_lab.features.stores.row_layout import State

NAMES = ("user_id", "topic", "surface")
IDS = st.sampled_from(["a", "b", "c", None])
EVENTS = st.lists(
    st.tuples(IDS, IDS, IDS, st.sampled_from([0, 1, 30, 1500, 9000]), st.integers(0, 9)), min_size=1, max_size=25
)


def seconds(events: pd.DataFrame) -> pd.Series:
    """Seconds watched."""
    return events.watch_seconds


def totals_of(entity: tuple[str, ...]) -> tuple[EntityTotals, Windowed, Last]:
    feature, newest = windowed(entity, ("1d", "7d", "all"), Sum)(seconds), last(entity)(seconds)
    return EntityTotals(entity, (newest, feature)), feature, newest


def table_of(events: list[tuple[str | None, str | None, str | None, int, int]]) -> tuple[pd.DataFrame, np.ndarray]:
    *ids, minutes, watched = zip(*events, strict=True)
    table = pd.DataFrame(dict(zip(NAMES, ids, strict=True)), dtype=object).assign(watch_seconds=watched)
    return table, 20_000 * DAY + np.cumsum(minutes) * HOUR // 60


class Rows:
    """State as a store keeps it: a row a key."""

    def __init__(self, totals: EntityTotals) -> None:
        self.totals, self.rows = totals, dict[tuple[str, ...], bytes]()

    def absorb(self, table: pd.DataFrame, known_at: np.ndarray) -> None:
        ids = {name: coded(table[name]) for name in self.totals.entity}
        code, parts, added = self.totals.read(table, ids)
        keys = [*zip(*parts, strict=True)]
        state = self.totals.absorb(self.state(keys), code, known_at, added)
        self.rows.update(zip(keys, self.totals.layout.pack(state), strict=True))

    def state(self, keys: list[tuple[str, ...]]) -> State:
        return self.totals.layout.unpack([self.rows.get(key, self.totals.empty) for key in keys])


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    events=EVENTS,
    entity=st.sampled_from([("user_id",), ("topic",), ("user_id", "topic"), NAMES]),
    size=st.integers(1, 25),
)
def test_a_row_says_what_the_events_say_and_a_null_belongs_to_no_entity(
    events: list[tuple[str | None, str | None, str | None, int, int]], entity: tuple[str, ...], size: int
) -> None:
    totals, feature, newest = totals_of(entity)
    table, known_at = table_of(events)
    rows = Rows(totals)
    for at in range(0, len(table), size):
        rows.absorb(table.iloc[at : at + size], known_at[at : at + size])
    keys = [*product(("a", "b", "unheard of"), repeat=len(entity))]
    as_of = known_at[-1:] + 1
    found = totals.past(rows.state(keys), as_of)
    for row, key in enumerate(keys):
        theirs = np.logical_and.reduce([(table[n] == one).to_numpy(bool) for n, one in zip(entity, key, strict=True)])
        for column, window in zip(feature.columns, feature.windows, strict=True):
            inside = theirs & (known_at >= window.start(as_of)) if window.length else theirs
            expected = [inside.sum(), table["watch_seconds"][inside].sum() * SCALE]
            assert found.totals[column][row].tolist() == expected
        expected_last = table["watch_seconds"][theirs].iloc[-1] if theirs.any() else np.nan
        np.testing.assert_equal(found.last[newest.name][row], expected_last)
        assert found.newest[entity][row] == (known_at[theirs][-1] if theirs.any() else NEVER)
    assert not {part for key in rows.rows for part in key} & {None}


def test_keys_come_in_the_order_in_which_they_occur_first() -> None:
    table, _ = table_of([("b", "x", None, 1, 5), (None, "x", None, 1, 5), ("a", "y", None, 1, 5)] * 2)
    for entity, parts, code in (
        (("user_id",), [["b", "a"]], [0, -1, 1] * 2),
        (("user_id", "topic"), [["b", "a"], ["x", "y"]], [0, -1, 1] * 2),
        (("user_id", "surface"), [[], []], [-1] * 6),
    ):
        found = totals_of(entity)[0].read(table, {name: coded(table[name]) for name in NAMES})
        assert (found[0].tolist(), found[1]) == (code, parts)


def test_rows_may_be_asked_for_at_several_places_and_none() -> None:
    totals, feature, newest = totals_of(("user_id",))
    table, known_at = table_of([("a", "x", None, 60, 5), ("b", "x", None, 60, 7)])
    rows = Rows(totals)
    rows.absorb(table, known_at)
    state, place = rows.state([("a",), ("b",), ("unheard of",)]), np.array([1, -1, 0, 1])
    for as_of in (known_at[-1:] + 1, known_at[-1:] + 2 * DAY):
        every, placed = totals.past(state, as_of), totals.past(state, as_of, place)
        for column in feature.columns:
            assert placed.totals[column].tolist() == every.totals[column][place].tolist()
        np.testing.assert_array_equal(placed.last[newest.name], [7, np.nan, 5, 7])
        assert placed.newest["user_id",].tolist() == every.newest["user_id",][place].tolist()
    assert totals.past(state, known_at[-1:] + 2 * DAY, place[:0]).totals[feature.columns[0]].shape == (0, 2)


def test_an_event_of_no_entity_changes_nothing() -> None:
    totals, *_ = totals_of(("user_id",))
    table, known_at = table_of([("a", "x", None, 60, 5)])
    rows = Rows(totals)
    rows.absorb(table, known_at)
    before = dict(rows.rows)
    rows.absorb(table.assign(user_id=None), known_at + 1)
    assert rows.rows == before
