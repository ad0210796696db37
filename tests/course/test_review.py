from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import v4

from mlsd_lab.course.build import expanded
from mlsd_lab.course.review import review

SOURCE = """# %% [markdown]
# # Try 77
# On page 1999, in 3 steps, see [chapter 45](http://x/46) and `k=47`: {prose}
#
# 1. one
# 12. twelve

# %%
{code}
"""


def write(folder: Path, prose: str = "fine", code: str = "1", text: str = "", **changes: Any) -> list[str]:
    """Write a source and a notebook of it as if run; return what the review says."""
    source = SOURCE.format(prose=prose, code=code)
    (folder / "00_try.py").write_text(source, encoding="utf-8")
    notebook = expanded(source)
    for at, cell in enumerate([cell for cell in notebook.cells if cell.cell_type == "code"], 1):
        cell["execution_count"] = at
        cell["outputs"] = [v4.new_output("stream", text=text)] if text else []  # type: ignore[no-untyped-call]
    for name, value in changes.items():
        notebook.cells[1][name] = value
    nbformat.write(notebook, folder / "00_try.ipynb")  # type: ignore[no-untyped-call]
    return review(folder, folder)


def test_a_sound_notebook_passes(tmp_path: Path) -> None:
    assert write(tmp_path) == []


@pytest.mark.parametrize(
    ("prose", "text"),
    [
        ("we found 671 people", "671 people"),
        ("we found 100,004 ratings", "100004"),
        ("it took 1,234.5 ms at p99", "1234.5"),
        ("recall@100 is 0.392", "als.recall = 0.392 ± 0.004"),
        ("notebook 07 and float32", ""),
        ("```\n# 88\n# ```", ""),
        ("<span style='width:88px'>x</span>", ""),
    ],
)
def test_a_number_that_is_shown_or_is_no_claim_passes(tmp_path: Path, prose: str, text: str) -> None:
    assert write(tmp_path, prose, text=text) == []


@pytest.mark.parametrize(
    ("prose", "text", "number"),
    [
        ("we found 672 people", "671 people", "672"),
        ("it took 17.2 ms", "⟨17.2 ms⟩", "17.2"),
        ("a share of 0.4", "0.41", "0.4"),
        ("44 of them", "", "44"),
    ],
)
def test_a_number_that_nothing_shows_is_told(tmp_path: Path, prose: str, text: str, number: str) -> None:
    assert write(tmp_path, prose, text=text) == [
        f"00_try.ipynb: cell 1: expected {number} to be computed by a cell, found no output that shows it"
    ]


def test_a_number_of_the_code_may_be_told(tmp_path: Path) -> None:
    assert write(tmp_path, "the budget of 200 ms", code="budget = 200") == []


@pytest.mark.parametrize("count", [None, 2])
def test_cells_not_run_in_order_are_told(tmp_path: Path, count: int | None) -> None:
    assert "run once and in order" in write(tmp_path, execution_count=count)[0]


def test_an_edited_notebook_is_told(tmp_path: Path) -> None:
    assert write(tmp_path, source="2") == [
        "00_try.ipynb: cell 2 differs from the source; edit the source, then build it again"
    ]


def test_an_added_cell_is_told(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "00_try.py").write_text(SOURCE.format(prose="fine", code="1\n\n# %%\n2"), encoding="utf-8")
    assert "cell 3 differs" in review(tmp_path, tmp_path)[0]


def test_an_error_is_told(tmp_path: Path) -> None:
    error = v4.new_output("error", ename="E", evalue="e", traceback=[])  # type: ignore[no-untyped-call]
    assert write(tmp_path, outputs=[error]) == ["00_try.ipynb: code cell 1 ended in an error"]


def test_what_is_too_long_is_told(tmp_path: Path) -> None:
    assert "at most 12 lines, found 13" in write(tmp_path, code="\n".join("1" * 13))[0]
    assert "at most 25 code cells, found 26" in write(tmp_path, code="\n\n# %%\n".join("1" * 26))[0]
    assert "at most 400 kB, found 50" in write(tmp_path, text="x" * 500_000)[0]


def test_twins_that_miss_each_other_are_told(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "00_try.py").rename(tmp_path / "01_other.py")
    assert review(tmp_path, tmp_path) == [
        f"00_try.ipynb: has no source in {tmp_path}; write it there",
        f"01_other.py: has no notebook in {tmp_path}; build it",
    ]
