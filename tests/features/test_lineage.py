"""What a row function reads is found by watching it, however it asks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.errors import ConfigError
from mlsd_lab.features import Catalogue, Sum, derived, last, windowed
from mlsd_lab.features.feed import FEED
from mlsd_lab.features.lineage import Lineage


def helper(events: pd.DataFrame) -> pd.Series:
    return events.position + events["rating"]


def unless_there(events: pd.DataFrame) -> pd.Series:
    """The seconds where the column is there, and the same without it where all are null."""
    found = events.get("propensity", events.get("occurred_at"))
    return events.watch_seconds.where(found.notna(), 0)


WAYS: dict[str, tuple[Callable[[pd.DataFrame], Any], set[str]]] = {
    "attribute": (lambda events: events.watch_seconds, {"watch_seconds"}),
    "item": (lambda events: events["watch_seconds"], {"watch_seconds"}),
    "list": (lambda events: events[["liked", "clicked"]].sum(axis=1), {"liked", "clicked"}),
    "loc": (lambda events: events.loc[:, "watch_seconds"], {"watch_seconds"}),
    "eval": (lambda events: events.eval("position * 0 + liked"), {"position", "liked"}),
    "a query": (lambda events: events.assign(n=1.0).query("liked >= 0").n.reindex(events.index), {"liked"}),
    "items": (lambda events: dict(events.items())["liked"], {"liked"}),
    "columns": (lambda events: next(events[name] for name in events if name == "liked"), {"liked"}),
    "a copy": (lambda events: events.copy().fillna({"liked": 0}).liked, {"liked"}),
    "a helper": (helper, {"position", "rating"}),
    "of no consequence": (lambda events: events.liked.where(events.rating > -1, events.liked), {"liked", "rating"}),
    "a default": (unless_there, {"watch_seconds", "occurred_at"}),
    "nothing": (lambda events: np.ones(len(events)), set()),
    "whole rows": (lambda events: [float(row.liked) for row in events.itertuples()], {"liked"}),
    "text": (lambda events: events.surface.eq("home") & events.topic.notna(), {"surface", "topic"}),
}


def declared(rows: Callable[[pd.DataFrame], Any], name: str = "watched") -> Callable[[pd.DataFrame], Any]:
    def function(events: pd.DataFrame) -> Any:
        """Whatever the test says."""
        return rows(events)

    function.__name__ = name
    return function


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("declare", [windowed("creator_id", "1d", Sum), last("creator_id")], ids=["windowed", "last"])
def test_each_column_that_a_function_reads_is_found_and_no_other(way: str, declare: Any) -> None:
    rows, columns = WAYS[way]
    videos = {"topic", "duration_seconds"}
    expected = {f"{'videos' if name in videos else 'events'}.{name}" for name in columns} | {"videos.creator_id"}
    (reads,) = Catalogue("c", "1", [declare(declared(rows))]).lineage().reads.values()
    assert set(reads) == expected
    assert list(reads) == sorted(reads)


@derived
def per_day(watched_1d: Any, duration_seconds: Any) -> Any:
    """Seconds by length."""
    return watched_1d / duration_seconds


@derived
def twice(per_day: Any, as_of: Any) -> Any:
    """Twice that, while there is a time."""
    return np.where(np.isnat(as_of), np.nan, 2 * per_day)


MINE = Catalogue(
    "mine",
    "1",
    [
        windowed(("user_id", "topic"), "1d", Sum)(declared(lambda events: events.watch_seconds)),
        windowed("video_id", "1d", Sum)(declared(lambda events: events.relevant, "wanted")),
        *(per_day, twice),
    ],
)


def test_a_derived_feature_stands_on_all_that_lies_under_it() -> None:
    lineage = MINE.lineage()
    under = ("events.user_id", "events.watch_seconds", "videos.duration_seconds", "videos.topic")
    assert lineage.reads["per_day"] == under
    assert lineage.reads["twice"] == tuple(sorted([*under, "request.as_of"]))
    assert lineage.inputs == {"per_day": ("watched_1d",), "twice": ("per_day",)}


def test_a_source_column_feeds_what_is_made_of_it_at_any_remove() -> None:
    lineage = MINE.lineage()
    assert lineage.feeds("watch_seconds") == lineage.feeds("events.watch_seconds") == ("watched_1d", "per_day", "twice")
    assert lineage.feeds("as_of") == ("twice",)
    assert lineage.feeds("video_id") == ("wanted_1d",)
    assert lineage.feeds("liked") == ()
    assert {lineage.feeds(name) for name in ("relevant", "long_view", "clicked", "rating")} == {("wanted_1d",)}


@pytest.mark.parametrize("wrong", ["seconds", "videos.watch_seconds", "", "watched_1d", "known_at"])
def test_what_is_no_source_column_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigError, match=r"expected a source column, one of events\.clicked, .*; found"):
        MINE.lineage().feeds(wrong)


def test_the_table_says_both_ways_the_same() -> None:
    lineage = FEED.lineage()
    edges = lineage.to_frame()
    assert edges.groupby("column")["source"].agg(tuple).to_dict() == lineage.reads
    ruled = {"events.relevant"}  # which more columns than itself may make
    for source, columns in edges.groupby("source")["column"].agg(set).items():
        assert source in ruled or set(lineage.feeds(str(source))) == columns


def test_nothing_has_no_lineage() -> None:
    assert Lineage.of(Catalogue("none", "1", [])).to_frame().shape == (0, 2)
