from mlsd_lab.course.note import note
from mlsd_lab.course.values import named_values


def test_a_noted_number_is_live_and_has_a_name() -> None:
    noted = note("9.1", 0.25)
    assert repr(noted) == "⟨250 ms⟩"
    assert bool(noted > 0.1)
    assert repr(named_values()["9.1"]) == "⟨250 ms⟩"
    assert repr(note("9.1", 12, "films")) == "⟨12 films⟩"
