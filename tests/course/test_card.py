import pytest

from mlsd_lab.course.card import STEPS, card


@pytest.mark.parametrize("step", [*STEPS, None])
def test_one_step_is_lit(step: str | None) -> None:
    html = card(step)._repr_html_()
    assert html.count("#fff") == (step is not None)
    assert repr(card(step)).count("[") == (step is not None)
    assert all(f">{name} {minutes}<" in html for name, minutes in STEPS.items())
    assert "://" not in html


def test_the_minutes_add_up_to_an_interview() -> None:
    assert sum(STEPS.values()) == 45
