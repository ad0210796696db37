import json

import numpy as np
import pytest

from mlsd_lab.errors import StorageError
from mlsd_lab.features.stores.head import Head


def test_what_was_written_is_read_back() -> None:
    head = Head("f", version=3, position=7, newest=-5, mark={"offset": 9, "last": None})
    assert Head.of(head.to_bytes()) == head


def test_the_newest_time_of_all_and_of_none_survives_json() -> None:
    for newest in (np.iinfo(np.int64).min, np.iinfo(np.int64).max):
        stored = Head("f", newest=int(newest)).to_bytes()
        assert json.loads(stored)["newest"] == newest
        assert Head.of(stored).newest == newest


@pytest.mark.parametrize("stored", [None, b"", b"{", b"[1]", b'{"fingerprint": "f", "more": 1}', b"\xff"])
def test_what_is_no_head_is_refused_with_the_name_of_its_store(stored: bytes | None) -> None:
    with pytest.raises(StorageError, match=r"features\.db: expected a head of JSON, found b'"):
        Head.of(stored, "features.db")
