import json
from pathlib import Path

import pytest

from mlsd_lab.cli.json_file import check_json_file, write_json
from mlsd_lab.errors import ConfigError


def test_a_finding_is_written_whole_and_readable(tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    check_json_file(file)
    write_json(file, {"title": "Wörter", "count": 3})
    assert json.loads(file.read_text(encoding="utf-8")) == {"title": "Wörter", "count": 3}
    assert [path.name for path in tmp_path.iterdir()] == ["found.json"]


def test_without_a_file_nothing_is_checked_or_written() -> None:
    check_json_file(None)
    write_json(None, {"a": 1})


@pytest.mark.parametrize("name", ["-", "/dev/null", "/proc/self/mem", "nowhere/found.json", "."])
def test_what_is_no_place_for_a_file_is_refused_before_the_work(name: str) -> None:
    with pytest.raises(ConfigError, match="--json: expected"):
        check_json_file(Path(name))


def test_an_input_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "brief.toml").write_text("x", encoding="utf-8")
    (tmp_path / "link").symlink_to("brief.toml")
    with pytest.raises(ConfigError, match="another file"):
        check_json_file(tmp_path / "link", str(tmp_path / "brief.toml"))
