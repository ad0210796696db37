"""One side of the query benchmark: `python query_side.py SOURCE` prints seconds, bytes read and answers as JSON."""

import json
import sys
from pathlib import Path
from time import perf_counter

from mlsd_lab.ingestion.parsing import connect

QUERIES = (
    "SELECT CAST({day} AS VARCHAR) AS day, count(*) FILTER (clicked) AS clicks FROM {source} GROUP BY 1 ORDER BY 1",
    "SELECT count(*), round(sum(watch_seconds), 3) FROM {source} WHERE user_id = 'u4711'",
    "SELECT video_id, round(sum(watch_seconds), 3) AS seconds FROM {source} WHERE {day} = DATE '2026-01-17'"
    " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20",
)
"""Clicks a day, one user's history, the videos of one day."""


def bytes_read() -> int:
    """Return how many bytes this process has read so far; Linux counts them."""
    return int(Path("/proc/self/io").read_text(encoding="ascii").split()[1])


def main(source: str, day: str) -> None:
    """Ask each query once for its bytes, then all of them for their seconds."""
    seconds = []
    asked = [query.format(source=source, day=day) for query in QUERIES]
    connect()  # loading DuckDB reads 1.6 MB, which are not the queries'
    before = bytes_read()
    answers = [connect().execute(query).fetchall() for query in asked]
    read = bytes_read() - before
    for _ in range(3):
        began = perf_counter()
        for query in asked:
            connect().execute(query).fetchall()
        seconds.append(perf_counter() - began)
    print(json.dumps({"seconds": seconds, "bytes": read, "answers": answers}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
