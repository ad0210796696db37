import json
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest

from mlsd_lab.datasets import Log
from mlsd_lab.datasets.rendered import rendered

RENDERED = import_module("mlsd_lab.datasets.rendered")


def a_log() -> Log:
    times = pd.date_range("2026-01-01", periods=7, freq="h", tz="UTC")
    frame = pd.DataFrame(
        {"user_id": list("abababa"), "video_id": 'x"y', "occurred_at": times, "rating": [1.5, None] * 3 + [4]}
    )
    return Log.from_frames(frame)


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 100])
def test_some_at_a_time_are_the_same_lines_as_all_at_once(
    rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = rendered(a_log().events, tmp_path / "lines")
    monkeypatch.setattr(RENDERED, "_ROWS", rows)
    assert rendered(a_log().events, tmp_path / "lines") == whole
    assert list(tmp_path.iterdir()) == []


def test_each_event_is_a_line_in_order_without_what_is_null(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in rendered(a_log().events, tmp_path / "lines").splitlines()]
    assert [line["event_id"] for line in lines] == [str(number) for number in range(7)]
    assert [line.get("rating") for line in lines] == [1.5, None, 1.5, None, 1.5, None, 4]
    assert ["rating" in line for line in lines] == [True, False] * 3 + [True]
    assert {line["video_id"] for line in lines} == {'x"y'}


def test_no_events_are_no_text(tmp_path: Path) -> None:
    log = a_log()
    assert rendered(log.events.iloc[:0], tmp_path / "lines") == b""


def test_a_place_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        rendered(a_log().events, tmp_path / "missing" / "lines")
