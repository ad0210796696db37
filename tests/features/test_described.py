import json

import numpy as np

from mlsd_lab.features import About, Catalogue, Count, last, windowed
from mlsd_lab.features.described import described
from tests.features.store_contract import MANY_KEYS


def test_a_description_is_plain_data_of_every_feature_in_its_order() -> None:
    found = described(MANY_KEYS)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert [name for name, facts in found["features"].items() for _ in facts["columns"]] == [
        feature.name for feature in MANY_KEYS.features for _ in feature.columns
    ]
    assert found["fingerprint"] == MANY_KEYS.fingerprint


def test_the_table_has_a_row_a_column_with_all_that_is_declared() -> None:
    told = MANY_KEYS.to_frame().set_index("column")
    assert list(told.index) == list(MANY_KEYS.columns)
    assert told.loc["watched_of_1d", ["entity", "window", "how", "time_to_live", "default"]].tolist() == [
        *("creator_id × topic × user_id", "1d", "Mean()", "36h", -1.0)
    ]
    assert told.loc["watched_of_1d", "reads"] == (
        "events.user_id, events.watch_seconds, videos.creator_id, videos.topic"
    )
    assert told.loc["last_seconds", ["window", "how", "dtype"]].tolist() == ["", "newest", "float64"]
    assert set(told.index[told["personal"]]) == MANY_KEYS.personal


def test_what_an_owner_says_is_told() -> None:
    about = About(owner="people", unit="videos", tags=("a", "b"), personal=False)

    def seen(events):  # type: ignore[no-untyped-def]
        """Videos seen."""
        return events.relevant

    features = [windowed("user_id", "1d", Count, about)(seen)]
    row = Catalogue("c", "1", features).to_frame().iloc[0]
    assert row[["owner", "unit", "tags", "personal"]].tolist() == ["people", "videos", "a, b", False]


def test_a_catalogue_of_nothing_is_a_table_of_no_rows() -> None:
    assert Catalogue("none", "1", []).to_frame().shape == (0, 13)


def test_a_null_of_a_last_feature_is_json() -> None:
    @last("user_id")
    def rating(events):  # type: ignore[no-untyped-def]
        """Newest rating."""
        return events.rating * np.nan

    assert described(Catalogue("c", "1", [rating]))["features"]["rating"]["values"] == ["nan"] * 5
