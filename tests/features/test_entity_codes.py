"""Numbers of entities: two rows have the same one exactly when all columns of the key are the same text."""

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.datasets import Log
from mlsd_lab.features import MemoryStore, Timeline, stream
from mlsd_lab.features.entity_codes import EntityCodes
from mlsd_lab.features.feed import FEED
from mlsd_lab.features.past import Entity
from mlsd_lab.features.timeline import video_columns
from tests.features.store_contract import asked, assert_as_computed_offline
from tests.features.streams import START, VIDEOS, seeded_log

KEYS: list[Entity] = [("user_id",), ("topic",), ("creator_id", "topic"), ("surface", "topic", "video_id"), ("surface",)]


def codes_of(log: Log) -> EntityCodes:
    return EntityCodes(log, video_columns(log.videos), KEYS)


@pytest.mark.parametrize("key", KEYS, ids=" × ".join)
def test_events_share_a_number_exactly_when_they_share_the_texts_of_a_key(key: Entity) -> None:
    log = seeded_log(60)
    texts = stream(log)[[*key]]
    codes = codes_of(log)
    number = codes.joined(key, codes.of(log.events))
    assert ((number < 0) == texts.isna().any(axis=1)).all()
    known = texts[number >= 0].assign(number=number[number >= 0]).drop_duplicates()
    assert known["number"].is_unique
    assert not known.duplicated([*key]).any()


@pytest.mark.parametrize("kind", ["object", "str", "category"])
def test_rows_find_the_numbers_of_events_whatever_holds_their_texts(kind: str) -> None:
    log = seeded_log(60)
    rows = log.events.iloc[::-1][["user_id", "video_id", "surface"]].astype(object).astype(kind)
    codes = codes_of(log)
    for key in KEYS:
        expected = codes.joined(key, codes.of(log.events))[::-1]
        np.testing.assert_array_equal(codes.joined(key, codes.of(rows)), expected)


def test_whole_numbers_are_ids_as_a_log_keeps_them() -> None:
    times = START + pd.to_timedelta([0, 1], unit="h")
    log = Log.from_frames(pd.DataFrame({"user_id": [7, 3], "video_id": [10, 9], "occurred_at": times}))
    codes = codes_of(log)
    for ids in ([3, 7], ["3", "7"], [3, "7"]):
        asked = codes.of(pd.DataFrame({"user_id": pd.Series(ids), "video_id": [9, 10]}))
        assert asked["user_id"].tolist() == [0, 1]


def test_whole_numbers_are_surfaces_as_in_a_store() -> None:
    log = seeded_log(60)
    numbered = log.with_events(log.events.assign(surface=np.arange(60) % 3))
    store, timeline = MemoryStore(FEED, VIDEOS), Timeline(FEED, numbered)
    store.absorb(stream(numbered), offset=0)
    for surface in ("2", 2):
        rows = asked(store, log.events["known_at"].iloc[-1] + pd.Timedelta("1h"), "u0", surface)  # type: ignore[arg-type]
        assert_as_computed_offline(timeline, rows)
        assert rows["surface_relevant_1d"].iloc[0] != 0.3


def test_what_is_null_or_not_in_the_log_has_no_number() -> None:
    codes = codes_of(seeded_log(60))
    rows = pd.DataFrame({"user_id": ["u0", None, "nobody"], "video_id": ["unheard of", "v3", "v0"]}, dtype=object)
    found = codes.of(rows.assign(surface=None))
    assert found["user_id"].tolist() == [0, -1, -1]
    assert found["topic"].tolist() == [-1, -1, codes.of(rows)["topic"][2]]
    assert found["surface"].tolist() == codes.of(rows)["surface"].tolist() == [-1, -1, -1]
    assert codes.joined(("surface", "topic", "video_id"), found).tolist() == [-1, -1, -1]


def test_a_video_without_events_has_a_number_of_its_own() -> None:
    log = seeded_log(60)
    codes = codes_of(log.with_events(log.events[log.events["video_id"] != "v1"]))
    rows = pd.DataFrame({"user_id": "u0", "video_id": VIDEOS["video_id"]})
    assert codes.of(rows)["video_id"].tolist() == [0, 1, 2, 3]
