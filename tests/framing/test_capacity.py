import json
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsd_lab.errors import ConfigError
from mlsd_lab.framing import Brief, Capacity, size
from mlsd_lab.framing.capacity import FORMULAS

FEED = Brief.load("video-feed")

# Worked on paper; a request keeps a machine busy for 10 ms, a day has 86,400 s, a month 720 h.
PAPER: dict[str, dict[str, int | float | Fraction]] = {
    "video-feed": {
        "active_users_per_day": 300_000_000,  # 10⁹ × 0.3
        "requests_per_day": 3_000_000_000,  # 3 × 10⁸ × 10
        "requests_per_second_mean": Fraction(312_500, 9),  # 3 × 10⁹ ÷ 86,400 = 34,722.2...
        "requests_per_second_peak": Fraction(312_500, 3),  # × 3 = 104,166.6...
        "events_per_day": 30_000_000_000,  # 3 × 10⁹ × 10
        "events_per_second_peak": Fraction(3_125_000, 3),  # 34,722.2... × 3 × 10 = 1,041,666.6...
        "bytes_per_day": 15_000_000_000_000,  # 3 × 10¹⁰ × 500
        "bytes_per_year": 5_475_000_000_000_000,  # 1.5 × 10¹³ × 365
        "bytes_retained": 1_350_000_000_000_000,  # 1.5 × 10¹³ × 90
        "training_rows": 2_700_000_000_000,  # 3 × 10¹⁰ × 90
        "events_awaiting_label": 1_250_000_000,  # 3 × 10¹⁰ ÷ 24: the label takes an hour
        "catalogue_after_a_year": 465_000_000,  # 100 + 365 million
        "index_bytes": 25_600_000_000,  # 10⁸ × 64 × 4
        "index_bytes_float16": 12_800_000_000,  # half of it
        "index_bytes_codes": 1_600_000_000,  # 10⁸ × 16
        "embedding_table_bytes": 281_600_000_000,  # 1.1 × 10⁹ × 64 × 4
        "feature_store_bytes": 440_000_000_000,  # 1.1 × 10⁹ × 100 × 4
        "candidates_per_second": Fraction(156_250_000, 3),  # 104,166.6... × 500 = 52,083,333.3...
        "feature_reads_per_second": Fraction(15_625_000_000, 3),  # 104,166.6... × 500 × 100
        "microseconds_per_candidate": 400,  # 200,000 ÷ 500
        "network_bytes_per_second": Fraction(6_250_000_000, 3),  # 104,166.6... × 20,000
        "machines": 1740,  # a region: 104,166.6... ÷ 4 × 0.01 ÷ 0.6 = 434.03, so 435; × 4
        "usd_per_month": 1_879_200,  # 1740 × 1.5 × 720
        "usd_per_thousand_requests": 0.02088,  # a day: 1,879,200 ÷ 30 = 62,640; ÷ 3,000,000 thousands
        "budget_share": 0.9396,  # 1,879,200 ÷ 2,000,000
    },
    "ad-clicks": {
        "requests_per_second_mean": Fraction(1_562_500, 27),  # 5 × 10⁸ × 0.5 × 20 = 5 × 10⁹; ÷ 86,400 = 57,870.37
        "requests_per_second_peak": Fraction(3_125_000, 27),  # × 2 = 115,740.74
        "events_per_day": 15_000_000_000,  # 5 × 10⁹ × 3
        "bytes_per_year": 1_642_500_000_000_000,  # 1.5 × 10¹⁰ × 300 = 4.5 × 10¹²; × 365
        "events_awaiting_label": 312_500_000,  # 1.5 × 10¹⁰ ÷ 48: half an hour
        "index_bytes": 640_000_000,  # 5 × 10⁶ × 32 × 4
        "feature_reads_per_second": Fraction(62_500_000_000, 9),  # 115,740.74 × 200 × 300 = 6.944 × 10⁹
        "microseconds_per_candidate": 250,  # 50,000 ÷ 200
        "machines": 2315,  # a region: 115,740.74 ÷ 5 × 0.01 ÷ 0.5 = 462.96, so 463; × 5
        "usd_per_month": 2_000_160,  # 2315 × 1.2 = 2778; × 720
        "budget_share": 0.66672,  # 2,000,160 ÷ 3,000,000
    },
    "event-recommendation": {
        "requests_per_second_mean": Fraction(2500, 9),  # 6 × 10⁷ × 0.1 × 4 = 2.4 × 10⁷; ÷ 86,400 = 277.7...
        "requests_per_second_peak": Fraction(10_000, 9),  # × 4 = 1111.1...
        "events_per_day": 192_000_000,  # 2.4 × 10⁷ × 8
        "bytes_per_year": 28_032_000_000_000,  # 1.92 × 10⁸ × 400 = 7.68 × 10¹⁰; × 365
        "bytes_retained": 28_032_000_000_000,  # kept for a year
        "events_awaiting_label": 1_344_000_000,  # 1.92 × 10⁸ × 7 days
        "index_bytes": 192_000_000,  # 10⁶ × 48 × 4
        "feature_reads_per_second": Fraction(80_000_000, 3),  # 1111.1... × 400 × 60 = 2.6 × 10⁷
        "microseconds_per_candidate": 750,  # 300,000 ÷ 400
        "machines": 20,  # a region: 1111.1... ÷ 2 × 0.01 ÷ 0.6 = 9.26, so 10; × 2
        "usd_per_month": 11_520,  # 20 × 0.8 = 16; × 720
        "budget_share": 0.192,  # 11,520 ÷ 60,000
    },
    "harmful-content": {
        "requests_per_second_mean": Fraction(6250, 9),  # 3 × 10⁸ × 0.4 × 0.5 = 6 × 10⁷; ÷ 86,400 = 694.4...
        "requests_per_second_peak": Fraction(6250, 3),  # × 3 = 2083.3...
        "events_per_day": 60_000_000,  # one a request
        "bytes_per_year": 43_800_000_000_000,  # 6 × 10⁷ × 2000 = 1.2 × 10¹¹; × 365
        "events_awaiting_label": 120_000_000,  # 6 × 10⁷ × 2 days
        "catalogue_after_a_year": 41_900_000_000,  # 2 × 10¹⁰ + 365 × 6 × 10⁷ = 20 + 21.9 × 10⁹
        "index_bytes": 20_480_000_000_000,  # 2 × 10¹⁰ × 256 × 4
        "feature_reads_per_second": Fraction(2_500_000, 3),  # 2083.3... × 1 × 400
        "microseconds_per_candidate": 2_000_000,  # 2 s ÷ 1
        "machines": 42,  # a region: 2083.3... ÷ 3 × 0.01 ÷ 0.5 = 13.9, so 14; × 3
        "usd_per_month": 75_600,  # 42 × 2.5 = 105; × 720
        "budget_share": 0.189,  # 75,600 ÷ 400,000
    },
    "similar-listings": {
        "requests_per_second_mean": Fraction(3125, 3),  # 1.2 × 10⁸ × 0.05 × 15 = 9 × 10⁷; ÷ 86,400 = 1041.6...
        "requests_per_second_peak": Fraction(15_625, 6),  # × 2.5 = 2604.16...
        "events_per_day": 1_080_000_000,  # 9 × 10⁷ × 12
        "bytes_per_year": 98_550_000_000_000,  # 1.08 × 10⁹ × 250 = 2.7 × 10¹¹; × 365
        "events_awaiting_label": 32_400_000_000,  # 1.08 × 10⁹ × 30 days
        "events_not_yet_in_features": 1_080_000_000,  # a day's
        "index_bytes": 3_072_000_000,  # 6 × 10⁶ × 128 × 4
        "feature_reads_per_second": Fraction(156_250_000, 3),  # 2604.16... × 1000 × 20
        "microseconds_per_candidate": 100,  # 100,000 ÷ 1000
        "machines": 38,  # 2604.16... × 0.01 ÷ 0.7 = 37.2
        "usd_per_month": 13_680,  # 38 × 0.5 = 19; × 720
        "budget_share": 0.456,  # 13,680 ÷ 30,000
    },
}


