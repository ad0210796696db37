import pytest

from mlsd_lab.course.exercise import exercise
from mlsd_lab.errors import ConfigError


@pytest.mark.parametrize("key", ["9.9", "", "0", "0.1.2", "../x", "0_1"])
def test_an_unknown_number_is_a_sentence(key: str) -> None:
    with pytest.raises(ConfigError, match=f"expected the number of an exercise.*{key!r}"):
        exercise(key)


def test_displayed_it_is_the_statement() -> None:
    found = exercise("0.1")
    assert found._repr_markdown_().startswith("### Exercise 0.1: Only gems\n\nEverybody")
    assert repr(found) == "Exercise 0.1: Only gems"
