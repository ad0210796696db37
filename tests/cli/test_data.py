from pathlib import Path

import pytest

from tests.cli.command_line import CommandLine, assert_refused


def test_the_data_sets_are_listed(mlsd_lab: CommandLine) -> None:
    done = mlsd_lab("data", "list")
    assert done.code == 0
    assert all(name in done.out for name in ("movielens", "kuairand", "csv"))


def test_a_data_set_is_described(mlsd_lab: CommandLine) -> None:
    done = mlsd_lab("data", "describe", "movielens")
    assert done.code == 0
    for part in ("100,004 events", "671 users", "9,066 videos", "licence: GroupLens", "rating", "Toy Story"):
        assert part in done.out


def test_movielens_needs_no_fetch(mlsd_lab: CommandLine) -> None:
    done = mlsd_lab("data", "fetch", "movielens")
    assert (done.code, done.err) == (0, "")
    assert "nothing to fetch" in done.out


class TestBadInput:
    """Each ends in one sentence with exit code 2; nothing half-written stays."""

    @pytest.mark.parametrize("command", [["run", "--data"], ["data", "describe"]])
    def test_an_unknown_data_set(self, mlsd_lab: CommandLine, command: list[str]) -> None:
        expected = "expected a data set of movielens, kuairand, world, csv; found 'netflix'"
        assert_refused(mlsd_lab(*command, "netflix"), expected)

    @pytest.mark.parametrize("name", ["csv", "netflix", "../kuairand"])
    def test_a_data_set_that_cannot_be_fetched(self, mlsd_lab: CommandLine, name: str) -> None:
        assert_refused(mlsd_lab("data", "fetch", name), f"expected kuairand or movielens, found '{name}'")

    def test_a_fetch_into_a_folder_that_holds_something(self, mlsd_lab: CommandLine, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        for into in (tmp_path, tmp_path / "file"):
            assert_refused(mlsd_lab("data", "fetch", "kuairand", "--into", into), "already holds something")
