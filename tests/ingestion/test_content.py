import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.content import content_hash
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.parsing import connect

NOW = datetime(2026, 6, 1, tzinfo=UTC)
START = datetime(2026, 1, 1, 23, tzinfo=UTC)


def micro(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def test_the_hash_of_the_rows_is_as_documented(tmp_path: Path) -> None:
    (tmp_path / "clicks").mkdir()
    rows = [
        {
            "event_id": name,
            "user_id": "ü",
            "video_id": "v",
            "occurred_at": START.isoformat(),
            "known_at": START.isoformat(),
        }
        for name in ("b", "a", "B", "é")
    ]
    (tmp_path / "clicks" / "1.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    lake = Lake(tmp_path / "lake")
    ingest(lake, [ClickLog(tmp_path / "clicks")], NOW)
    texts = [
        json.dumps(
            [row["event_id"], "ü", "v", micro(START), micro(START), *[None] * 9],
            separators=(",", ":"),
            ensure_ascii=False,
        )
        for row in sorted(rows, key=lambda row: row["event_id"])
    ]
    expected = hashlib.sha256("".join(f"{text}\n" for text in texts).encode()).hexdigest()
    assert content_hash(connect(), lake.table("events")) == expected
