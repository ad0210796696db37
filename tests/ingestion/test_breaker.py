import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsd_lab.errors import ConfigError, SourceError
from mlsd_lab.ingestion.breaker import Breaker, UnavailableError


class FakeClock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def call(breaker: Breaker, good: bool) -> str:
    try:
        with breaker.call():
            if not good:
                raise OSError("refused")
    except UnavailableError:
        return "not let through"
    except OSError:
        return "failed"
    return "went well"


@given(st.integers(1, 4), st.lists(st.one_of(st.booleans(), st.floats(0.0, 20.0)), max_size=60))
def test_any_run_of_calls_and_waits_is_let_through_as_the_rule_says(failures: int, steps: list[bool | float]) -> None:
    clock = FakeClock()
    breaker = Breaker(failures, rest=10.0, clock=clock)
    in_a_row, opened = 0, 0.0
    for step in steps:
        if not isinstance(step, bool):
            clock.now += step
            continue
        is_open = in_a_row >= failures and clock.now < opened + 10.0
        assert breaker.state == ("closed" if in_a_row < failures else "open" if is_open else "half-open")
        assert call(breaker, step) == ("not let through" if is_open else "went well" if step else "failed")
        if not is_open:
            in_a_row = 0 if step else in_a_row + 1
            opened = clock.now


def test_the_refusal_tells_how_long_to_wait() -> None:
    clock = FakeClock()
    breaker = Breaker(2, rest=30.0, clock=clock)
    assert [call(breaker, False) for _ in range(3)] == ["failed", "failed", "not let through"]
    clock.now = 10.0
    with pytest.raises(SourceError, match=r"open after 2 failures in a row; the next try is in 20\.0 s") as refusal:
        breaker.call().__enter__()
    assert isinstance(refusal.value, UnavailableError)
    assert refusal.value.retry_after == 20.0


def test_only_one_call_is_the_trial_and_an_interrupted_one_decides_nothing() -> None:
    clock = FakeClock()
    breaker = Breaker(1, rest=1.0, clock=clock)
    call(breaker, False)
    clock.now = 1.0
    with pytest.raises(KeyboardInterrupt), breaker.call():
        assert call(breaker, True) == "not let through"
        raise KeyboardInterrupt
    states = [breaker.state]
    assert call(breaker, True) == "went well"
    assert [*states, breaker.state] == ["half-open", "closed"]


def test_a_call_from_before_the_circuit_opened_decides_nothing() -> None:
    breaker = Breaker(1, rest=1.0, clock=FakeClock())
    with breaker.call():
        call(breaker, False)
    assert breaker.state == "open"


def test_many_threads_get_one_trial() -> None:
    clock = FakeClock()
    breaker = Breaker(1, rest=1.0, clock=clock)
    call(breaker, False)
    clock.now = 1.0
    all_ready, said = threading.Barrier(8), []

    def ask() -> None:
        all_ready.wait()
        try:
            with breaker.call():
                said.append("let through")
                others_refused.wait(10)
        except UnavailableError:
            said.append("not let through")
            if said.count("not let through") == 7:
                others_refused.set()

    others_refused = threading.Event()
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["let through"] + ["not let through"] * 7


@pytest.mark.parametrize(("failures", "rest"), [(0, 1.0), (1, -1.0), (1, float("nan"))])
def test_settings_out_of_range_are_refused(failures: int, rest: float) -> None:
    with pytest.raises(ConfigError, match="failures of at least 1"):
        Breaker(failures, rest)
