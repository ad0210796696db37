import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.contracts import EVENTS
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect

NOW = datetime(2026, 6, 1, tzinfo=UTC)
START = datetime(2026, 1, 1, 23, tzinfo=UTC)


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """Draw one of few ids, so that copies are many; equal ids may differ in anything, their day too."""
    known = START + timedelta(minutes=draw(st.integers(0, 3)) * 40)
    return {
        "event_id": draw(st.sampled_from("abcdefg")),
        "user_id": draw(st.sampled_from(["ann", "bob"])),
        "video_id": "v",
        "occurred_at": (known - timedelta(minutes=draw(st.sampled_from([0, 0, 90])))).isoformat(),
        "known_at": known.isoformat(),
        "watch_seconds": draw(st.sampled_from([None, 1.5, 2.0])),
    }


def winners(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rule, one record at a time: the earliest known_at stays, a tie goes to the smallest hash of the row."""
    best: dict[str, tuple[Any, dict[str, Any]]] = {}
    for record in records:
        values = EVENTS.read(json.dumps(record).encode())
        rank = (values["known_at"], _hash(values))
        if record["event_id"] not in best or rank < best[record["event_id"]][0]:
            best[record["event_id"]] = (rank, values)
    return [values for _, (_, values) in sorted(best.items())]


def _hash(values: dict[str, Any]) -> str:
    import hashlib

    row = [_micro(value) if isinstance(value, datetime) else value for value in values.values()]
    return hashlib.sha256(json.dumps(row, separators=(",", ":")).encode()).hexdigest()


def _micro(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@settings(max_examples=15, deadline=None)
@given(records=st.lists(events(), min_size=1, max_size=14), data=st.data())
def test_any_order_duplication_and_split_into_files_and_runs_gives_the_same_table(
    records: list[dict[str, Any]], data: st.DataObject, tmp_path_factory: Any
) -> None:
    again = data.draw(st.permutations(records + data.draw(st.lists(st.sampled_from(records), max_size=5))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(again)), max_size=3)))
    folder = tmp_path_factory.mktemp("any")
    lake, clicks = Lake(folder / "lake"), folder / "clicks"
    clicks.mkdir()
    kept = 0
    for at, (start, end) in enumerate(zip([0, *cuts], [*cuts, len(again)], strict=True)):
        (clicks / f"{at}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in again[start:end]))
        (intake,) = ingest(lake, [ClickLog(clicks, batch_bytes=data.draw(st.sampled_from([200, 2000])))], NOW)
        kept += intake.counts.kept
    connection, table = connect(), lake.table("events")
    table.view(connection, "found")
    shown = ", ".join(f"epoch_us({f.name})" if f.kind == "moment" else f.name for f in EVENTS.fields)
    found = connection.execute(f"SELECT {shown}, event_date FROM found ORDER BY event_id").fetchall()
    expected = [
        (*(_micro(v) if isinstance(v, datetime) else v for v in row.values()), row["occurred_at"].date())
        for row in winners(records)
    ]
    assert found == expected
    assert kept == len(expected)
