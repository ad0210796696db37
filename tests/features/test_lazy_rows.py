"""Columns made on demand: to a row function the same as the whole table, whatever it asks for."""

from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError
from mlsd_lab.features import Catalogue, Count, Last, MemoryStore, Timeline, last, stream, windowed
from mlsd_lab.features.lazy_rows import LazyRows, floats, texts
from tests.features.store_contract import asked, assert_as_computed_offline
from tests.features.streams import VIDEOS, assert_bits_equal, labels_at, seeded_log


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


@last(entity="video_id")
def by_place(events: pd.DataFrame) -> Any:
    """Changes some values of the table."""
    events.loc[events.watch_seconds > 5, "watch_seconds"] = 5.0
    return events.watch_seconds


@last(entity="video_id")
def by_column(events: pd.DataFrame) -> Any:
    """Makes columns, changes others, drops one."""
    events["late"] = (events.known_at - events.occurred_at).dt.total_seconds()
    events.liked = events["position"] = events.late + 1
    del events["rating"]
    return (
        events["liked"] + events.position + events.pop("watch_seconds") + ("watch_seconds" in events) + len([*events])
    )


@last(entity="video_id")
def by_merging(events: pd.DataFrame) -> Any:
    """Looks up another table, and copies this one."""
    weights = pd.DataFrame({"topic": ["sport"], "weight": [2.0]})
    return pd.merge(copy(events), weights, on="topic", how="left").weight.to_numpy()


@last(entity="video_id")
def by_filling(events: pd.DataFrame) -> Any:
    """Fills gaps in place."""
    events.fillna({"watch_seconds": -1.0}, inplace=True)
    return events["watch_seconds"]


MANY = (by_name, by_table, by_hand, by_chance, by_place, by_column, by_merging, by_filling)


def recorded(log: Log) -> tuple[LazyRows, list[str]]:
    made: list[str] = []
    table = stream(log)

    def maker(name: str) -> Callable[[], Any]:
        def make() -> Any:
            made.append(name)
            return table[name].array

        return make

    return LazyRows({name: maker(name) for name in table}, table.index), made


@pytest.mark.parametrize("feature", MANY, ids=lambda feature: feature.name)
def test_a_feature_has_the_same_values_as_from_the_whole_table(feature: Any) -> None:
    rows, _ = recorded(seeded_log(50))
    read = feature.values if isinstance(feature, Last) else feature.contributions
    np.testing.assert_array_equal(read(rows), read(rows.frame))


@pytest.mark.parametrize("feature", [feature for feature in MANY if isinstance(feature, Last)], ids=lambda f: f.name)
def test_a_function_may_do_with_its_rows_what_it_may_do_with_a_table(feature: Last) -> None:
    table = stream(seeded_log(50))
    np.testing.assert_array_equal(feature.values(table), np.asarray(feature.rows(table.copy()), dtype=np.float64))


def test_what_one_function_does_to_its_rows_no_other_sees_in_training_or_in_a_store() -> None:
    @last(entity="video_id")
    def untouched(events: pd.DataFrame) -> Any:
        """Reads what others changed for themselves."""
        return events.watch_seconds + events.rating.fillna(0) + events.liked.fillna(0)

    log, alone = seeded_log(300), Catalogue("alone", "1", [untouched])
    events, before = stream(log), stream(log)
    later = events["known_at"].iloc[-1] + pd.Timedelta("1h")
    expected = Timeline(alone, log).features(labels_at([later]), np.full(20, 300))
    together = Catalogue("together", "1", [*MANY, untouched])
    offline, store = Timeline(together, log), MemoryStore(together, VIDEOS)
    store.absorb(events.iloc[:150], offset=0)
    store.absorb(events.iloc[150:], offset=150)
    pd.testing.assert_frame_equal(events, before)
    rows = asked(store, later, "u1")
    assert_as_computed_offline(offline, rows)
    assert_bits_equal(offline.features(labels_at([later]), np.full(20, 300))[["untouched"]], expected)


def test_a_function_that_reads_where_a_row_stands_in_its_batch_is_refused() -> None:
    @last(entity="video_id")
    def every_third(events: pd.DataFrame) -> Any:
        """The index, which training and a store count differently."""
        return events.index % 3

    with pytest.raises(ConfigError, match="every_third: expected a value that depends on its own row alone"):
        Catalogue("index", "1", [every_third])


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
