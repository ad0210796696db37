"""Running totals by entity, held against a slow loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsd_lab.errors import ConfigError
from mlsd_lab.features import History

EVENTS = st.lists(st.tuples(st.integers(0, 3), st.integers(-(2**62), 2**62), st.integers(-9, 9)), max_size=30)
QUESTIONS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30), st.integers(0, 30)), max_size=20)
WRAP = 2**64


def made(events: list[tuple[int, int, int]]) -> History:
    table = np.array(events, dtype=np.int64).reshape(-1, 3)
    return History(table[:, 0], table[:, 1:])


def modulo(total: int) -> int:
    return (total + WRAP // 2) % WRAP - WRAP // 2


@settings(max_examples=100, deadline=None, derandomize=True)
@given(events=EVENTS, questions=QUESTIONS)
def test_totals_equal_a_loop_over_the_events_modulo_2_64(
    events: list[tuple[int, int, int]], questions: list[tuple[int, int, int]]
) -> None:
    table = np.array(questions, dtype=np.int64).reshape(-1, 3)
    entity, start, position = table[:, 0], *np.minimum(table[:, 1:], len(events)).T
    (found,) = made(events).between(entity, [start], position)
    for row, (one, first, end) in enumerate(zip(entity, start, position, strict=True)):
        inside = [values for who, *values in events[first:end] if who == one]
        expected = [modulo(sum(column)) for column in zip(*inside, strict=True)] or [0, 0]
        assert found[row].tolist() == expected


@settings(max_examples=50, deadline=None, derandomize=True)
@given(events=EVENTS.filter(bool), data=st.data())
def test_the_order_of_events_between_two_positions_never_changes_their_sum(
    events: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    first, end = sorted(data.draw(st.tuples(*[st.integers(0, len(events))] * 2)))
    shuffled = [*events[:first], *data.draw(st.permutations(events[first:end])), *events[end:]]
    entity = np.arange(5)
    for position in (first, end, len(events)):
        at = np.full(5, position)
        np.testing.assert_array_equal(made(events).before(entity, at), made(shuffled).before(entity, at))


def test_a_running_total_that_wraps_around_leaves_the_windows_exact() -> None:
    largest = np.iinfo(np.int64).max
    history = made([(0, largest, 0), (0, largest, 0), (0, 5, 0), (0, -3, 0)])
    assert history.between(np.array([0]), [np.array([2])], np.array([4]))[0][0, 0] == 2


def test_a_start_after_the_position_gives_nothing() -> None:
    assert made([(0, 1, 1), (0, 1, 1)]).between(np.array([0]), [np.array([2])], np.array([1]))[0].tolist() == [[0, 0]]


def test_no_events_and_no_questions_are_answered() -> None:
    nobody = np.empty(0, dtype=np.int64)
    assert made([]).before(np.array([0, 7]), np.array([0, 0])).tolist() == [[0, 0], [0, 0]]
    assert made([(0, 1, 1)]).before(nobody, nobody).shape == (0, 2)


def test_entities_without_contributions_for_each_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"found shapes \(2,\) and \(3, 1\)"):
        History(np.zeros(2, dtype=np.int64), np.zeros((3, 1), dtype=np.int64))


def test_a_code_that_does_not_fit_is_refused_in_events_and_in_questions() -> None:
    with pytest.raises(ConfigError, match=f"expected codes up to {2**62 - 2} with 1 events, found {2**62}"):
        made([(2**62, 1, 1)])
    with pytest.raises(ConfigError, match="expected codes up to"):
        made([(0, 1, 1)]).before(np.array([2**62]), np.array([0]))
    assert made([(2**62 - 2, 4, 1)]).before(np.array([2**62 - 2]), np.array([1])).tolist() == [[4, 1]]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(events=EVENTS, questions=QUESTIONS)
def test_the_newest_event_is_the_last_of_the_entity_before_the_position(
    events: list[tuple[int, int, int]], questions: list[tuple[int, int, int]]
) -> None:
    entity, position, _ = np.array(questions, dtype=np.int64).reshape(-1, 3).T
    position = np.minimum(position, len(events))
    found = made(events).newest(entity, position)
    for row, (one, end) in enumerate(zip(entity, position, strict=True)):
        assert found[row] == max((at for at in range(end) if events[at][0] == one), default=-1)
