import json

import numpy as np
import pytest

from mlsd_lab.datasets.broken_lines import broken_line
from mlsd_lab.errors import DataError
from mlsd_lab.ingestion.contracts import EVENTS

LINE = (
    b'{"event_id":"7","user_id":"ann","video_id":"v","occurred_at":"2026-01-01T10:00:00.000000Z",'
    b'"known_at":"2026-01-01T10:00:01.000000Z","clicked":true}\n'
)


@pytest.mark.parametrize("kind", range(6))
def test_no_contract_accepts_a_broken_line_and_it_is_one_line(kind: int) -> None:
    EVENTS.read(LINE)  # whole, it is accepted
    for seed in range(40):
        line = broken_line(LINE, kind, np.random.default_rng(seed))
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        with pytest.raises(DataError):
            EVENTS.read(line)


def test_a_wrong_field_is_wrong_in_a_line_that_is_still_json() -> None:
    broken = {broken_line(LINE, 5, np.random.default_rng(seed)) for seed in range(40)}
    assert len(broken) > 5
    assert all(isinstance(json.loads(line), dict) for line in broken)
