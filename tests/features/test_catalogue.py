"""A catalogue refuses what cannot be kept or computed."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.features import About, Catalogue, Count, Sum, Windowed, derived, windowed
from mlsd_lab.features.past import Past


def watched(events: pd.DataFrame) -> pd.Series:
    """Seconds watched."""
    return events.watch_seconds


def impressions(events: pd.DataFrame) -> pd.Series:
    """Videos shown."""
    return events.relevant


def over(*windows: str, entity: Any = "user_id") -> Windowed:
    return windowed(entity, windows, Sum)(watched)


def test_columns_stand_in_the_order_of_declaration_windowed_before_derived() -> None:
    @derived
    def double(watched_1d: Any) -> Any:
        """Twice the day."""
        return 2 * watched_1d

    catalogue = Catalogue("c", "1", [double, over("7d", "1d")])
    assert catalogue.columns == ("watched_7d", "watched_1d", "double")
    totals = {column: np.full((3, 2), 2**20) for column in ("watched_7d", "watched_1d")}
    assert catalogue.assemble(Past(totals), {}, 3).matrix.tolist() == [[1, 1, 2]] * 3
    assert catalogue.to_frame()["column"].tolist() == list(catalogue.columns)


def test_a_repeated_column_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected each column once, found 'watched_1d' twice"):
        Catalogue("c", "1", [over("1d"), over("1d", entity="video_id")])
    with pytest.raises(ConfigError, match="found 'watched_1d' twice"):
        Catalogue("c", "1", [over("1d", "1d")])


@pytest.mark.parametrize("windows", [("63d",), ("2d", "14d"), ("24h", "30d", "all"), ("1h", "61d")])
def test_windows_that_fit_in_64_tiles_are_accepted(windows: tuple[str, ...]) -> None:
    assert len(Catalogue("c", "1", [over(*windows)]).columns) == len(windows)


@pytest.mark.parametrize(
    "windows, tiles", [(("64d",), 65), (("2d", "15d"), 65), (("1h", "62d"), 65), (("999d",), 1000)]
)
def test_windows_of_an_entity_that_need_more_than_64_tiles_are_refused(windows: tuple[str, ...], tiles: int) -> None:
    with pytest.raises(ConfigError, match=f"the windows of user_id need {tiles} tiles, an entity keeps at most 64"):
        Catalogue("c", "1", [over(*windows)])


def test_tiles_are_counted_over_all_features_of_an_entity() -> None:
    hours = windowed("user_id", ("2d",), Count)(impressions)
    with pytest.raises(ConfigError, match="need 69 tiles"):
        Catalogue("c", "1", [hours, over("19d")])
    assert Catalogue("c", "1", [hours, over("19d", entity="video_id")]).entities.keys() == {("user_id",), ("video_id",)}


def test_an_input_that_nothing_provides_is_refused_and_so_is_one_that_comes_later() -> None:
    @derived
    def first(second: Any) -> Any:
        """Read too early."""
        return second

    @derived
    def second(as_of: Any) -> Any:
        """Nothing of interest."""
        return as_of.astype(np.int64)

    with pytest.raises(ConfigError, match=r"first: expected inputs among as_of, .*; found 'second'"):
        Catalogue("c", "1", [first, second])
    assert Catalogue("c", "1", [second, first]).columns == ("second", "first")


@pytest.mark.parametrize(
    "value, sentence", [(np.inf, "finite values or NaN"), (np.ones(2), r"one value a row \(3\)"), (np.ones(1), "one")]
)
def test_a_derived_value_that_is_infinite_or_not_one_a_row_is_refused_by_name(value: Any, sentence: str) -> None:
    @derived
    def odd() -> Any:
        """Whatever the test says."""
        return value

    with pytest.raises(DataError, match=f"odd: expected {sentence}"):
        Catalogue("c", "1", [odd]).assemble(Past(), {}, 3)


def test_a_catalogue_of_no_features_has_rows_without_columns() -> None:
    assert Catalogue("c", "1", []).assemble(Past(), {}, 3).matrix.shape == (3, 0)


@pytest.mark.parametrize("beyond", ["mean", "shift", "cumsum"])
def test_a_row_function_that_looks_beyond_its_row_is_refused(beyond: str) -> None:
    @windowed("user_id", "7d", Sum)
    def nosy(events: pd.DataFrame) -> pd.Series:
        """Seconds, seen beside other rows."""
        seconds = events.watch_seconds
        return {"mean": seconds - seconds.mean(), "shift": seconds.shift(), "cumsum": seconds.cumsum()}[beyond]

    with pytest.raises(ConfigError, match="nosy: expected a value that depends on its own row alone"):
        Catalogue("mine", "1", [nosy])


@derived
def age(as_of: Any, uploaded_at: Any) -> Any:
    """Days."""
    return (as_of - uploaded_at) / np.timedelta64(1, "D")


@derived
def fit(retrieval_score: Any) -> Any:
    """How well the video fits the person."""
    return retrieval_score


@derived
def eager(watched_1d: Any) -> Any:
    """Seconds watched, squared."""
    return watched_1d**2


@derived
def eagerer(eager: Any) -> Any:
    """The same, squared."""
    return eager**2


def test_a_feature_does_not_take_the_name_of_what_a_request_brings() -> None:
    @derived
    def duration_seconds(uploaded_at: Any) -> Any:
        """Which of the two would another feature read?"""
        return np.isnat(uploaded_at)

    with pytest.raises(ConfigError, match="'duration_seconds' is what a request brings; name the feature otherwise"):
        Catalogue("c", "1", [duration_seconds])


def test_what_is_kept_by_user_or_made_of_that_is_personal_unless_its_owner_says_otherwise() -> None:
    def personal(*features: Any) -> set[str]:
        return set(Catalogue("c", "1", features).personal)

    assert personal(over("1d"), age, fit, eager, eagerer) == {"watched_1d", "fit", "eager", "eagerer"}
    assert personal(over("1d", entity=("topic", "user_id"))) == {"watched_1d"}
    assert personal(over("1d", entity="video_id"), eager) == set()
    declared = windowed("video_id", "1d", Sum, About(personal=True))(watched)
    assert personal(declared, eager) == {"watched_1d", "eager"}
    assert personal(windowed("user_id", "1d", Sum, About(personal=False))(watched), eager, fit) == {"fit"}
