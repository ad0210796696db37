import pytest

from mlsd_lab.course.rehearse import rehearse
from mlsd_lab.course.values import Value, register

GOOD = (
    "Retrieval takes 15 ms and finds 0.39 of them. I give up some recall in exchange for speed. "
    "The budget is 200 ms. If the catalogue is small, I would search all of it."
)


@pytest.fixture(autouse=True)
def measured() -> None:
    register("4.1", Value(0.0172, "s", live=True))
    register("als.recall", Value(0.392, "", live=False, text="0.392 ± 0.004"))


def missing(text: str) -> list[str]:
    return [sentence for met, sentence in rehearse("04", text).points if not met]


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_text_is_not_rehearsed_yet(text: str) -> None:
    assert repr(rehearse("04", text)) == "04 not rehearsed yet: write your answer into the text, as you would say it"


def test_a_good_answer_meets_every_point_and_says_what_was_checked() -> None:
    found = rehearse("04", GOOD)
    assert found.fine
    assert "15 ms, 0.39" in repr(found)
    assert repr(found).endswith("whether it is right, you judge.")
    assert "<br>" in found._repr_html_()


@pytest.mark.parametrize("number", ["17 ms", "0.017 s", "17,200 µs", "9 ms", "34 ms", "39 %", "0.4", "39 percent"])
def test_a_number_within_a_factor_of_two_counts(number: str) -> None:
    assert missing(f"It is {number}, but if it grows I trade it.") == []


def test_a_loss_is_said_without_its_sign() -> None:
    register("3.1", Value(-0.05, "s", live=True))
    assert missing("It loses 50 ms, but if it grows I trade it.") == []


@pytest.mark.parametrize("number", ["8 ms", "35 ms", "17 s", "17 MB", "4 %"])
def test_a_number_further_off_is_named(number: str) -> None:
    told = missing(f"It is {number}, but if it grows I trade it.")
    assert len(told) == 2
    assert f"not within 2 × of anything measured here: {number}" in told[1]


def test_an_answer_without_numbers_trade_off_or_condition_is_told_each() -> None:
    assert [sentence.partition(":")[0] for sentence in missing("It is fast.")] == [
        "no number with its unit that was measured here",
        "both sides of a trade-off",
        "a condition under which it flips",
    ]


def test_it_is_said_in_90_seconds() -> None:
    assert missing(f"{GOOD} " + "word " * 200)[0].endswith("words of at most 225")


def test_counts_without_a_unit_are_let_be() -> None:
    assert missing(f"{GOOD} I fetch 500 videos at p99, k=100, recall@100, 0.39 ± 0.004.") == []
