import itertools
import re
from typing import Any

import pytest

from mlsd_lab.course.measure import Measurement, measure
from mlsd_lab.course.values import named_values
from mlsd_lab.errors import ConfigError


def test_work_is_called_as_often_as_asked_and_its_last_result_kept() -> None:
    calls = itertools.count(1)
    found = measure("0.1", lambda: next(calls), repeat=5)
    assert (found.result, next(calls)) == (5, 6)
    assert re.fullmatch(r"0\.1 ⟨[\d.]+ (µs|ms|s)⟩", repr(found))


def test_it_is_named() -> None:
    found = measure("0.1", lambda: None)
    assert (named_values()["0.1"].value, named_values()["0.1"].live) == (found.seconds, True)


def test_memory_is_measured_apart_and_only_when_asked() -> None:
    calls = itertools.count(1)
    found = measure("0.1", lambda: bytearray(3_000_000 + next(calls)), repeat=2, memory=True)
    assert found.peak_bytes is not None
    assert 3_000_000 <= found.peak_bytes < 4_000_000
    assert next(calls) == 4
    assert repr(found).endswith(" MB at the most⟩")


def test_ratios_and_verdicts_are_live() -> None:
    slow, fast = Measurement("0.1", 0.018, None), Measurement("0.2", 0.004, None)
    assert repr(slow / fast) == "⟨4.5 ×⟩"
    assert repr(slow / 2) == "⟨9 ms⟩"
    assert (slow > fast).margin == pytest.approx(4.5)
    assert slow < 0.02
    assert float(slow) == 0.018


@pytest.mark.parametrize(("work", "repeat"), [(5, 3), (None, 3), (print, 0)])
def test_what_cannot_be_called_is_a_sentence(work: Any, repeat: int) -> None:
    with pytest.raises(ConfigError, match=r"0\.1: expected something to call"):
        measure("0.1", work, repeat)


def test_what_the_work_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        measure("0.1", lambda: 1 / 0, memory=True)
