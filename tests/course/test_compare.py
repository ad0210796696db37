from pathlib import Path

import pytest

from mlsd_lab.course.compare import compare
from mlsd_lab.course.learner import read_progress
from mlsd_lab.course.live import Live
from mlsd_lab.course.measure import Measurement
from mlsd_lab.course.pin import Pinned
from mlsd_lab.course.predict import predict
from mlsd_lab.errors import ConfigError

SLOW = Measurement("4.1", 0.060, None, peak_bytes=3_000_000)
RECALL = Pinned("als.recall_at_100", 0.39123, 0.392, 0.004)


def test_without_a_guess_there_is_a_line_and_no_picture() -> None:
    found = compare(predict("4.1", "ms"), SLOW)
    assert repr(found) == "Guess 4.1: none · measured ⟨60 ms⟩"
    assert found.png() is None
    assert found._repr_html_() == f"<div>{found!r}</div>"


@pytest.mark.parametrize(
    ("unit", "low", "high", "line"),
    [
        ("ms", 5, 100, "your 5 to 100 ms held it · measured ⟨60 ms⟩"),
        ("ms", 5, 20, "your 5 to 20 ms missed it by 3 × · measured ⟨60 ms⟩"),
        ("s", 1, 3, "your 1 to 3 s missed it by 16.7 × · measured ⟨0.06 s⟩"),
        ("ms", -3, -1, "your -3 to -1 ms missed it by 61 · measured ⟨60 ms⟩"),
        ("MB", 2, 4, "your 2 to 4 MB held it · measured ⟨3 MB⟩"),
    ],
)
def test_a_guess_is_held_against_a_measurement(unit: str, low: float, high: float, line: str) -> None:
    found = compare(predict("4.1", unit, low, high), SLOW)
    assert repr(found) == f"Guess 4.1: {line}"
    assert (found.png() or b"").startswith(b"\x89PNG")
    assert line in found._repr_html_()  # the sentence, not the picture alone


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("share", "⟨0.391 share⟩ (over random starts 0.392 ± 0.004 share)"),
        ("%", "⟨39.1 %⟩ (over random starts 39.2 ± 0.4 %)"),
        ("", "⟨0.391⟩ (over random starts 0.392 ± 0.004)"),
    ],
)
def test_a_pinned_value_shows_its_band(unit: str, text: str) -> None:
    assert repr(compare(predict("4.2", unit), RECALL)) == f"Guess 4.2: none · measured {text}"


def test_a_live_ratio_compares_too() -> None:
    assert (
        repr(compare(predict("4.3", "×", 2, 5), Live(4.2, "×")))
        == "Guess 4.3: your 2 to 5 × held it · measured ⟨4.2 ×⟩"
    )


@pytest.mark.parametrize("unit", ["MB", "films", "%", ""])
def test_a_unit_that_does_not_fit_is_a_sentence(unit: str) -> None:
    with pytest.raises(ConfigError, match=r"4\.1: the guess does not fit the measurement"):
        compare(predict("4.1", unit), Measurement("4.1", 0.06, None))


def test_the_reveal_is_recorded(course: Path) -> None:
    compare(predict("4.1", "ms", 5, 20), SLOW)
    kept = read_progress(course)["predictions"]["4.1"]
    assert (kept["measured"], kept["measured_unit"], kept["held"], kept["after_reveal"]) == (60, "ms", False, False)


def test_a_late_guess_says_so() -> None:
    compare(predict("4.1", "ms"), SLOW)
    assert repr(compare(predict("4.1", "ms", 5, 100), SLOW)).endswith("made or changed after the answer was shown")
