import pytest

from mlsd_lab.course.diagram import _HERE, BOXES, diagram, times_of
from mlsd_lab.course.measure import Measurement
from mlsd_lab.errors import ConfigError


def texts(of: object) -> set[str]:
    return {text.get_text() for text in of.axes[0].texts}  # type: ignore[attr-defined]


def test_every_box_has_its_time() -> None:
    drawn = texts(diagram(times={"retrieve": Measurement("0.1", 0.0172, None), "rank": 0.002}).figure())
    assert {"17.2 ms", "2 ms", "retrieve", "monitor"} <= drawn


@pytest.mark.parametrize("here", [None, "00", *_HERE])
def test_every_place_can_be_lit(here: str | None) -> None:
    picture = diagram(here)
    assert picture._repr_png_().startswith(b"\x89PNG")
    lit = [patch for patch in picture.figure().axes[0].patches if patch.get_facecolor()[0] < 0.2]
    assert len(lit) >= len(set(_HERE.get(here or "", ())) & set(BOXES))


def test_what_is_not_in_the_picture_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match=r"expected boxes of log, .* found recall"):
        diagram(times={"recall": 1.0})
    with pytest.raises(ConfigError, match="expected here to be"):
        diagram("12")


def test_the_text_does_not_hold_what_was_measured() -> None:
    assert repr(diagram(times={"rank": 0.1})) == repr(diagram(times={"rank": 0.2}))


def test_the_boxes_take_their_times_from_a_report() -> None:
    report = {
        "timings": {"load_seconds": 1.0, "features_seconds": 2.0, "audit_seconds": 0.5, "total_seconds": 9.0},
        "serving": {"stages": {"retrieve": 3.0, "filter": 0.5, "arrange": 1.0}},
    }
    times = times_of(report)
    assert times == {
        "log": 1.0, "split": 2.0, "retrieve": 0.003, "filter seen": 0.0005, "arrange": 0.001
    }  # fmt: skip
    assert diagram(times=times).times == times
    assert times_of({"timings": {}, "serving": None}) == {}
