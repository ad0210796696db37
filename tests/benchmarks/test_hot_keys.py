"""What is hot, and what a snapshot saves, at a small size."""

import json
from collections import Counter

from benchmarks import page, results
from benchmarks.rows.hot_keys import HotKeys, hottest
from tests import needs


def test_the_hottest_keys_take_their_share_of_the_reads() -> None:
    reads = Counter({b"a": 6, b"b": 3, b"c": 1})
    assert hottest(reads, keys=10, share=0.1) == 0.6
    assert hottest(reads, keys=10, share=0.2) == 0.9
    assert hottest(reads, keys=3, share=0.01) == 0.6  # one at least


def test_with_the_snapshot_a_request_reads_no_rows_of_videos_on_any_store() -> None:
    needs.redis()
    found = results.measured(HotKeys(), True, lambda _: None)
    assert [part["store"] for part in found["parts"]] == ["memory", "sqlite", "redis"]
    slate = found["size"]["videos"] // 2
    for part in found["parts"]:
        assert part["with_snapshot_rows"] < part["whole_rows"] - slate
    assert json.loads(json.dumps(found)) == found
    assert "of the videos 1% take" in page.text([found])
