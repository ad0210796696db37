from mlsd_lab.features.definition import derived
from mlsd_lab.features.needed import needed


@derived
def half(a: float) -> float:
    """Half of a."""
    return a / 2


@derived
def quarter(half: float, b: float) -> float:
    """Half of the half; b changes nothing."""
    return half / 2 + 0 * b


def test_a_column_needs_all_that_it_is_derived_from_over_several_steps_and_nothing_else() -> None:
    assert needed(["quarter"], [half, quarter]) == {"quarter", "half", "a", "b"}
    assert needed(["half", "c"], [half, quarter]) == {"half", "a", "c"}
    assert needed([], [half, quarter]) == frozenset()
