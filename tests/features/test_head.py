import json

import numpy as np

from mlsd_lab.features.head import Head


def test_what_was_written_is_read_back() -> None:
    head = Head("f", version=3, position=7, newest=-5, mark={"offset": 9, "last": None})
    assert Head.of(head.to_bytes()) == head


def test_the_newest_time_of_all_and_of_none_survives_json() -> None:
    for newest in (np.iinfo(np.int64).min, np.iinfo(np.int64).max):
        stored = Head("f", newest=int(newest)).to_bytes()
        assert json.loads(stored)["newest"] == newest
        assert Head.of(stored).newest == newest
