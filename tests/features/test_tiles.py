"""The ring of tiles, held against a dictionary that keeps everything."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsd_lab.features.tiles import Tiles

TILE, KEEP, ROWS = 10, 4, 3
# waits that stay in a tile, open the next, or leap over many
BATCHES = st.lists(
    st.lists(
        st.tuples(st.sampled_from([0, 0, 1, 4, 10, 13, 170]), st.integers(1, 2), st.integers(-5, 5)),
        min_size=1,
        max_size=25,
    ),
    min_size=1,
    max_size=4,
)


class Everything:
    """Each row's events, all of them."""

    def __init__(self) -> None:
        self.events: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)

    def before(self, row: int, edge: float = np.inf) -> int:
        return sum(value for time, value in self.events[row] if time < edge)


def never(tiles: Tiles, rows: int = ROWS) -> np.ndarray:
    state = np.zeros((rows, tiles.at + tiles.width), dtype=np.int64)
    tiles.clear(state)
    return state


def absorb(tiles: Tiles, state: np.ndarray, everything: Everything, batch: list[tuple[int, int, int]]) -> None:
    before = []
    for time, row, value in batch:
        before.append((row, time, everything.before(row)))
        everything.events[row].append((time, value))
    table = np.array(sorted(before, key=lambda event: event[0]))
    tiles.absorb(state, table[:, 0], table[:, 1], table[:, 2:])


def assert_equal_at_every_edge_that_is_kept(
    tiles: Tiles, state: np.ndarray, everything: Everything, newest: int
) -> None:
    last = newest // TILE
    for row in range(1, ROWS):
        for number in range(last - KEEP + 1, last + 2):
            present = np.array([[everything.before(row)]])
            found = tiles.before(state[[row]], np.array([[number * TILE]]), present)
            assert found.item() == everything.before(row, number * TILE)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(batches=BATCHES, start=st.integers(-25, 25))
def test_totals_at_the_edges_of_the_last_tiles_equal_a_slow_sum(
    batches: list[list[tuple[int, int, int]]], start: int
) -> None:
    tiles, everything, time = Tiles(TILE, KEEP, [0], at=2), Everything(), start
    state = never(tiles)
    for batch in batches:
        placed = []
        for wait, row, value in batch:
            time += wait
            placed.append((time, row, value))
        absorb(tiles, state, everything, placed)
        assert_equal_at_every_edge_that_is_kept(tiles, state, everything, time)
    assert not state[:, :2].any()


@pytest.mark.parametrize("together", [True, False])
def test_a_batch_that_opens_many_more_tiles_than_are_kept_leaves_the_last_ones(together: bool) -> None:
    tiles, everything = Tiles(TILE, KEEP, [0]), Everything()
    state = never(tiles)
    events = [(3 + 7 * at, 1 + at % 2, at) for at in range(60)]
    for batch in [events] if together else [[event] for event in events]:
        absorb(tiles, state, everything, batch)
    assert_equal_at_every_edge_that_is_kept(tiles, state, everything, events[-1][0])


def test_only_the_chosen_columns_are_kept() -> None:
    tiles = Tiles(TILE, KEEP, [1, 2])
    state = never(tiles)
    tiles.absorb(state, np.array([1]), np.array([5]), np.array([[7, 8, 9]]))
    assert tiles.before(state[[1]], np.array([[0]]), np.array([[0, 0]])).tolist() == [[[8, 9]]]


def test_one_edge_may_be_asked_of_all_rows_and_several_of_each() -> None:
    tiles = Tiles(TILE, KEEP, [0])
    state = never(tiles, rows=2)
    tiles.absorb(state, np.array([0, 0, 1]), np.array([5, 15, 25]), np.array([[1], [2], [3]]))
    present = np.array([[8], [9]])
    assert tiles.before(state, np.array([[10, 20]]), present).squeeze(2).tolist() == [[2, 8], [3, 3]]
    assert tiles.before(state, np.array([[0], [30]]), present).squeeze(2).tolist() == [[1], [9]]
