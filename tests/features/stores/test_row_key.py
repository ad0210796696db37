"""No two entities share a key, whatever their ids hold."""

from hypothesis import given, settings
from hypothesis import strategies as st

from mlsd_lab.features.stores.row_key import key_parts, row_keys

TEXTS = st.text(st.one_of(st.characters(), st.sampled_from("0123456789:|")), max_size=6)  # also lone surrogates


@settings(max_examples=300, deadline=None, derandomize=True)
@given(number=st.integers(0, 99), parts=st.integers(1, 3).flatmap(lambda n: st.lists(TEXTS, min_size=n, max_size=n)))
def test_the_parts_of_a_key_are_read_back(number: int, parts: list[str]) -> None:
    (key,) = row_keys(number, [[part] for part in parts])
    assert key_parts(key, len(parts)) == parts
    assert key.startswith(b"%d|" % number)


def test_ids_that_look_like_the_lead_of_a_part_stay_apart() -> None:
    pairs = [("a", "1:b"), ("a1:", "b"), ("", "a1:b"), ("1:a", "b"), ("1", ":ab")]
    assert len(set(row_keys(1, [*zip(*pairs, strict=True)]))) == len(pairs)


def test_no_parts_are_no_keys() -> None:
    assert row_keys(0, []) == row_keys(0, [[]]) == []
