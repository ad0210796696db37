import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mlsd_lab.course.intervals import _draw, intervals
from mlsd_lab.evaluation import Estimate

CURVES = pd.DataFrame(
    {
        "for you": [Estimate(0, -1, 2), Estimate(-1, -2, 1), Estimate(-3, -4, -2.5)],
        "new": [Estimate(-1, -3, 0), Estimate(-5, -6, -4), Estimate(-9, -11, -8)],
    },
    index=[1 / 60, 1, 24],
)
TICKS = ["1 min", "1 h", "1 day"]


def test_each_value_stands_between_its_ends() -> None:
    axes = Figure().add_subplot()
    _draw(axes, CURVES, TICKS, "age", "%")
    for container, (_, curve) in zip(axes.containers, CURVES.items(), strict=True):
        line, _, (bars,) = container
        assert np.asarray(line.get_ydata()).tolist() == [each.value for each in curve]
        ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
        assert ends == [[each.low, each.high] for each in curve]


def test_curves_differ_by_more_than_colour_and_ages_are_written_out() -> None:
    axes = Figure().add_subplot()
    _draw(axes, CURVES, TICKS, "age", "%")
    lines = [container[0] for container in axes.containers]
    assert len({line.get_marker() for line in lines}) == len({line.get_linestyle() for line in lines}) == 2
    assert [text.get_text() for text in axes.get_xticklabels()] == TICKS
    assert axes.get_legend_handles_labels()[1] == list(CURVES)


def test_it_is_a_picture_whose_text_is_its_title() -> None:
    assert repr(intervals("by age", CURVES, TICKS, "age", "%")) == "picture: by age"
