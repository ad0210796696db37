from mlsd_lab.course.values import Value, named_values, register


def test_measuring_again_replaces_the_value() -> None:
    register("0.1", Value(1.0, "s", live=True))
    register("0.1", Value(2.0, "s", live=True))
    assert repr(named_values()["0.1"]) == "⟨2 s⟩"


def test_a_text_stands_for_the_digits() -> None:
    assert repr(Value(0.39123, "", live=False, text="0.392 ± 0.004")) == "0.392 ± 0.004"
