import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import matplotlib
import pytest
from matplotlib.figure import Figure

from mlsd_lab.plotting import GREYS, plain_log, style, svg

DRAW = """
from matplotlib.figure import Figure
from mlsd_lab.plotting import style, svg
with style():
    figure = Figure()
    axes = figure.add_subplot()
    axes.plot([1, 2, 3], label="a <b> & c"), axes.plot([3, 1, 2], label="é")
    axes.legend()
    print(svg(figure), end="")
"""


def drawn() -> str:
    """Draw in a process of its own, so that nothing drawn before can matter."""
    done = subprocess.run([sys.executable, "-c", DRAW], capture_output=True, encoding="utf-8", check=True)
    return done.stdout


@pytest.fixture(scope="module")
def drawing() -> str:
    return drawn()


def test_the_same_figure_is_the_same_text_in_another_process(drawing: str) -> None:
    assert drawn() == drawing


def test_a_drawing_is_well_formed_and_stands_inline(drawing: str) -> None:
    assert ElementTree.fromstring(drawing).tag == "{http://www.w3.org/2000/svg}svg"


def test_a_drawing_has_no_date_and_refers_to_nothing_outside(drawing: str) -> None:
    assert "<dc:date>" not in drawing
    references = re.findall(r"""(?:href|src)\s*=\s*["']([^"']*)|url\(([^)]*)\)""", drawing)
    assert references
    assert all(one.startswith("#") for pair in references for one in pair if one)
    assert "<script" not in drawing
    assert "<image" not in drawing


def test_the_style_ends_with_its_block() -> None:
    before = dict(matplotlib.rcParams)
    with style():
        assert matplotlib.rcParams["axes.grid"] is True
        assert matplotlib.rcParams["axes.prop_cycle"].by_key()["color"] == list(GREYS)
    assert dict(matplotlib.rcParams) == before


def test_drawing_leaves_the_style_as_it_was_and_needs_no_display() -> None:
    before = dict(matplotlib.rcParams)
    svg(Figure())
    assert dict(matplotlib.rcParams) == before


def test_colours_differ_in_lightness_so_that_a_grey_print_can_be_read() -> None:
    shades = sorted(sum(w * int(c[at : at + 2], 16) for w, at in ((0.3, 1), (0.59, 3), (0.11, 5))) for c in GREYS)
    assert all(lighter - darker > 25 for darker, lighter in pairwise([*shades, 255]))


def test_plain_numbers_stand_at_one_two_and_five_of_each_power_of_ten() -> None:
    axes = Figure().add_subplot()
    axes.plot([0.3, 40_000], [1, 2])
    plain_log(axes.xaxis)
    labels = [axes.xaxis.get_major_formatter()(value) for value in axes.xaxis.get_major_locator()()]
    assert {"0.5", "1", "2", "5", "200", "20,000"} <= set(labels)
    assert axes.get_xscale() == "log"
    assert axes.get_yscale() == "linear"
