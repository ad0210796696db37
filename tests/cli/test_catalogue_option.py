import sys
from pathlib import Path

import pytest

from mlsd_lab.cli.catalogue_option import catalogue_named
from mlsd_lab.errors import ConfigError

MINE = """
from mlsd_lab.features import Catalogue, Count, windowed

@windowed("user_id", "1d", Count)
def seen(events):
    "Videos seen."
    return events.relevant

MINE, NUMBER = Catalogue("mine", "3", [seen]), 7
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder for modules, forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name in ("my_features", "my_package", "my_package.inner"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def test_a_module_of_the_working_folder_or_below_is_found(here: Path) -> None:
    (here / "my_features.py").write_text(MINE)
    assert catalogue_named("my_features:MINE").version == "3"
    (here / "my_package").mkdir()
    (here / "my_package" / "inner.py").write_text(MINE)
    assert catalogue_named("my_package.inner:MINE").columns == ("seen_1d",)


@pytest.mark.parametrize(
    "wrong", ["", ":", "feed", "a:b:c", "a b:C", "../x:Y", "my_features:", ":FEED", "-:x", "a..b:C"]
)
def test_what_is_no_name_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigError, match=r"expected module:NAME such as mlsd_lab\.features\.feed:FEED, found"):
        catalogue_named(wrong)


@pytest.mark.parametrize(
    "text, sentence",
    [
        (None, "found ModuleNotFoundError: No module named 'my_features'"),
        ("1 / 0", "found ZeroDivisionError: division by zero"),
        ("def", "found SyntaxError"),
        ("raise SystemExit(3)", "found SystemExit: 3"),
        ("MINE = 7", "expected a Catalogue, found int; catalogues of my_features: none"),
        (MINE.replace("MINE, NUMBER", "OTHER, NUMBER"), "expected a Catalogue, found nothing; .*: OTHER"),
        (MINE.replace('"Videos seen."', ""), "seen: expected a docstring that says what the feature means"),
    ],
)
def test_a_module_that_does_not_bring_one_gets_a_sentence(here: Path, text: str | None, sentence: str) -> None:
    if text is not None:
        (here / "my_features.py").write_text(text)
    with pytest.raises(ConfigError, match=sentence) as told:
        catalogue_named("my_features:MINE")
    assert "\n" not in str(told.value)
