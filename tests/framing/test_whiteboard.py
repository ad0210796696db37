import pytest

from mlsd_lab.errors import ConfigError
from mlsd_lab.framing.quantity import Quantity
from mlsd_lab.framing.whiteboard import derive

KNOWN = {
    "requests_per_second_mean": Quantity.of(3_000_000_000, "requests/day") * 1,
    "peak_factor": Quantity.of(3),
    "videos": Quantity.of(10, "videos"),
    "bytes_per_float32": Quantity.of(4, "bytes/number"),
    "dim": Quantity.of(64, "numbers/video"),
    "wait": Quantity.of(1.5, "days"),
    "load": Quantity.of(2.5, "machines/region"),
    "regions": Quantity.of(4, "regions"),
}


def test_the_lines_are_the_formula_in_names_in_numbers_and_its_result() -> None:
    known = KNOWN | {
        "requests_per_second_mean": Quantity.of(Quantity.of(3e9, "requests/day").to("requests/s"), "requests/s")
    }
    peak = derive("requests_per_second_peak", "requests_per_second_mean * peak_factor", "requests/s", known)
    assert (
        peak.derivation
        == repr(peak)
        == (
            "requests_per_second_peak\n"
            "= requests_per_second_mean × peak_factor\n"
            "= 34,722 requests/s × 3\n"
            "= 104,167 requests/s"
        )
    )
    assert peak.lines == tuple(peak.derivation.split("\n"))


@pytest.mark.parametrize(
    ("formula", "unit", "value"),
    [
        ("videos * dim * bytes_per_float32", "bytes", 2560),
        ("videos * dim * bytes_per_float32", "kB", 2.56),
        ("regions * ceil(load / 0.5)", "machines", 20),
        ("regions * ceil(load / 0.6)", "machines", 20),
        ("ceil(0.1 * 3 / 0.3)", "", 1),
        ("2 + 3 * (4 - 1) / 2", "", 6.5),
        ("videos + 2 * videos - videos", "videos", 20),
        ("10 - 3 - 2", "", 5),
        ("wait", "h", 36),
        ("1e-3 * 1_000", "", 1),
    ],
)
def test_values(formula: str, unit: str, value: float) -> None:
    derived = derive("x", formula, unit, KNOWN)
    assert derived.value == value
    assert isinstance(derived.value, int) == (value == int(value))


def test_signs_and_brackets_are_written_as_on_a_whiteboard() -> None:
    assert derive("x", "2*(peak_factor-1)/1e-3 + ceil( 0.5 )", "", KNOWN).lines == (
        "x",
        "= 2 × (peak_factor − 1) ÷ 1e-3 + ceil( 0.5 )",
        "= 2 × (3 − 1) ÷ 1e-3 + ceil( 0.5 )",
        "= 4,001",
    )


@pytest.mark.parametrize(
    "formula",
    [
        *(
            "",
            " ",
            "videos *",
            "(videos",
            "videos ** 2",
            "videos // 2",
            "-videos",
            "+videos",
            "videos.unit",
            "True * 1",
        ),
        *("'a'", "[1]", "videos if 1 else 2", "lambda: 1", "max(videos)", "ceil(videos, 2)", "ceil()", "ceil", "f()()"),
        *("videos # more", "videos\n* 2", "__import__('os')", "1j", "videos % 2", "1e999", "ceil(x=1)", "(" * 5000),
        *("videos == 2", "not videos", "videos < 2", "(videos, 2)", "1 and 2", "x := 1", "\x00"),
    ],
)
def test_nothing_but_arithmetic_is_accepted(formula: str) -> None:
    with pytest.raises(ConfigError, match="x = "):
        derive("x", formula, "", KNOWN)


def test_an_unknown_name_is_named_with_a_near_one() -> None:
    with pytest.raises(ConfigError, match="expected a known name, found video: did you mean videos"):
        derive("x", "video * 2", "videos", KNOWN)
    with pytest.raises(ConfigError, match="known are none"):
        derive("x", "video * 2", "videos", {})


@pytest.mark.parametrize(
    ("formula", "unit"), [("videos + dim", "videos"), ("videos * dim", "bytes"), ("wait + 1", "s")]
)
def test_units_are_checked_at_each_step(formula: str, unit: str) -> None:
    with pytest.raises(ConfigError, match=r"^x = .*expected an amount in"):
        derive("x", formula, unit, KNOWN)


@pytest.mark.parametrize("formula", ["ceil(wait)", "ceil(videos * dim * bytes_per_float32)", "ceil(videos / wait)"])
def test_ceil_is_of_counts_only(formula: str) -> None:
    with pytest.raises(ConfigError, match="expected ceil of a count"):
        derive("x", formula, "s", KNOWN)
