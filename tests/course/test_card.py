import pytest

from mlsd_lab.course.card import STEPS, card


@pytest.mark.parametrize("steps", [(), *((step,) for step in STEPS), ("clarify", "frame")])
def test_the_steps_asked_for_are_lit(steps: tuple[str, ...]) -> None:
    html = card(*steps)._repr_html_()
    assert html.count("#fff") == len(steps)
    assert [name.split()[0] for name in repr(card(*steps)).split("[")[1:]] == list(steps)
    assert all(f">{name} {minutes}<" in html for name, minutes in STEPS.items())
    assert "://" not in html


def test_the_minutes_add_up_to_an_interview() -> None:
    assert sum(STEPS.values()) == 45
