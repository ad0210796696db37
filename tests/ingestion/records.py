"""Small click logs and profile lines for the tests of ingestion."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

NOW = datetime(2026, 6, 1, tzinfo=UTC)
AT = "2026-01-01T10:00:00Z"


def event(event_id: str = "e1", **changes: Any) -> dict[str, Any]:
    return {"event_id": event_id, "user_id": "ann", "video_id": "v1", "occurred_at": AT, "known_at": AT} | changes


def lines(*records: dict[str, Any] | str) -> str:
    return "".join((record if isinstance(record, str) else json.dumps(record)) + "\n" for record in records)


def clicks(folder: Path, name: str, *records: dict[str, Any] | str) -> Path:
    """Write a click file, and return the folder that ClickLog reads."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(lines(*records), encoding="utf-8")
    return folder
