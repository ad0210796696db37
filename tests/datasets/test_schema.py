from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.datasets.schema import COLUMNS, KEYS, TIMES, validate
from mlsd_lab.errors import DataError


def events(**columns: Any) -> pd.DataFrame:
    """Return a table of three events that fits; columns are added or replaced."""
    times = pd.date_range("2026-01-01", periods=3, tz="UTC").as_unit("us")
    ids = {"user_id": pd.Categorical(["a", "b", "a"]), "video_id": pd.Categorical(["x", "y", "z"])}
    return pd.DataFrame({"event_id": [1, 2, 3], **ids, "occurred_at": times, "known_at": times} | columns)


def refusal(table: pd.DataFrame, name: str = "events") -> str:
    with pytest.raises(DataError) as refused:
        validate(table, name)
    return str(refused.value)


def test_columns_get_the_types_of_the_schema() -> None:
    table = validate(
        events(position=[0, None, 2], rating=[1, 2, 3], liked=[1, 0, None], watch_seconds=["1", "2", "3"]), "events"
    )
    found = {column: str(table[column].dtype) for column in ("position", "rating", "liked", "watch_seconds")}
    assert found == {"position": "Int32", "rating": "float64", "liked": "boolean", "watch_seconds": "float64"}
    assert table["position"].isna().tolist() == [False, True, False]


def test_other_columns_are_kept_as_they_are() -> None:
    table = validate(events(mood=["glad", "sad", "glad"]), "events")
    assert table["mood"].tolist() == ["glad", "sad", "glad"]


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"rating": [1, -1, 2]}, "column rating: expected a finite number, 0 or more, found -1.0 in row 1"),
        ({"rating": [1, np.inf, 2]}, "column rating: expected a finite number, 0 or more, found inf in row 1"),
        ({"rating": ["good", 1, 2]}, "column rating: expected a number, found good in row 0"),
        ({"watch_seconds": [-1, -2, 3]}, "column watch_seconds: expected a finite number, 0 or more, found -1.0, -2.0"),
        ({"propensity": [0.5, 1, 1.01]}, "column propensity: expected a number from 0 to 1, found 1.01 in row 2"),
        ({"position": [0, 1.5, 2]}, "position: expected a whole number from 0 to 2147483647, found 1.5 in row 1"),
        ({"position": [0, 1, 2**31]}, "expected a whole number from 0 to 2147483647, found 2147483648.0 in row 2"),
        ({"clicked": [0, 1, 2]}, "column clicked: expected true or false, found 2 in row 2"),
        ({"clicked": ["yes", "no", "no"]}, "column clicked: expected true or false, found yes, no, no"),
        ({"event_id": [1, 1, 2]}, "column event_id: expected each value once, found 1, 1 in rows 0, 1"),
        ({"event_id": [None, "b", "c"]}, "column event_id: expected a value in each row, found"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_shown_with_its_row(columns: dict[str, Any], sentence: str) -> None:
    assert sentence in refusal(events(**columns))


def test_of_many_bad_rows_the_first_three_are_shown_and_the_others_counted() -> None:
    times = pd.Timestamp("2026-01-01", tz="UTC").as_unit("us")
    table = pd.DataFrame(
        {"video_id": pd.Categorical(map(str, range(10))), "uploaded_at": times, "duration_seconds": -2.0}
    )
    assert refusal(table, "videos").endswith("found -2.0, -2.0, -2.0 in rows 0, 1, 2 and 7 more")


@pytest.mark.parametrize("moment", ["1899-12-31T23:59:59", "2201-01-01", "9999-12-31"])
def test_a_time_that_stands_for_never_is_refused(moment: str) -> None:
    times = pd.Series(pd.to_datetime([moment] * 3, utc=True)).astype("datetime64[us, UTC]")
    assert "column occurred_at: expected a time in the years 1900 to 2200, found" in refusal(events(occurred_at=times))


@pytest.mark.parametrize("column", ["event_id", "user_id", "video_id", "occurred_at", "known_at"])
def test_a_missing_column_is_named(column: str) -> None:
    assert refusal(events().drop(columns=column)) == f"events: expected a column {column!r}, found none of that name"


@pytest.mark.parametrize(
    ("near", "meant"),
    [("watch_second", "watch_seconds"), ("click", "clicked"), ("Clicked", "clicked"), ("like", "liked")],
)
def test_a_name_that_is_nearly_one_of_ours_is_questioned(near: str, meant: str) -> None:
    assert f"found a column {near!r}; if it is {meant!r}, rename it" in refusal(events(**{near: 1}))


def test_a_near_name_beside_the_right_one_is_nobodys_business() -> None:
    assert "likes" in validate(events(liked=True, likes=5), "events")


def test_users_may_have_any_segments() -> None:
    table = pd.DataFrame({"user_id": pd.Categorical(["a", "b"]), "country": ["NA", None], "age": [3, 4]})
    assert validate(table, "users").equals(table)


def test_every_key_and_time_is_a_column() -> None:
    for name, columns in COLUMNS.items():
        assert {KEYS[name], *TIMES[name]} <= set(columns)
