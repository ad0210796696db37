"""Columns made on demand: to a row function the same as the whole table, whatever it asks for."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.datasets import Log
from mlsd_lab.features import Catalogue, Count, Last, Timeline, last, stream, windowed
from mlsd_lab.features.lazy_rows import LazyRows, floats, texts
from tests.features.streams import assert_bits_equal, labels_at, seeded_log


@windowed(entity="user_id", over="all", aggregate=Count)
def by_name(events: pd.DataFrame) -> Any:
    """Reads two columns."""
    return events.watch_seconds.where(events["topic"] == "sport")


@last(entity="video_id")
def by_table(events: pd.DataFrame) -> Any:
    """Asks for what only a table has."""
    doubled = events.assign(twice=2 * events.watch_seconds)
    return doubled.eval("twice + position").fillna(doubled[["twice", "liked"]].sum(axis=1)) * len(events.columns)


@last(entity="video_id")
def by_hand(events: pd.DataFrame) -> Any:
    """Changes what it was given."""
    seconds = events.watch_seconds
    seconds[:] = 7.0
    return seconds


@last(entity="video_id")
def by_chance(events: pd.DataFrame) -> Any:
    """Looks whether a column is there."""
    return events.watch_seconds * ("surface" in events) + ("surfaces" in events)


MANY = (by_name, by_table, by_hand, by_chance)


def recorded(log: Log) -> tuple[LazyRows, list[str]]:
    made: list[str] = []
    table = stream(log)

    def maker(name: str) -> Callable[[], Any]:
        def make() -> Any:
            made.append(name)
            return table[name].to_numpy()

        return make

    return LazyRows({name: maker(name) for name in table}, table.index), made


@pytest.mark.parametrize("feature", MANY, ids=lambda feature: feature.name)
def test_a_feature_has_the_same_values_as_from_the_whole_table(feature: Any) -> None:
    rows, _ = recorded(seeded_log(50))
    read = feature.values if isinstance(feature, Last) else feature.contributions
    np.testing.assert_array_equal(read(rows), read(rows.frame))


def test_only_what_is_asked_for_is_made_and_once() -> None:
    rows, made = recorded(seeded_log(50))
    for _ in range(2):
        by_name.contributions(rows)
    assert made == ["watch_seconds", "topic"]
    assert rows.frame.shape == (50, len(rows.frame.columns))
    assert sorted(made) == sorted(rows.frame.columns)


def test_what_a_function_changes_it_changes_for_itself_alone() -> None:
    log = seeded_log(50)
    before, labels = log.events.copy(), labels_at([log.events["known_at"].iloc[-1] + pd.Timedelta("1h")])
    position = np.full(len(labels), 50)
    together = Timeline(Catalogue("a", "1", [by_hand, by_table]), log).features(labels, position)
    alone = Timeline(Catalogue("a", "1", [by_table]), log).features(labels, position)
    assert_bits_equal(together[["by_table"]], alone)
    pd.testing.assert_frame_equal(log.events, before)
    table = stream(log)
    table.loc[0, ["occurred_at", "watch_seconds", "surface"]] = [pd.Timestamp(0, tz="UTC"), 7.0, "moon"]
    pd.testing.assert_frame_equal(log.events, before)


def test_a_column_that_no_event_has_is_an_error_that_names_it() -> None:
    rows, _ = recorded(seeded_log(5))
    with pytest.raises(AttributeError, match="rainfall"):
        _ = rows.rainfall
    with pytest.raises(KeyError, match="rainfall"):
        rows["rainfall"]


@pytest.mark.parametrize("kind", ["object", "str", "category"])
def test_texts_are_objects_whatever_they_were(kind: str) -> None:
    table = pd.DataFrame({"surface": pd.Series(["b", None, "a"], dtype=kind)})
    found = pd.Series(texts(table, "surface"), dtype=object)
    assert found.dropna().tolist() == ["b", "a"]
    assert found.isna().tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("values", "kind"), [([1, None, 0], "boolean"), ([1, None, 0], "Int64"), ([1.0, None, 0.0], "float64")]
)
def test_flags_and_numbers_are_floats_whatever_they_were(values: list[Any], kind: str) -> None:
    found = np.asarray(floats(pd.DataFrame({"clicked": pd.array(values, dtype=kind)}), "clicked"))
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [1.0, np.nan, 0.0])
    np.testing.assert_array_equal(floats(pd.DataFrame({"clicked": [True, False]}), "clicked"), [1.0, 0.0])
