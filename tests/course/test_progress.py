from pathlib import Path

import pytest

from mlsd_lab.course import check, compare, my_design, predict
from mlsd_lab.course.measure import Measurement
from mlsd_lab.course.progress import Row, progress_in
from mlsd_lab.errors import ConfigError

TOOK = Measurement("", 0.010, None)


def test_progress_is_by_notebook(course: Path) -> None:
    for key, low, high in (("0.1", 5, 20), ("0.2", 1, 2), ("4.1", 5, 20)):
        compare(predict(key, "ms", low, high), TOOK)
    predict("0.3", "ms", 1, 2)  # not yet revealed
    check("0.3", lambda *_: 1.5)
    my_design("04", "Two stages pay.")
    found = progress_in(course)
    assert [row.notebook for row in found.rows] == ["00", "04"], "what is not there has no row"
    assert found.rows[0] == Row("00", guesses=2, held=1, tried=1, solved=0, words=0)
    assert found.rows[1] == Row("04", guesses=1, held=1, tried=0, solved=0, words=3)
    assert repr(found) == "your 80 % ranges held the truth 2 of 3 times"


def test_a_second_sitting_counts_with_the_first(course: Path) -> None:
    compare(predict("2.10", "ms", 5, 20), TOOK)
    for notebook in ("02", "02_stream"):
        my_design(notebook, "Once, in order.")
    assert progress_in(course).rows == (Row("02", guesses=1, held=1, tried=0, solved=0, words=6),)


def test_late_guesses_do_not_count(course: Path) -> None:
    compare(predict("0.1", "ms"), TOOK)
    compare(predict("0.1", "ms", 9, 11), TOOK)
    assert sum(row.guesses for row in progress_in(course).rows) == 0


def test_a_folder_without_a_marker_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a course folder; make one with mlsd-lab lab"):
        progress_in(tmp_path)
