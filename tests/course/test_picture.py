from typing import Any

from mlsd_lab.course.picture import picture
from mlsd_lab.plotting import GREYS


def test_a_picture_is_drawn_on_the_axes_it_is_given_and_says_what_it_shows() -> None:
    seen: list[Any] = []

    def draw(axes: Any) -> None:
        seen.append(axes)
        axes.bar([0, 1], [2, 3])

    drawn = picture("two bars", draw)
    assert drawn._repr_png_().startswith(b"\x89PNG")
    assert repr(drawn) == "picture: two bars"
    assert seen[0].get_title(loc="left") == "two bars"
    assert seen[0].patches[0].get_facecolor()[:3] == tuple(int(GREYS[0][at : at + 2], 16) / 255 for at in (1, 3, 5))


def test_the_same_drawing_is_the_same_picture() -> None:
    first, again = (picture("a line", lambda axes: axes.plot([1, 2])).png for _ in range(2))
    assert first == again
