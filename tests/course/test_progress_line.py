import re
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from mlsd_lab.course.progress_line import progress_line


class Published:
    """What a notebook would be sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def publish(self, data: dict[str, str], transient: dict[str, Any], update: bool = False, **_: Any) -> None:
        self.sent.append({"data": data, "id": transient["display_id"], "update": update})


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Published:
    seen = Published()

    class Shell:
        display_pub = seen

    monkeypatch.setattr(InteractiveShell, "initialized", classmethod(lambda _: True))
    monkeypatch.setattr(InteractiveShell, "instance", classmethod(lambda _: Shell()))
    return seen


def test_one_line_moves_on_and_is_all_live(published: Published) -> None:
    move = progress_line()
    move("fit als", 0.25)
    move("done", 1.0)
    assert [sent["update"] for sent in published.sent] == [False, True, True]
    assert len({sent["id"] for sent in published.sent}) == 1
    assert "fit als · 25%" in published.sent[1]["data"]["text/plain"]
    for kind in ("text/plain", "text/html"):
        masked = {re.sub(r"⟨[^⟩]*⟩", "", sent["data"][kind]) for sent in published.sent}
        assert masked == {""}, "all of it must be masked, since only the first state reaches strict nbval"
