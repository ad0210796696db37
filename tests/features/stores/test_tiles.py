"""What a row keeps of its tiles, held against a slow sum over everything that happened."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsd_lab.features.past import NEVER
from mlsd_lab.features.stores.tiles import Kept, Tiles, spread, stretches

TILE, KEEP, ROWS = 10, 4, 3
# waits that stay in a tile, open the next, or leap over many
BATCHES = st.lists(
    st.lists(
        st.tuples(st.sampled_from([0, 0, 1, 4, 10, 13, 170, 700]), st.integers(1, 2), st.integers(-5, 5)),
        min_size=1,
        max_size=25,
    ),
    min_size=1,
    max_size=4,
)


class Slow:
    """Rows' events, all of them, and beside them the tiles that are kept."""

    def __init__(self, tiles: Tiles) -> None:
        self.tiles, self.kept, self.newest = tiles, tiles.none(ROWS), np.full(ROWS, NEVER)
        self.events: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)

    def absorb(self, batch: list[tuple[int, int, int]]) -> None:
        table = []
        for time, row, value in batch:
            table.append((row, time, self.total(row)))
            self.events[row].append((time, value))
        rows, known_at, before = np.array(sorted(table, key=lambda event: event[0])).T
        newest = np.array([max([*(time for time, _ in self.events[row]), NEVER]) for row in range(ROWS)])
        self.kept = self.tiles.absorb(self.kept, rows, known_at, before[:, None], self.newest, newest)
        self.newest = newest

    def total(self, row: int, since: float = -np.inf) -> int:
        return sum(value for time, value in self.events[row] if time >= since)

    def assert_equal_at_every_edge_that_is_kept(self) -> None:
        present = np.array([[self.total(row)] for row in range(ROWS)])
        last = int(self.newest.max()) // TILE
        for number in range(last - self.tiles.keep + 1, last + 2):
            found = self.tiles.since(self.kept, number * TILE, self.newest, present)
            assert found.ravel().tolist() == [self.total(row, number * TILE) for row in range(ROWS)]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(batches=BATCHES, start=st.integers(-25, 25), keep=st.sampled_from([1, KEEP, 64]))
def test_what_was_added_since_the_edges_of_the_last_tiles_equals_a_slow_sum(
    batches: list[list[tuple[int, int, int]]], start: int, keep: int
) -> None:
    slow, time = Slow(Tiles(TILE, keep, [0])), start
    for batch in batches:
        placed = []
        for wait, row, value in batch:
            time += wait
            placed.append((time, row, value))
        slow.absorb(placed)
        slow.assert_equal_at_every_edge_that_is_kept()


@pytest.mark.parametrize("together", [True, False])
def test_a_batch_that_opens_many_more_tiles_than_are_kept_leaves_the_last_ones(together: bool) -> None:
    slow = Slow(Tiles(TILE, KEEP, [0]))
    events = [(3 + 7 * at, 1 + at % 2, at) for at in range(60)]
    for batch in [events] if together else [[event] for event in events]:
        slow.absorb(batch)
    slow.assert_equal_at_every_edge_that_is_kept()
    assert slow.kept.count.tolist() == [0, 3, 3]  # the events of a row are 14 apart, of 40 that are kept


def test_only_tiles_with_an_event_that_a_window_reaches_take_room() -> None:
    slow, counts = Slow(Tiles(TILE, KEEP, [0])), []
    for time in (5, 5, 25, 45, 47, 1000):
        slow.absorb([(time, 1, 1)])
        counts.append((slow.kept.count[1].item(), len(slow.kept.words)))
    assert counts == [(1, 1), (1, 1), (2, 2), (2, 2), (2, 2), (1, 1)]


def test_only_the_chosen_columns_are_kept() -> None:
    tiles, newest = Tiles(TILE, KEEP, [1, 2]), np.array([NEVER, 5])
    kept = tiles.absorb(
        tiles.none(2), np.array([1]), np.array([5]), np.array([[7, 8, 9]]), np.array([NEVER, NEVER]), newest
    )
    present = np.array([[0, 0, 0], [70, 80, 90]])
    assert tiles.since(kept, 0, newest, present).tolist() == [[0, 0], [72, 81]]


def test_where_nothing_ever_happened_nothing_was_added() -> None:
    slow = Slow(Tiles(TILE, KEEP, [0]))
    assert slow.tiles.since(slow.kept, 0, slow.newest, np.zeros((ROWS, 1), dtype=np.int64)).tolist() == [[0]] * ROWS


def test_rows_without_a_new_event_keep_what_they_have() -> None:
    slow = Slow(Tiles(TILE, KEEP, [0]))
    slow.absorb([(1, 1, 2), (12, 2, 3), (13, 1, 5)])
    slow.absorb([(35, 2, 1)])
    assert [slow.total(row, 10) for row in range(ROWS)] == [0, 5, 4]
    slow.assert_equal_at_every_edge_that_is_kept()


def test_where_tiles_lie_in_a_buffer_does_not_matter() -> None:
    tiles, newest, present = Tiles(TILE, KEEP, [0]), np.array([25, 25]), np.array([[9], [9]])
    kept = Kept(np.array([0b1, 0b101], dtype=np.uint64), np.array([0, 4, 6, 0, 5]), begin=np.array([4, 1]))
    assert tiles.since(kept, 0, newest, present).ravel().tolist() == [4, 5]
    assert tiles.since(kept, 20, newest, present).ravel().tolist() == [4, 3]
    later = tiles.absorb(kept, np.array([0]), np.array([31]), np.array([[9]]), newest, np.array([31, 25]))
    assert (later.bits.tolist(), later.words.tolist()) == ([0b11, 0b101], [5, 9, 4, 6])


@given(st.lists(st.tuples(st.integers(-5, 50), st.integers(0, 4))))
def test_stretches_are_spread_one_after_the_other(stretches: list[tuple[int, int]]) -> None:
    begin, count = np.array(stretches, dtype=np.int64).reshape(-1, 2).T
    assert spread(begin, count).tolist() == [b + at for b, n in stretches for at in range(n)]


@pytest.mark.parametrize("length", [1, 2, 5])
def test_stretches_are_copies_of_what_stands_there(length: int) -> None:
    words = np.arange(5)
    begin = np.array([5 - length, 0, 0])
    found = stretches(words, begin, length)
    assert found.tolist() == [words[at : at + length].tolist() for at in begin]
    found[:] = -1
    assert words.tolist() == [0, 1, 2, 3, 4]


def test_a_stretch_beyond_the_words_is_refused_and_no_words_have_none() -> None:
    with pytest.raises(IndexError):
        stretches(np.arange(5), np.array([4]), 2)
    assert stretches(np.arange(0), np.arange(0), 3).shape == (0, 3)
