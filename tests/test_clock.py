from datetime import UTC, datetime, timedelta

from mlsd_lab.clock import now


def test_now_lies_between_two_readings_of_the_systems_clock() -> None:
    before = datetime.now(UTC)
    moment = now()
    assert before <= moment <= datetime.now(UTC)
    assert moment.utcoffset() == timedelta(0)