@pytest.mark.parametrize("name", PAPER)
def test_the_shipped_briefs_are_what_they_are_on_paper(name: str) -> None:
    found = size(Brief.load(name))
    for key, expected in PAPER[name].items():
        if isinstance(expected, int):
            assert found[key].value == expected, key
            assert isinstance(found[key].value, int), key
        elif isinstance(expected, Fraction):
            assert found[key].quantity.to(found[key].unit) == expected, key
        else:
            assert found[key].value == pytest.approx(expected, rel=1e-12), key


def test_each_formula_was_worked_on_paper() -> None:
    assert set().union(*PAPER.values()) == {name for name, *_ in FORMULAS}


LOG = {"events_per_day", "events_per_second_peak", "bytes_per_day", "bytes_per_year", "bytes_retained"}
LOG |= {"training_rows", "events_awaiting_label", "events_not_yet_in_features"}
PEAK = {"requests_per_second_peak", "candidates_per_second", "feature_reads_per_second", "network_bytes_per_second"}
TRAFFIC = {"requests_per_day", "requests_per_second_mean"} | PEAK | LOG
TABLES = {"embedding_table_bytes", "feature_store_bytes"}
INDEX = {"index_bytes", "index_bytes_float16", "index_bytes_codes"}
MONEY = {"usd_per_month", "usd_per_thousand_requests", "budget_share"}  # compared a machine
NONE: set[str] = set()

