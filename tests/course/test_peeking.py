import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mlsd_lab.course.peeking import _draw, peeking
from mlsd_lab.errors import ConfigError

DAYS = pd.Series(pd.date_range("2026-01-01", periods=6, tz="UTC"))
LABEL = DAYS[2]
SEES = {"before": LABEL, "a day later": DAYS[4], "today": DAYS[5] + pd.Timedelta("1h")}
AUC = {"own rows": [0.6, 0.9, 0.8], "replay": [0.6, 0.5, 0.5]}


def drawn(axes: Axes) -> dict[tuple[object, object], int]:
    """How many events stand in each row, by their marker; one marker is of what was known and of what is not seen."""
    places = [(line.get_marker(), np.asarray(line.get_ydata())) for line in axes.lines if line.get_marker() in "oX"]
    return {
        (marker, row): sum((rows == row).sum() for m, rows in places if m == marker)
        for marker, _ in places
        for row in range(len(SEES))
    }


def test_leaked_is_what_became_known_from_the_moment_on_and_is_seen() -> None:
    axes = Figure().add_subplot()
    _draw(axes, DAYS, LABEL, SEES, AUC)
    assert drawn(axes) == {("X", 0): 0, ("X", 1): 2, ("X", 2): 4, ("o", 0): 6, ("o", 1): 4, ("o", 2): 2}


def test_each_measure_is_drawn_beside_its_join() -> None:
    figure = Figure()
    axes = figure.add_subplot()
    _draw(axes, DAYS, LABEL, SEES, AUC)
    _, beside = figure.axes
    assert {line.get_label(): np.asarray(line.get_xdata()).tolist() for line in beside.lines} == AUC
    assert beside.get_ylim() == axes.get_ylim()
    assert [text.get_text() for text in axes.get_yticklabels()] == list(SEES)


def test_it_is_a_picture_whose_text_is_its_title() -> None:
    shown = peeking("three joins", DAYS, LABEL, SEES, AUC)
    assert repr(shown) == "picture: three joins"
    assert shown.png.startswith(b"\x89PNG")


@pytest.mark.parametrize(("sees", "measured"), [({}, {}), (SEES, {"own rows": [0.6]})])
def test_values_of_another_number_are_refused(sees: dict[str, pd.Timestamp], measured: dict[str, list[float]]) -> None:
    with pytest.raises(ConfigError, match="a value a join"):
        peeking("no", DAYS, LABEL, sees, measured)
