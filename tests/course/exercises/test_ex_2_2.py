from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlsd_lab.course.check import check
from mlsd_lab.course.exercise import Case, exercise
from mlsd_lab.course.exercises.ex_2_2 import _confusions, _newest, _right
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.stream.consume import consume
from mlsd_lab.ingestion.stream.lake_sink import LakeSink
from mlsd_lab.ingestion.stream.sqlite_stream import SqliteStream
from tests.ingestion.stream.test_consume import NOW, event

ONE = exercise("2.2")
SOLUTION = ONE.function(ONE.solution)
CASE: Case = {
    "occurred_at": np.array([10, 20, 14, 17, 21]),
    "known_at": np.array([11, 21, 22, 30, 31]),
    "piece": np.array([0, 0, 1, 1, 2]),
    "lateness": 3,
}  # row 2 is late, row 3 exactly as late as is allowed


def answering(returned: str) -> Any:
    return ONE.function(f"def late(o, k, p, lateness): return {returned}")


@pytest.mark.parametrize("size", [1, 4, 100])
def test_the_rule_is_the_one_that_the_package_goes_by(tmp_path: Path, size: int) -> None:
    case = list(ONE.cases())[-1]
    stream, lake = SqliteStream(tmp_path / "stream.db"), Lake(tmp_path / "lake")
    stream.append([event(f"e{row}", at) for row, at in enumerate(case["occurred_at"].tolist())])
    pieces = list(consume(stream, LakeSink(lake), lambda: NOW, timedelta(minutes=case["lateness"]), size))
    stream.close()
    connection = connect()
    lake.view(connection, "late_events", "held")
    late = {name for (name,) in connection.execute("SELECT event_id FROM held").fetchall()}
    assert sum(one.late for one in pieces) == len(late)
    assert late == {f"e{row}" for row in np.flatnonzero(_right(case))}


def test_every_case_has_late_events_and_each_confusion_is_trapped_often() -> None:
    cases = list(ONE.cases())
    for case in cases:
        assert _right(case).any()
        assert (np.diff(case["known_at"]) >= 0).all()
        assert (case["known_at"] >= case["occurred_at"]).all()
        assert set(np.diff(case["piece"]).tolist()) <= {0, 1}
    for name in _confusions(CASE):
        assert sum((_confusions(case)[name] != _right(case)).any() for case in cases) >= 11


def test_other_pieces_change_nothing() -> None:
    for case in ONE.cases():
        for piece in (np.zeros_like(case["piece"]), np.arange(len(case["piece"]))):
            assert (SOLUTION(**{**case, "piece": piece}) == _right(case)).all()


@pytest.mark.parametrize(
    "answer",
    [
        "list(o < np.maximum.accumulate(o) - lateness)",
        "[bool(at < max(o[: n + 1]) - lateness) for n, at in enumerate(o)]",
        "(np.maximum.accumulate(o) - o > lateness).astype(int)",
        "np.append(False, o[1:] < np.maximum.accumulate(o)[:-1] - lateness)",
    ],
)
def test_right_answers_in_many_styles_pass(answer: str) -> None:
    assert check("2.2", answering(answer)).state == "solved"


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("o < k - lateness", "How slow a phone is"),
        ("[True] * len(o)", "Row 0 is marked and not late: nothing came before it."),
        ("o < np.maximum.accumulate(o) - lateness + 1", "that many are allowed"),
        ("o < o.mean() - lateness", "late"),
        ("o[o < o.max()]", "found"),
        ("None", "is a return missing?"),
    ],
)
def test_wrong_answers_get_a_sentence(answer: str, sentence: str) -> None:
    feedback = check("2.2", answering(answer))
    assert feedback.state == "wrong"
    assert sentence in feedback.text


def test_a_single_event_is_told_what_came_before() -> None:
    assert ONE.judge(CASE, [False, False, True, False, False]) == ""
    told = "Row 0 is marked and not late: nothing came before it."
    assert ONE.judge(CASE, [True, False, True, False, False]) == told
    told = (
        "Row 1 is marked and not late: the newest that came before it occurred no later than it, and 3 min are allowed."
    )
    assert ONE.judge(CASE, [False, True, True, False, False]) == told
    assert ONE.judge(CASE, [False] * 5).startswith("Row 2 is late: ")
    mask = _confusions(CASE)["equal"]
    assert ONE.judge(CASE, mask) == "Row 3 is exactly 3 min behind the newest: that many are allowed."


def test_as_many_entries_as_there_are_late_ones_are_known_for_what_they_are() -> None:
    assert "1 entries for 5 rows: 1 is how many are late; a mask" in ONE.judge(CASE, [True])


def test_no_sentence_is_silly() -> None:
    for case in ONE.cases():
        newest = _newest(case)
        assert all(one is not None and other is not None and one <= other for one, other in pairwise(newest[1:]))
        for mask in (*_confusions(case).values(), ~_right(case), np.ones(len(newest), bool)):
            if (mask == _right(case)).all():
                continue
            text = ONE.judge(case, mask)
            assert text
            assert "-" not in text
            assert " 0 min" not in text
            assert "None" not in text