# What is doubled: the outputs that double, those that halve, those that grow (a sum of which one part doubles), and
# what the machines needed before they are rounded up do.
DOUBLED = {
    "users": (TRAFFIC | {"active_users_per_day"}, {"usd_per_thousand_requests"}, TABLES, "double"),
    "daily_active_share": (TRAFFIC | {"active_users_per_day"}, {"usd_per_thousand_requests"}, NONE, "double"),
    "requests_per_user_day": (TRAFFIC, {"usd_per_thousand_requests"}, NONE, "double"),
    "events_per_request": (LOG, NONE, NONE, "stay"),
    "peak_factor": (PEAK | {"events_per_second_peak"}, NONE, NONE, "double"),
    "catalogue_videos": (INDEX, NONE, TABLES | {"catalogue_after_a_year"}, "stay"),
    "catalogue_growth_day": (NONE, NONE, {"catalogue_after_a_year"}, "stay"),
    "event_bytes": ({"bytes_per_day", "bytes_per_year", "bytes_retained"}, NONE, NONE, "stay"),
    "retention_days": ({"bytes_retained", "training_rows"}, NONE, NONE, "stay"),
    "latency_p99_ms": ({"microseconds_per_candidate"}, NONE, NONE, "stay"),
    "freshness_seconds": ({"events_not_yet_in_features"}, NONE, NONE, "stay"),
    "label_delay_seconds": ({"events_awaiting_label"}, NONE, NONE, "stay"),
    "regions": (NONE, NONE, NONE, "spread"),
    "budget_usd_month": (NONE, {"budget_share"}, NONE, "stay"),
    "embedding_dim": ({"embedding_table_bytes", "index_bytes", "index_bytes_float16"}, NONE, NONE, "stay"),
    "candidates": (
        {"candidates_per_second", "feature_reads_per_second"},
        {"microseconds_per_candidate"},
        NONE,
        "stay",
    ),
    "features_per_candidate": ({"feature_reads_per_second", "feature_store_bytes"}, NONE, NONE, "stay"),
    "response_bytes": ({"network_bytes_per_second"}, NONE, NONE, "stay"),
    "target_utilisation": (NONE, NONE, NONE, "halve"),
    "machine_usd_hour": (MONEY, NONE, NONE, "stay"),
    "service_ms": (NONE, NONE, NONE, "double"),
}
SHARES = {"daily_active_share", "target_utilisation"}
WHOLE = {"users", "catalogue_videos", "catalogue_growth_day", "event_bytes", "regions", "embedding_dim"}
WHOLE |= {"candidates", "features_per_candidate", "response_bytes"}


def inputs(name: str) -> st.SearchStrategy[Fraction]:
    """Whole numbers up to 400, others with two decimals; a share at most a half, so that it can double."""
    if name in WHOLE:
        return st.integers(1, 400).map(Fraction)
    return st.integers(1 if name in SHARES else 100, 50 if name in SHARES else 40_000).map(lambda n: Fraction(n, 100))


worlds = st.fixed_dictionaries({name: inputs(name) for name in DOUBLED})


