from tests.cli.command_line import CommandLine


def test_the_group_lists_its_commands(mlsd_lab: CommandLine) -> None:
    assert "skew" in mlsd_lab("features", "--help").out
