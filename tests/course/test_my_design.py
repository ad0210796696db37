from pathlib import Path

import pytest

from mlsd_lab.course import my_design
from mlsd_lab.errors import ConfigError, StorageError


def design(course: Path) -> str:
    return (course / "my_design.md").read_text(encoding="utf-8")


def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    assert repr(my_design("00")) == "00 nothing written yet: put your paragraph between the quotes"
    assert repr(my_design("00", "x")).startswith("00 not kept: ")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_text_changes_nothing(course: Path) -> None:
    my_design("00", "Mine.")
    my_design("00", "  ")
    assert "Mine." in design(course)


def test_sections_stand_in_the_order_of_the_notebooks(course: Path) -> None:
    for notebook in ("04", "00", "08"):
        assert repr(my_design(notebook, f"About {notebook}.")) == f"{notebook} kept in my_design.md: 2 words"
    assert design(course) == (
        "# My design of the home feed\n\n## 00 The whole picture\n\nAbout 00.\n\n"
        "## 04 Candidate generation\n\nAbout 04.\n\n## 08 Drift monitoring\n\nAbout 08.\n"
    )


def test_a_section_is_replaced_and_all_else_stays(course: Path) -> None:
    mine = "Preface without a heading\n\n## 00 Renamed\n\nold\n\n### deeper\n\n## Appendix\n\nkeep\n"
    (course / "my_design.md").write_text(mine, encoding="utf-8")
    my_design("00", "new\n\n## A heading of my own")
    section = "## 00 The whole picture\n\nnew\n\n### A heading of my own\n"
    expected = f"Preface without a heading\n\n{section}\n## Appendix\n\nkeep\n"
    assert design(course) == expected
    my_design("00", "new\n\n## A heading of my own")
    assert design(course) == expected


def test_a_second_sitting_has_a_section_of_its_own_behind_the_first(course: Path) -> None:
    for notebook in ("03", "02_stream", "02"):
        my_design(notebook, f"About {notebook}.")
    my_design("02_stream", "Anew.")
    assert [line for line in design(course).splitlines() if line] == [
        "# My design of the home feed",
        "## 02 Data ingestion", "About 02.",
        "## 02_stream The stream", "Anew.",
        "## 03 Feature store", "About 03.",
    ]  # fmt: skip


def test_a_file_without_an_end_of_line_is_no_trouble(course: Path) -> None:
    (course / "my_design.md").write_text("## 01 Framing\n\nlast", encoding="utf-8")
    my_design("00", "first")
    my_design("02", "then")
    assert [line for line in design(course).splitlines() if line and line[0] != "#"] == ["first", "last", "then"]


def test_what_cannot_be_kept_is_a_sentence(course: Path) -> None:
    with pytest.raises(ConfigError, match="expected a notebook of 00, 01"):
        my_design("12", "x")
    (course / "my_design.md").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(StorageError, match="expected a text in UTF-8"):
        my_design("00", "x")
    assert (course / "my_design.md").read_bytes() == b"\xff\xfe\xff"