def sized(values: dict[str, Fraction]) -> Capacity:
    fields = {name: value for name, value in values.items() if name != "service_ms"}
    return size(FEED.changed(**fields), service_ms=float(values["service_ms"]))


def exact(found: Capacity) -> dict[str, Fraction]:
    """The values without the machines; money a machine."""
    values = {name: one.quantity.value for name, one in found.derived.items()}
    machines = values.pop("machines")
    return {name: value / machines if name in MONEY else value for name, value in values.items()}


def test_the_table_names_each_input() -> None:
    assert set(DOUBLED) == {*FEED.quantities(), "service_ms"}


@pytest.mark.parametrize("name", DOUBLED)
@settings(max_examples=8, deadline=None)  # of each of 21 inputs
@given(values=worlds)
def test_doubling_an_input_changes_what_it_should_and_nothing_else(name: str, values: dict[str, Fraction]) -> None:
    double, halve, grow, _ = DOUBLED[name]
    before, after = exact(sized(values)), exact(sized(values | {name: 2 * values[name]}))
    for key, old in before.items():
        if key in grow:
            assert old < after[key] < 2 * old, key
        else:
            assert after[key] == old * (2 if key in double else Fraction(1, 2) if key in halve else 1), key


@pytest.mark.parametrize("name", DOUBLED)
@settings(max_examples=8, deadline=None)  # of each of 21 inputs
@given(values=worlds)
def test_doubling_an_input_changes_the_machines_as_far_as_rounding_up_allows(
    name: str, values: dict[str, Fraction]
) -> None:
    old = sized(values)["machines"].value
    new = sized(values | {name: 2 * values[name]})["machines"].value
    regions = int(values["regions"])
    bounds = {
        "stay": (old, old),
        "double": (2 * old - regions, 2 * old),  # a region: ceil(2x) is 2 ceil(x), or one less
        "halve": (old / 2, (old + regions) / 2),
        "spread": (old, old + regions),  # twice the regions: each at most one machine too many
    }
    least, most = bounds[DOUBLED[name][3]]
    assert least <= new <= most


@settings(max_examples=8, deadline=None)
@given(values=worlds)
def test_the_machines_are_enough_and_one_fewer_a_region_is_not(values: dict[str, Fraction]) -> None:
    found = sized(values)
    busy = found["requests_per_second_peak"].quantity.value * values["service_ms"] / 1000
    room = int(found["machines"].value) * values["target_utilisation"]
    assert room - values["regions"] * values["target_utilisation"] < busy <= room


def test_each_formula_has_a_sentence_and_a_unit_that_checks() -> None:
    found = size(FEED)
    assert list(found.derived) == [name for name, *_ in FORMULAS]
    assert all(sentence.endswith(".") for *_, sentence in FORMULAS)
    assert all(one.quantity.unit == one.unit for one in found.derived.values())


def test_it_says_its_units_once_and_that_the_service_time_is_assumed() -> None:
    said = repr(size(FEED, service_ms=12.5))
    assert said.count("1 GB is 10⁹ bytes, a month 30 days, a year 365 days.") == 1
    assert "assumed_service_ms" in said and "12.5 machine·ms/request" in said
    assert all(name in said for name, *_ in FORMULAS)


def test_as_json_and_as_a_table() -> None:
    found = size(FEED)
    document = json.loads(json.dumps(found.to_json()))
    assert document["index_bytes"]["value"] == 25_600_000_000 and document["index_bytes"]["unit"] == "bytes"
    assert document["machines"]["derivation"] == repr(found["machines"])
    frame = found.to_frame()
    assert list(frame.columns) == ["quantity", "value", "unit", "meaning"]
    assert frame.loc["requests_per_second_peak", "quantity"] == "104,167 requests/s"
    assert frame["value"].dtype == "float64" and len(frame) == len(FORMULAS)


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf"), True, "10"])
def test_a_service_time_is_a_positive_number(wrong: float) -> None:
    with pytest.raises(ConfigError, match="service_ms"):
        size(FEED, service_ms=wrong)


def test_an_unknown_name_is_named_with_a_near_one() -> None:
    with pytest.raises(ConfigError, match="found 'machine': did you mean machines"):
        size(FEED)["machine"]
