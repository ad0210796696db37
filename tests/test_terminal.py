from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from mlsd_lab.framing import Brief, size
from mlsd_lab.terminal import plain_table, shown, whiteboard

SCORE = {"auc": 0.74, "gauc": 0.65, "ndcg_at_10": 0.91, "log_loss": 0.54}


def report(exact_seconds: float = 1.0, annoy_seconds: float = 2.0) -> dict[str, Any]:
    data = {"title": "A log", "events": 1234, "users": 5, "videos": 678, "from": "2026-01-01", "until": "2026-01-02"}
    data["relevant"] = "clicked is true"
    names = ("als_exact", "als_annoy")
    retrieval = {
        "k": 100,
        "recall": {"als_exact": 0.4, "als_annoy": 0.39},
        "interval": {name: [0.3, 0.5] for name in names},
        "metrics": {name: {"coverage": {"value": 0.2}} for name in names},
        "verdict": ["als_exact and als_annoy cannot be told apart"],
    }
    ranking = SCORE | {"beside": {"retrieval_order": SCORE | {"log_loss": None}}, "verdict": ["it did not help"]}
    return {
        "data": data,
        "split": {"kind": "by_day", "time": "nothing later is in training"},
        "retrieval": retrieval,
        "ranking": ranking,
        "serving": {"requests": 300, "p50_ms": 9.46, "p99_ms": 14.7, "degraded": 0},
        "skew": {"compared": 63000, "mismatched": 0, "stale": 17},
        "recommendations": [{"user_id": "7", "liked_last": ["[b]Heat[/b]"], "recommended": ["Alien", "Fargo"]}],
        "timings": {"retrieve_als_exact_seconds": exact_seconds, "retrieve_als_annoy_seconds": annoy_seconds},
    }


def printed(content: dict[str, Any]) -> str:
    console = Console(file=StringIO(), width=120, highlight=False)
    for part in shown(content):
        console.print(part, soft_wrap=isinstance(part, str))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_each_number_that_matters_is_on_the_screen() -> None:
    text = printed(report())
    wanted = (
        "1,234 events",
        "0.3900",
        "20.0%",
        "9.5 ms",
        "63,000 served",
        "0 differ",
        "17 were stale",
        "it did not help",
    )
    assert [number for number in wanted if number not in text] == []


def test_titles_are_shown_as_they_are() -> None:
    assert "[b]Heat[/b]" in printed(report())


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        ((1.0, 2.0), "97.5% of exact search's recall and is 2.0 × slower; at 678 videos exact search is the better"),
        ((3.0, 2.0), "97.5% of exact search's recall and is 1.5 × faster"),
    ],
)
def test_whether_the_index_pays_is_said_from_what_was_measured(seconds: tuple[float, float], said: str) -> None:
    assert said in printed(report(*seconds))


def test_what_could_not_be_measured_is_said_with_its_reason() -> None:
    nothing = {"recall": None, "reason": "nobody came back"}
    text = printed(report() | {"retrieval": nothing, "ranking": None, "reason": "no ranker: one day alone"})
    assert "recall cannot be measured: nobody came back" in text
    assert "no ranker: one day alone" in text


def test_numbers_stand_to_the_right_and_names_to_the_left() -> None:
    assert [column.justify for column in plain_table("system", "recall", right="right").columns] == ["left", "right"]


def test_a_whiteboard_breaks_long_lines_under_their_own_column() -> None:
    brief = Brief.load("video-feed").changed(personal_data=[])
    console = Console(file=StringIO(), width=60)
    for part in whiteboard(brief, size(brief)):
        console.print(part, soft_wrap=isinstance(part, str))
    assert isinstance(console.file, StringIO)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    assert lines[lines.index("personal_data") + 1] == "  · no rules"
    first = lines.index("microseconds_per_candidate The most a candidate may take,")
    assert lines[first + 1] == " " * 27 + "scored one after the other, if"
    assert lines[lines.index("  = regions × ceil(requests_per_second_peak ÷ regions ×") + 1].startswith(" " * 4)
