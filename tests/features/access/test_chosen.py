from typing import Any

import pytest

from mlsd_lab.errors import ConfigError
from mlsd_lab.features import About, Catalogue, derived
from mlsd_lab.features.access.chosen import chosen
from mlsd_lab.features.feed import FEED


@derived(about=About(tags=("video", "length")))
def seconds(duration_seconds: Any) -> Any:
    """Length of the video in seconds."""
    return duration_seconds


TAGGED = Catalogue("tagged", "1", [*FEED.windowed, seconds])


def test_columns_are_named_one_by_one_by_feature_by_tag_or_all() -> None:
    assert chosen(TAGGED, ["user_relevant_all"]) == {"user_relevant_all": ["user_relevant_all"]}
    assert chosen(TAGGED, ["user_relevant"])["user_relevant"] == [
        f"user_relevant_{over}" for over in ("1d", "7d", "all")
    ]
    assert chosen(TAGGED, ["tag:length"]) == {"tag:length": ["seconds"]}
    assert chosen(TAGGED, ["all"])["all"] == [*TAGGED.columns]


def test_what_is_held_is_named_though_it_is_in_the_catalogue_no_more() -> None:
    assert chosen(TAGGED, ["gone", "all"], held=["gone", "seconds"]) == {
        "gone": ["gone"],
        "all": [*TAGGED.columns, "gone"],
    }


@pytest.mark.parametrize("name", ["", "user_relevant_", "tag:", "tag:seconds", "length", "ALL", "user_*"])
def test_a_name_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"tag:WORD with one of its tags, or all; found"):
        chosen(TAGGED, ["seconds", name])
