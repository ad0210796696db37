"""Declarations that cannot be kept are refused where they are made, values that cannot be summed where they arise."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.features import About, Catalogue, Count, Mean, Sum, Windowed, derived, last, windowed
from mlsd_lab.features.about import DAY, HOUR
from mlsd_lab.features.aggregate import SCALE
from mlsd_lab.features.past import Past
from mlsd_lab.features.window import Window

EVENTS = pd.DataFrame({"user_id": ["a", "b", "a"], "watch_seconds": [1.5, np.nan, -2.25]})


def returning(value: Any) -> Windowed:
    def made(_: pd.DataFrame) -> Any:
        """Whatever the test says."""
        return value

    return windowed(entity="user_id", over=("1d",), aggregate=Sum)(made)


def test_a_value_is_a_count_and_a_whole_number_of_a_2_20th_and_a_null_is_neither() -> None:
    expected = [[1, int(1.5 * SCALE)], [0, 0], [1, int(-2.25 * SCALE)]]
    assert returning(EVENTS.watch_seconds).contributions(EVENTS).tolist() == expected


def test_halves_are_rounded_to_even() -> None:
    halves = np.array([0.5, 1.5, -2.5]) / SCALE
    assert returning(halves).contributions(EVENTS)[:, 1].tolist() == [0, 2, -2]


@pytest.mark.parametrize("dtype", ["boolean", "Float64", "Int64", "object"])
def test_a_null_of_any_dtype_contributes_nothing(dtype: str) -> None:
    value = pd.Series([1, None, 0], dtype=dtype)
    assert returning(value).contributions(EVENTS).tolist() == [[1, SCALE], [0, 0], [1, 0]]


def test_a_function_that_gives_only_nulls_or_only_one_value_is_as_good_as_any() -> None:
    assert not returning(np.full(3, np.nan)).contributions(EVENTS).any()
    assert returning(np.ones(3)).contributions(EVENTS).tolist() == [[1, SCALE]] * 3


@pytest.mark.parametrize("value", [np.inf, -np.inf, 2.0**42, -1e300])
def test_a_value_too_large_to_sum_is_refused_with_the_name(value: float) -> None:
    with pytest.raises(DataError, match="made: expected finite values below 4e"):
        returning(np.array([0.0, value, np.nan])).contributions(EVENTS)


@pytest.mark.parametrize("value", [1.0, np.ones(2), np.ones((3, 1)), []])
def test_another_number_of_values_than_rows_is_refused_with_the_name(value: Any) -> None:
    with pytest.raises(DataError, match=r"made: expected one value a row \(3\), found shape"):
        returning(value).contributions(EVENTS)


def test_text_is_refused_with_the_name() -> None:
    with pytest.raises(DataError, match="made: expected numbers, found"):
        returning(np.array(["a", "b", "c"])).contributions(EVENTS)


@pytest.mark.parametrize(
    "name, length, tile",
    [("1h", HOUR, HOUR), ("36h", 36 * HOUR, HOUR), ("48h", 2 * DAY, HOUR), ("2d", 2 * DAY, HOUR), ("3d", 3 * DAY, DAY)],
)
def test_a_window_up_to_two_days_has_tiles_of_an_hour_and_a_longer_one_of_a_day(
    name: str, length: int, tile: int
) -> None:
    assert windowed("user_id", (name,), Count)(documented).windows == (Window(name, length, tile),)


def test_a_pair_of_entities_has_tiles_of_a_day_only() -> None:
    assert windowed(("user_id", "topic"), ("1d",), Count)(documented).windows == (Window("1d", DAY, DAY),)
    with pytest.raises(ConfigError, match="'6h': expected whole days"):
        windowed(("user_id", "topic"), ("6h",), Count)


@pytest.mark.parametrize("name", ["7w", "0d", "-1d", "1.5d", "d", "7", "", " 7d", "7D", "07d", "7d\n"])
def test_a_window_that_is_not_hours_or_days_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="expected a number of hours or days such as '6h' or '7d', or 'all'"):
        windowed("user_id", (name,), Count)


@pytest.mark.parametrize("name", ["50h", "49h", "100h"])
def test_a_window_beyond_two_days_must_be_whole_days(name: str) -> None:
    with pytest.raises(ConfigError, match=f"window '{name}': expected whole days"):
        windowed("user_id", (name,), Count)


def test_no_window_is_refused_and_one_may_stand_alone() -> None:
    with pytest.raises(ConfigError, match="one or more windows"):
        windowed("user_id", (), Count)
    assert [window.name for window in defined("7d").windows] == ["7d"]


def defined(over: str) -> Windowed:
    @windowed("user_id", over, Count)
    def views(events: pd.DataFrame) -> pd.Series:
        """Videos shown."""
        return events.relevant

    return views


def test_a_window_starts_at_the_tile_edge_at_or_before_its_length() -> None:
    window = Window("1d", DAY, HOUR)
    as_of = np.array([10 * DAY, 10 * DAY + 1, 10 * DAY + HOUR - 1, -1])
    assert window.start(as_of).tolist() == [9 * DAY, 9 * DAY, 9 * DAY, -DAY - HOUR]


def test_a_feature_without_a_docstring_is_refused_by_name() -> None:
    def silent(events: Any) -> Any:
        return events

    for declare in (windowed("user_id", ("1d",), Count), derived):
        with pytest.raises(ConfigError, match="silent: expected a docstring"):
            declare(silent)


def test_an_aggregate_that_cannot_forget_is_refused_before_the_function_is_seen() -> None:
    with pytest.raises(ConfigError, match="max cannot be windowed"):
        windowed("user_id", ("1d",), np.max)


def test_a_feature_that_is_constant_or_all_null_is_a_defined_column() -> None:
    @derived
    def seven() -> Any:
        """Seven."""
        return 7

    @derived
    def unknown(as_of: Any) -> Any:
        """Nothing known."""
        return np.full(len(as_of), np.nan)

    nothing = windowed("user_id", ("1d",), Mean)(documented)
    context = {"as_of": np.zeros(2, dtype="datetime64[us]")}
    totals = {"documented_1d": np.zeros((2, 2), dtype=np.int64)}
    found = Catalogue("odd", "1", [nothing, seven, unknown]).assemble(Past(totals), context, 2).matrix
    np.testing.assert_array_equal(found, [[np.nan, 7, np.nan]] * 2)


def documented(events: pd.DataFrame) -> pd.Series:
    """Seconds watched."""
    return events.watch_seconds


def test_a_last_value_is_what_the_function_gives_and_a_null_of_any_kind_is_one_and_the_same() -> None:
    odd = np.array([0xFFF8000000000001, 0], dtype=np.uint64).view(np.float64)

    @last("user_id")
    def seen(events: pd.DataFrame) -> Any:
        """Whatever the test says."""
        return events.watch_seconds

    found = seen.values(pd.DataFrame({"watch_seconds": [2.5, odd[0], -0.0]}))
    np.testing.assert_array_equal(found.view(np.int64), np.array([2.5, np.nan, -0.0]).view(np.int64))
    with pytest.raises(DataError, match="seen: expected finite values, found infinity"):
        seen.values(pd.DataFrame({"watch_seconds": [np.inf]}))


def test_a_default_stands_for_what_is_missing_of_a_derived_feature_too() -> None:
    @derived(about=About(default=-1.0))
    def ratio(retrieval_score: Any) -> Any:
        """The score, where there is one."""
        return retrieval_score

    found = Catalogue("c", "1", [ratio]).assemble(Past(), {"retrieval_score": np.array([np.nan, 2.0])}, 2)
    assert (found.matrix.ravel().tolist(), found.defaulted.tolist(), found.expired.tolist()) == (
        [-1, 2],
        [1, 0],
        [0, 0],
    )


def test_a_derived_feature_has_no_time_to_live_of_its_own() -> None:
    @derived(about=About(time_to_live="1d"))
    def score(retrieval_score: Any) -> Any:
        """The score."""
        return retrieval_score

    with pytest.raises(ConfigError, match="score: expected a time to live on what it is made of"):
        Catalogue("c", "1", [score])
