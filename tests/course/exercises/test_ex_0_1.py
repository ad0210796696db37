import numpy as np

from mlsd_lab.course.check import check


def test_any_value_below_every_gem_counts() -> None:
    assert check("0.1", lambda scores, raters, most: np.where(raters > most, scores - 1e9, scores)).state == "solved"
    assert check("0.1", lambda scores, raters, most: np.where(raters > most, scores.min(), scores)).state == "wrong"


def test_a_list_is_an_answer() -> None:
    def gems(scores: list[float], raters: list[int], most: int) -> list[float]:
        return [-99.0 if many > most else score for score, many in zip(scores, raters, strict=True)]

    assert check("0.1", gems).state == "solved"


def test_nan_is_no_place_to_put_a_film() -> None:
    assert "NaN" in check("0.1", lambda scores, raters, most: np.where(raters > most, np.nan, scores)).text


def test_a_gem_put_up_is_seen() -> None:
    text = check("0.1", lambda scores, raters, most: np.where(raters > most, scores, scores + 10)).text
    assert "gems keep theirs" in text
