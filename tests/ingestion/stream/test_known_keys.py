import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlsd_lab.ingestion.stream.known_keys import KnownKeys

keys = st.lists(st.tuples(st.integers(-5, 5), st.integers(-3, 3)), min_size=1, max_size=30)


@given(added=st.lists(keys, max_size=8), asked=keys)
def test_it_knows_what_a_dictionary_knows(added: list[list[tuple[int, int]]], asked: list[tuple[int, int]]) -> None:
    known = KnownKeys()
    for some in added:
        known.add(np.array(some).T)
    expected: dict[int, set[int]] = {}
    for name, content in (one for some in added for one in some):
        expected.setdefault(name, set()).add(content)
    wanted = {name for name, _ in asked}
    assert known.contents(np.array(asked)[:, 0]) == {name: expected[name] for name in wanted & set(expected)}


def test_after_many_small_additions_few_arrays_are_searched() -> None:
    known = KnownKeys()
    for number in range(1_000):
        known.add(np.array([[number], [0]]))
    assert len(known._levels) <= 10
    assert known.contents(np.arange(1_000)) == {number: {0} for number in range(1_000)}
