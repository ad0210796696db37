import math
from fractions import Fraction
from typing import Any

import numpy as np
import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsd_lab.errors import ConfigError
from mlsd_lab.framing.quantity import Number, Quantity

COUNTS = ("user", "request", "event", "video", "page", "usd")
WORDS = ("s", "ms", "µs", "min", "h", "day", "month", "year", "byte", "kB", "MB", "GB", "TB", "PB", "bit", "%", *COUNTS)
THEIRS = {"month": "month30", "year": "year365", "%": "percent"}  # pint's own month and year are astronomical
PINT: pint.UnitRegistry[Fraction] = pint.UnitRegistry(non_int_type=Fraction)
for _definition in (*(f"{word} = [{word}]" for word in COUNTS), "month30 = 30 * day", "year365 = 365 * day"):
    PINT.define(_definition)

words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4)
numbers = st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=1000)


def ours(over: list[str], under: list[str]) -> str:
    return "/".join(["·".join(over), *under])


def in_pint(value: Fraction, over: list[str], under: list[str]) -> "pint.Quantity[Fraction]":
    text = " * ".join(THEIRS.get(word, word) for word in over)
    return PINT.Quantity(value, text + "".join(f" / {THEIRS.get(word, word)}" for word in under))


def sibling(word: str) -> list[str]:
    """The words of the same kind."""
    kinds = [WORDS[:8], WORDS[8:15], *([word] for word in WORDS[15:])]
    return next(list(kind) for kind in kinds if word in kind)


@given(numbers, words, words, st.data())
def test_conversions_are_those_of_pint(value: Fraction, over: list[str], under: list[str], data: st.DataObject) -> None:
    to_over = data.draw(st.permutations([data.draw(st.sampled_from(sibling(word))) for word in over]))
    to_under = data.draw(st.permutations([data.draw(st.sampled_from(sibling(word))) for word in under]))
    expected = in_pint(value, over, under).to(in_pint(Fraction(1), to_over, to_under).units).magnitude
    assert Quantity.of(value, ours(over, under)).to(ours(to_over, to_under)) == expected


@given(numbers, numbers.filter(bool), words, words)
def test_products_and_quotients_are_those_of_pint(left: Fraction, right: Fraction, a: list[str], b: list[str]) -> None:
    first, second = Quantity.of(left, ours(a, [])), Quantity.of(right, ours(b, []))
    expected = in_pint(left, a, []) / in_pint(right, b, [])
    assert (first / second).to(ours(a, b)) == expected.to(in_pint(Fraction(1), a, b).units).magnitude
    expected = in_pint(left, a, []) * in_pint(right, b, [])
    assert (first * second).to(ours([*a, *b], [])) == expected.to(in_pint(Fraction(1), [*a, *b], []).units).magnitude


@given(st.lists(st.sampled_from(COUNTS + WORDS[:8])), st.lists(st.sampled_from(COUNTS + WORDS[:8])))
def test_what_pint_refuses_to_add_is_refused(a: list[str], b: list[str]) -> None:
    left, right = Quantity.of(1, ours(["s", *a], [])), Quantity.of(2, ours(["s", *b], []))
    theirs_left, theirs_right = in_pint(Fraction(1), ["s", *a], []), in_pint(Fraction(2), ["s", *b], [])
    if theirs_left.dimensionality == theirs_right.dimensionality:
        assert (left + right).value == (theirs_left + theirs_right).to_base_units().magnitude
        assert (left < right) == (theirs_left < theirs_right)
    else:
        with pytest.raises(ConfigError, match="multiply it by"):
            left + right
        with pytest.raises(ConfigError, match="multiply it by"):
            assert left < right
        assert left != right


def test_a_float_enters_by_its_decimal_text() -> None:
    assert Quantity.of(0.1).value == Fraction(1, 10)
    assert (Quantity.of(0.1, "machines") + Quantity.of(0.2, "machines")) / 0.3 == Quantity.of(1, "machine")
    assert math.ceil(3 * 0.1 / 0.3 * 10) == 11  # what floats would buy
    assert (3 * Quantity.of(0.1, "machines") / 0.3 * 10).ceil("machines") == 10


