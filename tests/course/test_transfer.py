from html import escape

import pytest

from mlsd_lab.course.transfer import PROMPTS, transfer
from mlsd_lab.errors import ConfigError
from mlsd_lab.framing import Brief
from mlsd_lab.framing.metric_tree import metric_tree


def test_each_prompt_has_its_answers_folded_below_it() -> None:
    html = transfer()._repr_html_()
    assert html.count("<details>") == html.count("</details>") == 2 * len(PROMPTS) == 8
    for name in PROMPTS:
        assert Brief.load(name).prompt in html
    assert html.count("business goal: ") == 4
    before = html.partition("<details>")[0]
    assert "business goal" not in before
    assert "<table>" not in before


def test_each_card_holds_the_tree_of_its_own_prompt() -> None:
    _, *cards = transfer()._repr_html_().split("<p><b>")
    for name, card in zip(PROMPTS, cards, strict=True):
        assert card.startswith(f"{name}</b>: ")
        assert f"task: {escape(metric_tree(name).task)}\n" in card
        assert f"business goal: {escape(metric_tree(name).goal)}\n" in card


def test_another_prompt_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected a brief of video-feed"):
        transfer(["chess"])._repr_html_()
