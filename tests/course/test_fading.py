import numpy as np
import pytest

from mlsd_lab.course.fading import _FOUND, _LETTERS, _MISSING, _short, _write, fading
from mlsd_lab.errors import ConfigError

NAMES, STEPS = ["Alien", "Brazil", "Clerks"], ["100", "1,000"]
MARKS = np.array([[1, 1], [0, 1], [0, 0]], dtype=bool)


def test_what_is_missing_is_pale_and_stays_in_its_row() -> None:
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    _write(axes, NAMES, MARKS, STEPS)
    written = {(text.get_text(), text.get_position()[0]): text for text in axes.texts}
    for row, name in enumerate(NAMES):
        for step in range(len(STEPS)):
            text = written[name, step]
            assert text.get_color() == (_FOUND if MARKS[row, step] else _MISSING)
            assert text.get_position() == (step, row)
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the best on top


def test_it_is_a_picture_whose_text_is_its_title() -> None:
    shown = fading("three films", NAMES, MARKS, STEPS)
    assert repr(shown) == "picture: three films"
    assert shown.png.startswith(b"\x89PNG")


def test_a_long_title_is_cut_where_its_column_ends() -> None:
    assert _short("Alien") == "Alien"
    assert len(_short("Nausicaä of the Valley of the Wind")) <= _LETTERS
    assert _short("Nausicaä of the Valley of the Wind").endswith("…")


@pytest.mark.parametrize("found", [[[1, 0]], np.ones((2, 3)), np.ones((0, 0)), np.ones(6)], ids=np.shape)
def test_marks_of_another_shape_are_refused(found: object) -> None:
    with pytest.raises(ConfigError, match="names by steps"):
        fading("no", NAMES, found, STEPS)  # type: ignore[arg-type]
