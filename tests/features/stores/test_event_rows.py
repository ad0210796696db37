import pandas as pd

from mlsd_lab.datasets import Log
from mlsd_lab.features import stream
from mlsd_lab.features.stores.event_rows import EventRows
from mlsd_lab.ingestion.parsing import connect
from tests.features.streams import VIDEOS, seeded_log


def test_rows_of_a_table_are_those_of_the_log() -> None:
    log, connection = seeded_log(50), connect()
    connection.register(
        "frame",
        log.events.astype({"user_id": str, "video_id": str}).assign(
            **dict.fromkeys(("clicked", "liked", "rating", "position"))
        ),
    )
    connection.execute("CREATE TABLE events AS SELECT * FROM frame")
    found = connection.execute(f"SELECT {EventRows.SELECT} FROM events ORDER BY epoch_us(known_at), event_id").df()
    rows, expected = EventRows(log).of(found), stream(log)
    text = dict.fromkeys(("surface", "topic", "creator_id"), "nothing")  # one null for all
    pd.testing.assert_frame_equal(rows[list(expected)].fillna(text), expected.fillna(text), check_dtype=False)


def test_a_video_that_the_log_does_not_know_has_nulls_and_the_rule_is_the_logs() -> None:
    time = pd.to_datetime(["2026-01-01"], utc=True)
    frame = pd.DataFrame({"user_id": "u", "video_id": "v0", "occurred_at": time, "rating": [5.0]})
    found = {"user_id": "u", "video_id": ["v0", "new"], "occurred_at": 5, "known_at": 7, "rating": [4.0, 3.0]}
    rows = EventRows(Log.from_frames(frame, VIDEOS)).of(pd.DataFrame(found))
    assert rows["relevant"].tolist() == [1.0, 0.0]
    assert rows["creator_id"].isna().tolist() == [False, True]
    assert rows["duration_seconds"].isna().tolist() == [False, True]
