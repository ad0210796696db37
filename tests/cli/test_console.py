from typing import Any

import pytest

from mlsd_lab.cli.console import console, progress_bar, say, stop
from mlsd_lab.terminal import escaped, plain_table


def test_a_sentence_stays_one_line_and_a_table_fits_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    say("word " * 30 + "end")
    table = plain_table("column")
    table.add_row("word " * 30)
    say(table)
    sentence, *rows = capsys.readouterr().out.splitlines()
    assert sentence == "word " * 30 + "end"
    assert max(map(len, rows)) <= 40


def test_data_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    say(escaped("[/b]:smile: 3"))
    assert capsys.readouterr().out == "[/b]:smile: 3\n"


def test_a_stop_is_one_sentence_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        stop("no such log: [/red]")
    assert tuple(capsys.readouterr()) == ("", "mlsd-lab: no such log: [/red]\n")


@pytest.mark.parametrize("watched", [True, False])
def test_a_bar_is_drawn_where_somebody_watches(
    watched: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def here(**options: Any) -> Any:
        return console(force_terminal=watched, **options)

    monkeypatch.setattr("mlsd_lab.cli.console.console", here)
    with progress_bar() as on_progress:
        on_progress("learn candidates", 0.5)
    out, err = capsys.readouterr()
    assert out == ""
    assert ("learn candidates" in err) == watched
