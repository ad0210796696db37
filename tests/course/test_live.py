import pytest

from mlsd_lab.course.live import Live, Verdict


def test_comparisons_are_verdicts_with_a_margin() -> None:
    verdicts = [Live(12) > 3, Live(12) >= 12, Live(1) < 4, Live(2) <= 1, Live(6) > Live(3)]
    assert [bool(verdict) for verdict in verdicts] == [True, True, True, False, True]
    assert [verdict.margin for verdict in verdicts] == [4, 1, 4, 2, 2]


@pytest.mark.parametrize(("value", "threshold"), [(0.0, 1.0), (1.0, 0.0), (-2.0, 1.0)])
def test_where_a_ratio_means_nothing_there_is_no_margin(value: float, threshold: float) -> None:
    assert (Live(value) > threshold).margin == 1


def test_arithmetic_stays_live() -> None:
    assert repr(Live(6, "ms") / Live(3, "ms")) == "⟨2 ×⟩"
    assert repr(2 * Live(0.002, "s") / 4) == "⟨1 ms⟩"
    assert repr(Verdict(True, 4.0)) == "⟨True, 4.0 × from the threshold⟩"
