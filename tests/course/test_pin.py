import json
import re
import statistics
from importlib.resources import files

import pytest

from mlsd_lab.course import pin as pin_function
from mlsd_lab.course.pin import PinError, bands_of, pin
from mlsd_lab.course.values import named_values
from mlsd_lab.errors import ConfigError, MlsdLabError

BANDS = {"als.recall": {"centre": 0.39214, "half_width": 0.004, "seeds": 10, "command": "python bands.py"}}


@pytest.fixture(autouse=True)
def known_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    assert callable(pin_function)
    monkeypatch.setattr(sys.modules["mlsd_lab.course.pin"], "_bands", lambda: BANDS)


@pytest.mark.parametrize("value", [0.39, 0.3961, 0.38815])
def test_within_the_band_the_output_is_the_same(value: float) -> None:
    shown = re.sub("⟨[^⟩]*⟩", "⟨⟩", repr(pin("als.recall", value)))
    assert shown == "als.recall = ⟨⟩ (over random starts 0.392 ± 0.004)"
    assert repr(named_values()["als.recall"]) == "0.392 ± 0.004"


@pytest.mark.parametrize("value", [0.3, 0.5, float("nan"), float("inf")])
def test_outside_it_says_what_was_expected_and_what_to_do(value: float) -> None:
    with pytest.raises(PinError, match=r"expected 0\.392 ± 0\.004, as 10 seeds .* on purpose: python bands\.py"):
        pin("als.recall", value)
    assert "als.recall" not in named_values()


def test_an_unknown_name_is_a_sentence() -> None:
    with pytest.raises(MlsdLabError, match=r"no\.such: expected a name that bands\.json has"):
        pin("no.such", 1)


def test_it_calculates_by_value_and_prints_its_own_digits_as_live() -> None:
    pinned = pin("als.recall", 0.39, "share")
    assert pinned / 2 == 0.195
    assert pinned < 0.391
    assert (pinned.value, type(pinned.value)) == (0.39, float)
    assert f"{pinned:.3f} {pinned} {pinned!s}" == "0.392" + 2 * (
        " als.recall = ⟨0.39 share⟩ (over random starts 0.392 ± 0.004 share)"
    )


def test_what_no_seed_changes_has_no_band(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    bands = bands_of({"popular": [0.20566, 0.20566]}, "python bands.py")
    monkeypatch.setattr(sys.modules["mlsd_lab.course.pin"], "_bands", lambda: bands)
    assert repr(pin("popular", 0.20566)) == "popular = ⟨0.206⟩ (whatever the seed: 0.2057)"
    assert repr(named_values()["popular"]) == "0.2057"


def test_bands_are_three_deviations_wide_rounded_up() -> None:
    values = [0.391, 0.392, 0.3931, 0.3905]
    band = bands_of({"als.recall": values}, "python bands.py")["als.recall"]
    assert band["centre"] == pytest.approx(statistics.fmean(values))
    assert 3 * statistics.stdev(values) <= band["half_width"] == 0.004
    assert (band["seeds"], band["command"]) == (4, "python bands.py")
    json.dumps(band)


@pytest.mark.parametrize(
    ("values", "half_width"), [([0.5, 0.5], 0.0005), ([700, 700], 0.7), ([0, 0], 0), ([1000, 3000], 5000)]
)
def test_bands_have_a_floor(values: list[float], half_width: float) -> None:
    assert bands_of({"x": values}, "")["x"]["half_width"] == half_width


@pytest.mark.parametrize("values", [[], [1.0], [1.0, float("nan")]])
def test_bands_need_two_finite_values(values: list[float]) -> None:
    with pytest.raises(ConfigError, match="x: expected finite values of two seeds or more"):
        bands_of({"x": values}, "")


def test_the_stored_bands_are_well_formed() -> None:
    stored = json.loads(files("mlsd_lab.course").joinpath("bands.json").read_text("utf-8"))
    assert all(set(band) >= {"centre", "half_width", "seeds", "command"} for band in stored.values())
