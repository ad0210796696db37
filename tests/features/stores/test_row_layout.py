"""Rows as bytes: what goes in comes out, and what `pack` did not make is refused."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsd_lab.features.stores.row_layout import RowLayout, State
from mlsd_lab.features.stores.tiles import Kept, Tiles

WORDS = st.integers(-(2**63), 2**63 - 1)


@st.composite
def packable(draw: st.DrawFn) -> tuple[RowLayout, State]:
    """Return a layout with up to three kinds of tiles and a state whose tiles lie anywhere in their buffers."""
    values, rows = draw(st.integers(0, 4)), draw(st.integers(0, 5))
    tiles = [Tiles(10, 64, [*range(draw(st.integers(1, 3)))]) for _ in range(draw(st.integers(0, 3)))]
    kept = []
    for kind in tiles:
        bits = np.array(draw(st.lists(st.integers(0, 2**64 - 1), min_size=rows, max_size=rows)), dtype=np.uint64)
        size = np.bitwise_count(bits).astype(np.int64) * kind.width
        order = np.array(draw(st.permutations(range(rows))), dtype=np.int64)
        begin = np.empty(rows, dtype=np.int64)
        begin[order] = 1 + size[order].cumsum() - size[order]
        words = np.random.default_rng(draw(st.integers(0, 9))).integers(-(2**63), 2**63 - 1, 1 + size.sum())
        kept.append(Kept(bits, words, begin))
    table = np.array(draw(st.lists(WORDS, min_size=rows * values, max_size=rows * values)), dtype=np.int64)
    return RowLayout(values, tiles), State(table.reshape(rows, values), tuple(kept))


def told(layout: RowLayout, state: State) -> list[tuple[list[int], list[tuple[int, list[int]]]]]:
    """Say a state row by row: its values, then bits and totals of each kind."""
    return [
        (
            state.values[row].tolist(),
            [
                (kept.bits[row].item(), kept.words[kept.begin[row] :][: kept.count[row] * tiles.width].tolist())
                for kept, tiles in zip(state.kept, layout.tiles, strict=True)
            ],
        )
        for row in range(len(state.values))
    ]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(packable())
def test_what_is_packed_is_unpacked_and_a_row_is_as_long_as_what_it_holds(made: tuple[RowLayout, State]) -> None:
    layout, state = made
    rows = layout.pack(state)
    assert told(layout, layout.unpack(rows)) == told(layout, state)
    assert [len(row) for row in rows] == [
        8 * (len(values) + sum(1 + len(totals) for _, totals in kinds)) for values, kinds in told(layout, state)
    ]
    assert layout.pack(layout.unpack(rows[::-1])) == rows[::-1]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(packable(), st.data())
def test_a_row_cut_short_or_made_longer_is_refused_wherever_it_stands(
    made: tuple[RowLayout, State], data: st.DataObject
) -> None:
    layout, state = made
    rows = layout.pack(state)
    if not rows or not rows[0]:
        return
    at = data.draw(st.integers(0, len(rows) - 1))
    cut = data.draw(st.integers(0, len(rows[at]) - 1))
    for wrong in (rows[at][:cut], rows[at] + bytes(8), rows[at] + b"\x01"):
        with pytest.raises(ValueError, match=r"^expected "):
            layout.unpack([*rows[:at], wrong, *rows[at + 1 :]])


def test_rows_that_make_up_for_each_other_are_refused() -> None:
    layout = RowLayout(1, [Tiles(10, 3, [0])])
    kept = Kept(np.array([1, 1], dtype=np.uint64), np.array([3, 4]), np.array([0, 1]))
    first, second = layout.pack(State(np.array([[7], [8]]), (kept,)))
    for cut in (1, 4, 8):
        with pytest.raises(ValueError, match=r"^expected "):
            layout.unpack([first + second[:cut], second[cut:]])
        with pytest.raises(ValueError, match=r"^expected "):
            layout.unpack([first[:-cut], first[-cut:] + second])


@given(st.lists(st.binary(max_size=80), max_size=3))
def test_bytes_of_something_else_are_refused_or_read_and_nothing_worse(rows: list[bytes]) -> None:
    layout = RowLayout(2, [Tiles(10, 64, [0]), Tiles(20, 64, [0, 1])])
    with suppress(ValueError):
        assert layout.pack(layout.unpack(rows)) == rows
