from dataclasses import FrozenInstanceError
from datetime import UTC, datetime

import pytest

from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.stream.stream_sink import Arrived


def test_a_piece_stays_as_it_arrived() -> None:
    arrived = Arrived(connect(), {"offset": 1}, datetime(2026, 1, 1, tzinfo=UTC), on_time=1, late=0, dead=())
    with pytest.raises(FrozenInstanceError):
        arrived.late = 1  # type: ignore[misc]
