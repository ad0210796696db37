"""What a request reads: each entity once, and for each video the right one."""

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.errors import DataError
from mlsd_lab.features import Catalogue, Count, windowed
from mlsd_lab.features.stores.asked import Questions
from mlsd_lab.features.stores.row_key import key_parts
from tests.features.store_contract import MANY_KEYS
from tests.features.streams import VIDEOS

NOON = pd.Timestamp("2026-01-01 12:00", tz="UTC")
QUESTIONS = Questions(MANY_KEYS, VIDEOS)
OF_VIDEO = VIDEOS.astype(object).where(VIDEOS.notna(), None).set_index("video_id")


@pytest.mark.parametrize("surface", [None, "home"])
@pytest.mark.parametrize("slate", [[], ["v1"], ["v3", "v0", "v1", "v2"], ["new", "v0", "v2", "v0", "new", "v1"]])
def test_each_video_gets_the_key_of_its_entity_and_no_key_comes_twice(slate: list[str], surface: str | None) -> None:
    asked = QUESTIONS.ask("ann", slate, NOON, surface)
    for entity, keys in asked.keys.items():
        assert len(set(keys)) == len(keys)
        place = asked.place[entity]
        at = np.arange(len(slate)) if place is None else place
        assert len(at) == len(slate)
        for video, where in zip(slate, at, strict=True):
            about = {"user_id": "ann", "video_id": video, "surface": surface, "topic": None, "creator_id": None}
            if video in OF_VIDEO.index:
                about |= OF_VIDEO.loc[video, ["topic", "creator_id"]].to_dict()
            wanted = [about[name] for name in entity]
            assert (None if where < 0 else key_parts(keys[where], len(entity))) == (None if None in wanted else wanted)


def test_of_some_entities_the_same_is_asked_as_of_all() -> None:
    slate = ["v3", "new", "v0"]
    whole = QUESTIONS.ask("ann", slate, NOON, "home")
    for entity, keys in whole.keys.items():
        asked = QUESTIONS.ask("ann", slate, NOON, "home", entities=[entity])
        assert asked.keys == {entity: keys}
        np.testing.assert_array_equal(asked.place[entity], whole.place[entity])
        assert asked.context.keys() == whole.context.keys()


def test_a_video_that_is_no_text_is_asked_about_by_its_text() -> None:
    asked = QUESTIONS.ask("ann", [7, "v0"], NOON)  # type: ignore[list-item]
    assert asked.keys == QUESTIONS.ask("ann", ["7", "v0"], NOON).keys


def test_keys_of_two_kinds_of_entity_are_never_the_same() -> None:
    asked = QUESTIONS.ask("v0", ["v0"], NOON, "v0")
    every = [key for keys in asked.keys.values() for key in keys]
    assert len(set(every)) == len(every) >= 8


def test_context_is_that_of_the_video_and_null_for_one_that_nobody_knows() -> None:
    asked = QUESTIONS.ask("ann", ["v3", "new", "v0"], NOON, retrieval_score=np.array([3.0, 2.0, 1.0]))
    np.testing.assert_array_equal(asked.context["duration_seconds"], [59.9, np.nan, 10.0])
    np.testing.assert_array_equal(np.isnat(asked.context["uploaded_at"]), [False, True, False])
    assert asked.context["as_of"].astype(str).tolist() == ["2026-01-01T12:00:00.000000"] * 3
    assert asked.context["retrieval_score"].tolist() == [3, 2, 1]
    assert np.isnan(QUESTIONS.ask("ann", ["v0"], NOON).context["retrieval_score"]).all()


def test_a_time_zone_is_asked_for_and_any_will_do() -> None:
    west = NOON.tz_convert("America/New_York")
    assert QUESTIONS.ask("ann", ["v0"], west).moment == QUESTIONS.ask("ann", ["v0"], NOON).moment
    with pytest.raises(DataError, match="as_of: expected a time with a time zone"):
        QUESTIONS.ask("ann", ["v0"], NOON.tz_localize(None))


def test_a_table_of_no_videos_knows_none() -> None:
    @windowed(("topic", "video_id"), "1d", Count)
    def shown(events: pd.DataFrame) -> pd.Series:
        """Times the video was shown."""
        return events.relevant

    asked = Questions(Catalogue("one", "1", [shown]), VIDEOS.iloc[:0]).ask("ann", ["v0", "v0"], NOON)
    assert asked.keys == {("topic", "video_id"): []}
