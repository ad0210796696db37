from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlsd_lab.course import compare, measure, predict
from mlsd_lab.course.learner import read_progress
from mlsd_lab.errors import ConfigError


def test_no_guess_is_not_recorded() -> None:
    assert repr(predict("0.1", "ms")) == "Guess 0.1: none yet; put your 80 % range into low= and high="
    assert read_progress()["predictions"] == {}


def test_a_guess_is_recorded(course: Path) -> None:
    assert repr(predict("0.1", "ms", np.float64(5), 20)) == "Guess 0.1, your 80 % range: 5 to 20 ms"
    kept = {"low": 5.0, "high": 20.0, "unit": "ms", "after_reveal": False}
    assert read_progress(course)["predictions"] == {"0.1": kept}


@pytest.mark.parametrize(
    ("low", "high"), [(1, None), (None, 1), (2, 1), (float("nan"), 1), (1, float("inf")), ("1", "2"), (1, [2])]
)
def test_half_a_range_or_none_is_a_sentence(low: Any, high: Any) -> None:
    with pytest.raises(ConfigError, match=r"^0\.1: expected"):
        predict("0.1", "ms", low, high)


def test_a_unit_is_a_text() -> None:
    with pytest.raises(ConfigError, match="expected a unit as text"):
        predict("0.1", 5)  # type: ignore[arg-type]


def test_beliefs_are_folded_and_escaped() -> None:
    html = predict("0.1", "ms", beliefs={"<1 ms": "it is all in memory"})._repr_html_()
    assert "<details><summary>" in html
    assert "“&lt;1 ms”: it is all in memory" in html
    assert "<details>" not in predict("0.1", "ms")._repr_html_()


def test_a_guess_changed_after_the_reveal_is_labelled(course: Path) -> None:
    compare(predict("0.1", "ms", 5, 20), measure("0.1", lambda: None))
    assert not predict("0.1", "ms", 5, 20).after_reveal, "the same guess, run again"
    assert "does not count" in repr(predict("0.1", "ms", 5, 21))
    assert predict("0.1", "ms", 5, 21).after_reveal, "it stays labelled"
    kept = read_progress(course)["predictions"]["0.1"]
    assert (kept["low"], kept["high"], kept["after_reveal"]) == (5, 20, False), "the one made in time counts"


def test_a_first_guess_after_the_reveal_is_labelled() -> None:
    compare(predict("0.1", "ms"), measure("0.1", lambda: None))
    assert predict("0.1", "ms", 5, 20).after_reveal
