"""What differs is told fact by fact, and whether values change is what the fingerprint says."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsd_lab.features import About, Catalogue, Mean, Rate, Sum, derived, last, windowed
from mlsd_lab.features.described import described
from mlsd_lab.features.difference import Difference
from mlsd_lab.features.feed import FEED

FACTOR = {"of": 1.0}


def watched(events: pd.DataFrame) -> pd.Series:
    """Seconds watched."""
    return events.watch_seconds * FACTOR["of"]


def other(kind: str) -> Callable[[pd.DataFrame], pd.Series]:
    if kind == "code":

        def watched(events: pd.DataFrame) -> pd.Series:
            """Seconds watched."""
            return events.watch_seconds.clip(0)

    else:

        def watched(events: pd.DataFrame) -> pd.Series:
            """Seconds that were watched."""
            return events.watch_seconds * FACTOR["of"]

    return watched


@derived
def daily(watched_7d: Any) -> Any:
    """A seventh."""
    return watched_7d / 7


@derived
def hourly(daily: Any, as_of: Any) -> Any:
    """A seventh of a twenty-fourth, while there is a time."""
    return np.where(np.isnat(as_of), np.nan, daily / 24)


def mine(*features: Any, version: str = "1") -> Catalogue:
    return Catalogue("mine", version, features)


OLD = windowed("user_id", ("1d", "7d"), Sum)(watched)
WAYS: dict[str, tuple[Any, set[str]]] = {
    "nothing": (OLD, set()),
    "windows": (windowed("user_id", ("7d", "14d"), Sum)(watched), {"windows"}),
    "aggregate": (windowed("user_id", ("1d", "7d"), Mean)(watched), {"how"}),
    "prior": (windowed("user_id", ("1d", "7d"), Rate(0.1, 5))(watched), {"how"}),
    "entity": (windowed("video_id", ("1d", "7d"), Sum)(watched), {"entity", "reads", "personal"}),
    "code": (windowed("user_id", ("1d", "7d"), Sum)(other("code")), {"code"}),
    "words": (windowed("user_id", ("1d", "7d"), Sum)(other("words")), {"meaning"}),
    "default": (replace(OLD, about=About(default=0.0)), {"default"}),
    "time to live": (replace(OLD, about=About(time_to_live="1d")), {"time_to_live"}),
    "owner": (replace(OLD, about=About(owner="growth", unit="seconds", tags=("a", "b"))), {"owner", "unit", "tags"}),
    "personal": (replace(OLD, about=About(personal=False)), {"personal"}),
}
BESIDE = {"owner", "unit", "tags", "personal", "meaning", "reads"}


@pytest.mark.parametrize("way", WAYS)
def test_each_fact_that_changed_is_named_and_no_other(way: str) -> None:
    new, facts = WAYS[way]
    found = Difference.between(mine(OLD), mine(new))
    assert {change.what for change in found.changes} == facts
    assert {change.what for change in found.changes if change.of_values} == facts - BESIDE
    assert found.values_change == bool(facts - BESIDE) == (mine(OLD).fingerprint != mine(new).fingerprint)
    assert all(change.before != change.after for change in found.changes)


def test_what_a_function_takes_from_outside_is_seen_in_its_values(monkeypatch: pytest.MonkeyPatch) -> None:
    before = described(mine(OLD))
    monkeypatch.setitem(FACTOR, "of", 1000.0)
    [change] = Difference.between(before, mine(OLD)).changes
    assert (change.what, change.of_values) == ("values", True)


def test_what_is_made_of_what_changed_changes_too_at_any_remove() -> None:
    found = Difference.between(mine(OLD, daily, hourly), mine(WAYS["aggregate"][0], daily, hourly))
    assert [(change.feature, change.what, change.after) for change in found.changes] == [
        ("watched", "how", "Mean()"),
        ("daily", "made_of", "watched_7d changed"),
        ("hourly", "made_of", "daily changed"),
    ]
    owned = Difference.between(mine(OLD, daily), mine(WAYS["owner"][0], daily))
    assert {change.feature for change in owned.changes} == {"watched"}


def test_what_came_and_went_is_told_with_its_columns() -> None:
    found = Difference.between(mine(OLD), mine(last("user_id")(other("words")), version="2"))
    told = [(change.feature, change.what, change.before, change.after) for change in found.changes]
    assert told[0] == ("", "version", "1", "2")
    found = Difference.between(mine(OLD, daily), mine(OLD))
    assert [(change.feature, change.what, change.before) for change in found.changes] == [("daily", "removed", "daily")]
    found = Difference.between(mine(), mine(OLD))
    assert [(change.what, change.after) for change in found.changes] == [("added", "watched_1d, watched_7d")]


def test_the_verdict_says_what_is_to_do() -> None:
    assert Difference.between(FEED, FEED).verdict == "Nothing has changed."
    assert "Values stay as they are" in Difference.between(mine(OLD), mine(WAYS["owner"][0])).verdict
    assert "fill a store for the new one" in Difference.between(mine(OLD), mine(OLD, version="2")).verdict


def test_a_description_kept_as_json_stands_for_code_that_is_gone() -> None:
    kept = json.loads(json.dumps(described(FEED)))
    assert Difference.between(kept, FEED).changes == ()
    assert Difference.between(kept, mine(OLD)).to_frame().query("what == 'removed'").shape[0] == len(FEED.features)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.data())
def test_values_change_where_a_change_says_so_and_nowhere_else(data: st.DataObject) -> None:
    pool = [*FEED.features[:4], WAYS["windows"][0], last("video_id")(lambda_named("newest")), daily]
    about = st.sampled_from([About(), About(owner="x"), About(default=0.5), About(unit="y", personal=True)])

    def drawn() -> Catalogue:
        chosen = [pool[at] for at in data.draw(st.permutations(range(6)))[: data.draw(st.integers(0, 6))]]
        features = [replace(feature, about=data.draw(about)) for feature in chosen]
        return mine(*features, *([daily] if pool[4].name in {one.name for one in features} else []))

    before, after = drawn(), drawn()
    found = Difference.between(before, after)
    assert found.values_change == any(change.of_values for change in found.changes)


def lambda_named(name: str) -> Callable[[pd.DataFrame], pd.Series]:
    def function(events: pd.DataFrame) -> pd.Series:
        """Seconds."""
        return events.watch_seconds

    function.__name__ = name
    return function
