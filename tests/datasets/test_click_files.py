import gzip
import hashlib
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.datasets import Log
from mlsd_lab.datasets.click_files import Defects, Written, write_click_files
from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.ingestion.contracts import EVENTS

N = 4000


@pytest.fixture(scope="module")
def log() -> Log:
    random = np.random.default_rng(0)
    seconds = random.exponential(10, N) ** 5
    seconds[:5] = 0.1 + 0.2, 5e-324, 1.7976931348623157e308, 1e22, 0.0
    frame = pd.DataFrame(
        {
            "user_id": random.integers(0, 50, N),
            "video_id": random.choice(["ä\"\\\n'", "v", "\u2028😀"], N),
            "occurred_at": pd.to_datetime(random.integers(0, 4 * 10**15, N), unit="us", utc=True),
            "request_id": np.array([None, "r", 7], object)[random.integers(0, 3, N)],
            "clicked": pd.array(np.array([True, False, None])[random.integers(0, 3, N)], dtype="boolean"),
            "position": random.choice([0, 5, np.nan], N),
            "watch_seconds": np.where(random.random(N) < 0.3, np.nan, seconds),
        }
    )
    return Log.from_frames(frame)


def lines_of(folder: Path) -> list[bytes]:
    contents = [
        gzip.decompress(p.read_bytes()) if p.suffix == ".gz" else p.read_bytes() for p in sorted(folder.iterdir())
    ]
    return [line for content in contents for line in content.split(b"\n")[:-1]]


def records(log: Log) -> dict[str, dict[str, Any]]:
    rows = log.events.astype(object).where(log.events.notna(), None).to_dict("records")
    for row in rows:
        for name in ("event_id", "request_id"):
            row[name] = None if row[name] is None else str(row[name])
        for name in ("occurred_at", "known_at"):
            row[name] = f"{row[name]:%Y-%m-%dT%H:%M:%S.%fZ}"
    return {row["event_id"]: {k: v for k, v in row.items() if v is not None} for row in rows}


def test_a_clean_log_reads_back_exactly_and_in_order(log: Log, tmp_path: Path) -> None:
    written = write_click_files(log, tmp_path / "new")
    found = [json.loads(line) for line in lines_of(tmp_path / "new")]
    assert {record["event_id"]: record for record in found} == records(log)
    assert [record["known_at"] for record in found] == sorted(record["known_at"] for record in found)
    size = sum(path.stat().st_size for path in (tmp_path / "new").iterdir())
    assert written == Written(tmp_path / "new", 8, N, N, 0, 0, 0, size)


def test_defects_are_there_in_their_shares_and_no_event_is_lost(log: Log, tmp_path: Path) -> None:
    defects = Defects(late=0.1, repeated=0.2, shuffled=20, broken=0.1, blank=0.05, gzipped=0.5, cut_short=2)
    written = write_click_files(log, tmp_path, defects, files=6, seed=3)
    found = lines_of(tmp_path)
    good, refused = [], 0
    for line in filter(None, found):
        try:
            good.append(EVENTS.read(line, datetime(2200, 1, 1, tzinfo=UTC))["event_id"])
        except DataError:
            refused += 1
    assert set(good) == set(records(log))
    assert len(good) == N + written.repeated == 1.2 * N
    assert refused == written.broken == 0.1 * N
    assert found.count(b"") == written.blank == 0.05 * N
    assert len(found) == written.lines
    assert max(Counter(good).values()) > 1
    assert len(list(tmp_path.glob("clicks-*.jsonl.gz"))) == 3
    endings = [
        gzip.decompress(p.read_bytes())[-1:] if p.suffix == ".gz" else p.read_bytes()[-1:] for p in tmp_path.iterdir()
    ]
    assert sum(ending != b"\n" for ending in endings) == 2


def test_late_events_come_in_a_later_file(log: Log, tmp_path: Path) -> None:
    write_click_files(log, tmp_path, Defects(late=0.1), files=4)
    home = {event: row * 4 // N for row, event in enumerate(log.events["event_id"].astype(str))}
    moved = 0
    for number, path in enumerate(sorted(tmp_path.iterdir())):
        came = [home[json.loads(line)["event_id"]] for line in path.read_bytes().splitlines()]
        assert all(number >= place for place in came)
        moved += sum(number > place for place in came)
    assert moved == 0.1 * N


def test_equal_seeds_write_equal_bytes(log: Log, tmp_path: Path) -> None:
    defects = Defects(late=0.1, repeated=0.1, shuffled=5, broken=0.1, blank=0.1, gzipped=0.5, cut_short=1)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_click_files(log, tmp_path / name, defects, seed=seed)
    sums = [
        [(path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in sorted((tmp_path / name).iterdir())]
        for name in "abc"
    ]
    assert sums[0] == sums[1] != sums[2]


def test_no_events_and_more_files_than_events(log: Log, tmp_path: Path) -> None:
    assert write_click_files(log.with_events(log.events[:0]), tmp_path / "a", Defects(0.5, 0.5, 3, 0.5)).lines == 0
    assert write_click_files(log.with_events(log.events[:3]), tmp_path / "b", Defects(0.5), files=9).lines == 3


def test_what_is_not_accepted_is_refused(log: Log, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("mine")
    with pytest.raises(ConfigError, match="expected an empty folder"):
        write_click_files(log, tmp_path)
    with pytest.raises(ConfigError, match="1 file or more"):
        write_click_files(log, tmp_path / "new", files=0)
    with pytest.raises(ConfigError, match="late"):
        Defects(late=1.5)