def test_plain_numbers_join_where_there_is_no_unit() -> None:
    half = Quantity.of(50, "%")
    assert half - 0 == half == 0.5 and half + 1 == 1 + half == Fraction(3, 2)
    assert 1 / half == 2 and half - 0.5 == 0 and half <= 1 and half < 1 and not half >= 1
    assert hash(half) == hash(0.5) and hash(Quantity.of(1, "h")) == hash(Quantity.of(60, "min"))
    assert Quantity.of(1) != "1" and Quantity.of(1) != True and Quantity.of(1) != math.nan  # noqa: E712
    assert (1 / Quantity.of(2, "s")).base_unit == "1/s" and Quantity.of(0.5, "1/s") == 1 / Quantity.of(2, "s")
    with pytest.raises(ConfigError, match="expected an amount in users, found 1"):
        Quantity.of(3, "users") + 1
    with pytest.raises(ConfigError, match=r"expected a plain number, found 3 users: multiply it by .* 1/user first"):
        Quantity.of(3, "users").to("")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (Fraction(3 * 10**9, 86_400), "requests/s", "34,722 requests/s"),
        (0.19, "pages/user/day", "0.19 pages/user/day"),
        (1, "requests/s", "1 request/s"),
        (2, "request", "2 requests"),
        (2_560_000_000_000, "bytes", "2.56 TB"),
        (999, "B", "999 B"),
        (1000, "bytes/s", "1 kB/s"),
        (999_600, "bytes", "0.9996 MB"),
        (3 * 10**19, "bytes", "30,000 PB"),
        (2560, "GB", "2,560 GB"),
        (30, "%", "30 %"),
        (0.3, "share", "0.3"),
        (1234.5, "usd/month", "1,234 usd/month"),
        (0.02088, "usd", "0.02088 usd"),
        (10, "machine·ms/request", "10 machine·ms/request"),
        (-1500, "bytes", "-1.5 kB"),
    ],
)
def test_text_for_a_person(value: Number, unit: str, text: str) -> None:
    assert Quantity.of(value, unit).text() == text


@pytest.mark.parametrize("unit", ["requests/", "/s", "requests//s", "·s", "users * s", "requests per s"])
def test_a_unit_that_is_no_unit_is_refused(unit: str) -> None:
    with pytest.raises(ConfigError, match="words joined by · and /"):
        Quantity.of(1, unit)


def test_an_unknown_word_names_near_ones() -> None:
    with pytest.raises(ConfigError, match="found 'requets' in 'requets/s': did you mean request"):
        Quantity.of(1, "requets/s")
    with pytest.raises(ConfigError, match="the words are s, ms"):
        Quantity.of(1, "zzz")


@pytest.mark.parametrize("value", [math.nan, math.inf, True, "3", None])
def test_what_is_no_finite_number_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match="expected a finite number, found"):
        Quantity.of(value, "users")  # type: ignore[arg-type]


def test_division_by_zero_is_refused() -> None:
    with pytest.raises(ConfigError, match="other than 0"):
        Quantity.of(1, "user") / Quantity.of(0, "day")


@pytest.mark.parametrize("text", ["", "users", "3 4 users", "1e9999 s", "9" * 5000, "--3 s", "nan s"])
def test_a_text_that_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="expected a"):
        Quantity.read(text)


def test_a_text_is_read_exactly() -> None:
    assert Quantity.read(" 0.1 s ").value == Fraction(1, 10)
    assert Quantity.read("1_000_000").value == Quantity.read("1,000,000").value == 10**6
    assert Quantity.read("2.5e3 µs").to("ms") == Fraction(5, 2)
    assert Quantity.read("1 μs") == Quantity.read("1 µs")  # the Greek letter and the sign


@pytest.mark.parametrize("text", ["0,2 s", "1,5 s", "1,,000 users", "12,34,567 users", "2,5", "1,0000 users"])
def test_a_decimal_comma_is_refused_and_not_read_as_a_larger_number(text: str) -> None:
    with pytest.raises(ConfigError, match="expected a number and its unit"):
        Quantity.read(text)


@pytest.mark.parametrize("number", [np.int64(3), np.int8(3), np.float64(3), np.float32(3), Fraction(3)])
def test_numbers_of_numpy_are_numbers(number: Any) -> None:
    assert Quantity.of(number, "users") == Quantity.of(3, "users")
