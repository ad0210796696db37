import os
from functools import partial
from itertools import count
from pathlib import Path
from time import sleep

import pytest

from mlsd_lab.course.killed import killed
from mlsd_lab.errors import ConfigError

ENOUGH = 30.0


def test_it_dies_so_many_times_and_then_comes_to_its_end(tmp_path: Path) -> None:
    lives = tmp_path / "lives"

    def work() -> None:
        with lives.open("ab", buffering=0) as file:
            file.write(b".")
        while not (tmp_path / "enough").exists():
            sleep(0.001)

    found = []
    for kills in killed(work, times=3, within=0.2):
        found.append(kills)
        if kills == 3:
            (tmp_path / "enough").touch()
    assert found == [1, 2, 3, 3]
    assert 1 <= lives.stat().st_size <= 4  # some die before their first line


def test_between_two_lives_nobody_is_at_work(tmp_path: Path) -> None:
    path = tmp_path / "steps"

    def works() -> None:
        with path.open("ab", buffering=0) as file:
            for _ in range(2_000):
                file.write(b".")
                sleep(0.001)

    seen = []
    for kills in killed(works, times=3, within=0.3, seed=1):
        before = path.stat().st_size if path.exists() else 0
        sleep(0.05)
        assert (path.stat().st_size if path.exists() else 0) == before
        seen.append(before)
        if kills == 3:
            break
    assert seen == sorted(seen)


def test_what_ends_before_it_is_killed_is_not_run_again(tmp_path: Path) -> None:
    def work() -> None:
        with (tmp_path / "lives").open("ab") as file:
            file.write(b".")

    assert list(killed(work, times=5, within=ENOUGH)) == [0]
    assert (tmp_path / "lives").stat().st_size == 1


def test_nothing_that_it_might_do_helps(tmp_path: Path) -> None:
    def holds_on() -> None:
        try:
            for _ in count():
                sleep(0.001)
        finally:
            (tmp_path / "last words").touch()

    for kills in killed(holds_on, times=2, within=0.1):
        if kills == 2:
            break
    assert not list(tmp_path.iterdir())


def test_a_function_of_a_notebook_is_sent_with_what_it_refers_to(tmp_path: Path) -> None:
    scope: dict[str, object] = {"__name__": "__main__", "place": tmp_path / "said", "greeting": "it came along"}
    exec("def work():\n    place.write_text(greeting)", scope)
    assert list(killed(scope["work"], times=0, within=1)) == [0]  # type: ignore[arg-type]
    assert (tmp_path / "said").read_text() == "it came along"


def test_what_it_raises_is_a_sentence() -> None:
    def fails() -> None:
        raise ValueError("no such table")

    with pytest.raises(ConfigError, match="that it failed: ValueError: no such table"):
        list(killed(fails, times=1, within=ENOUGH))
    with pytest.raises(ConfigError, match="that it failed: the process has died"):
        list(killed(partial(os._exit, 3), times=1, within=ENOUGH))


@pytest.mark.parametrize(("times", "within"), [(-1, 1.0), (1, 0.0), (1, float("nan"))])
def test_settings_that_mean_nothing_are_refused(times: int, within: float) -> None:
    with pytest.raises(ConfigError, match="expected 0 kills or more within more than 0 s"):
        list(killed(lambda: None, times, within))
