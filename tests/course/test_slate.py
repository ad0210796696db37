import numpy as np
import pytest

from mlsd_lab.course.checkpoint import Checkpoint
from mlsd_lab.course.slate import slate
from mlsd_lab.datasets import load
from mlsd_lab.evaluation import Popular
from mlsd_lab.retrieval import ALS, AnnoyIndex


@pytest.fixture(scope="module")
def start() -> Checkpoint:
    log = load("movielens")
    als = ALS(factors=16, iterations=5).fit(log)
    return Checkpoint("00", log, als, Popular().fit(log), AnnoyIndex.build(als.video_factors_, trees=5))


def test_a_slate_has_ten_films_that_were_not_named_each_with_a_named_one(start: Checkpoint) -> None:
    made = slate(start, ["toy story", "MATRIX", "amélie"])
    assert made.named == ("Toy Story", "The Matrix", "Amelie")
    assert len(made.rows) == 10
    assert not set(made.named) & {film for film, _, _ in made.rows}
    assert {why for _, why, _ in made.rows} <= set(made.named)
    assert str(made).count("like") == 10
    assert made._repr_html_().count("<tr>") == 11


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("the godfather", "The Godfather"),
        ("godfather part ii", "Godfather: Part II, The"),
        ("Batman", "Batman"),
        ("leon professional", "Léon: The Professional"),
        ("amelie poulain", "Amelie"),
    ],
)
def test_a_few_words_find_the_film_one_means(start: Checkpoint, name: str, title: str) -> None:
    assert slate(start, [name], k=1).named == (title.replace("Godfather: Part II, The", "The Godfather: Part II"),)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Titanik", "near are Titanic"),
        ("spirted away", "near are Spirited Away"),
        ("zqx§%", "try one word"),
        ("", "found ''"),
    ],
)
def test_a_film_that_is_not_there_is_a_sentence_with_those_near(start: Checkpoint, name: str, sentence: str) -> None:
    made = slate(start, [name])
    assert made.rows == ()
    assert sentence in repr(made)
    assert "<table>" not in made._repr_html_()


def test_one_title_is_one_film(start: Checkpoint) -> None:
    assert slate(start, "heat") == slate(start, ["heat"])


def test_what_is_out_of_reach_is_not_shown(start: Checkpoint) -> None:
    made = slate(start, "heat", lambda scores, raters, _: np.where(raters > 338, scores, -np.inf))
    assert [film for film, _, _ in made.rows] == ["Forrest Gump"]
    assert "only 1 films are left" in repr(made)


def test_a_reason_of_ones_own_is_shown(start: Checkpoint) -> None:
    named = ["toy story", "heat"]
    first = slate(start, named, reason=lambda _film, liked, _factors: liked[0])
    assert {why for _, why, _ in first.rows} == {"Toy Story"}
    assert [film for film, _, _ in first.rows] == [film for film, _, _ in slate(start, named).rows]


@pytest.mark.parametrize(
    ("reason", "note"),
    [(lambda *_: 1 / 0, "raised ZeroDivisionError"), (lambda *_: 17, "had not"), (lambda *_: None, "raised TypeError")],
)
def test_a_reason_that_fails_leaves_those_of_before(start: Checkpoint, reason: object, note: str) -> None:
    made = slate(start, ["toy story", "heat"], reason=reason)  # type: ignore[arg-type]
    assert made.rows == slate(start, ["toy story", "heat"]).rows
    assert note in repr(made)


def test_scores_may_be_changed_before_the_cut(start: Checkpoint) -> None:
    made = slate(start, ["toy story"], lambda scores, raters, most: np.where(raters > most, -np.inf, scores), most=30)
    assert max(raters for _, _, raters in made.rows) <= 30
    assert slate(start, ["toy story"], lambda scores, *_: scores).rows == slate(start, ["toy story"]).rows


@pytest.mark.parametrize(
    ("rescore", "note"),
    [
        (lambda *_: 1 / 0, "raised ZeroDivisionError"),
        (lambda scores, *_: scores[:3], "no score for some film"),
        (lambda *_: None, "no score for some film"),
        (lambda scores, *_: scores * np.nan, "no score for some film"),
        (lambda *_: "high", "raised ValueError"),
    ],
)
def test_a_line_that_fails_leaves_the_slate_as_it_was(start: Checkpoint, rescore: object, note: str) -> None:
    made = slate(start, ["toy story"], rescore)  # type: ignore[arg-type]
    assert made.rows == slate(start, ["toy story"]).rows
    assert note in str(made)
    assert note in made._repr_html_()
