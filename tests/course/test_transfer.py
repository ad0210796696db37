import pytest

from mlsd_lab.course.transfer import PROMPTS, transfer
from mlsd_lab.errors import ConfigError
from mlsd_lab.framing import Brief


def test_each_prompt_has_its_answers_folded_below_it() -> None:
    html = transfer()._repr_html_()
    assert html.count("<details>") == html.count("</details>") == 2 * len(PROMPTS) == 8
    for name in PROMPTS:
        assert Brief.load(name).prompt in html
    assert html.count("business goal: ") == 4
    before = html.partition("<details>")[0]
    assert "business goal" not in before
    assert "<table>" not in before


def test_another_prompt_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected a brief of video-feed"):
        transfer(["chess"])._repr_html_()
