import pytest

from mlsd_lab.course.units import band, convert, number, quantity
from mlsd_lab.errors import ConfigError


@pytest.mark.parametrize(
    ("value", "unit", "to", "expected"),
    [
        (2, "s", "ms", 2000),
        (5, "us", "µs", 5),
        (1.5, "GB", "MB", 1500),
        (0.25, "share", "%", 25),
        (40, "%", "", 0.4),
        (3, "films", "films", 3),
    ],
)
def test_units_of_one_kind_convert(value: float, unit: str, to: str, expected: float) -> None:
    assert convert(value, unit, to) == pytest.approx(expected)


@pytest.mark.parametrize(("unit", "to"), [("ms", "MB"), ("films", "users"), ("", "ms"), ("films", "%")])
def test_units_of_two_kinds_do_not(unit: str, to: str) -> None:
    with pytest.raises(ConfigError, match="units of one kind"):
        convert(1, unit, to)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (3.2e-6, "s", "3.2 µs"),
        (0.99951, "s", "1 s"),
        (0.9994, "s", "999 ms"),
        (90, "s", "90 s"),
        (1500, "B", "1.5 kB"),
        (5e15, "B", "5,000 TB"),
        (0, "s", "0 µs"),
        (671, "people", "671 people"),
        (100004, "", "100,004"),
    ],
)
def test_a_quantity_is_written_for_a_person(value: float, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


@pytest.mark.parametrize(
    ("centre", "half_width", "text"),
    [
        (0.39214, 0.004, "0.392 ± 0.004"),
        (0.3, 0.2, "0.3 ± 0.2"),
        (9066, 10, "9,070 ± 10"),
        (5, 0, "5"),
        (12.34, 3, "12 ± 3"),
    ],
)
def test_a_band_has_the_digits_of_its_half_width(centre: float, half_width: float, text: str) -> None:
    assert band(centre, half_width) == text


def test_numbers_have_three_digits() -> None:
    assert [number(x) for x in (0.0123456, 12.3456, 999.4, 12345.6, float("inf"))] == [
        "0.0123",
        "12.3",
        "999",
        "12,346",
        "inf",
    ]
