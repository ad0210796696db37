import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from mlsd_lab.course.build import build, expanded, library, main
from mlsd_lab.errors import ConfigError, MissingExtraError

SOURCE = """# %% [markdown]
# # A try

# %%
import os, time
from pathlib import Path
from mlsd_lab.course import check, compare, measure, predict
from mlsd_lab.course.diagram import diagram
shown = measure("0.1", lambda: time.perf_counter())
compare(predict("0.1", "ms"), shown)

# %%
diagram(times={"retrieve": shown})

# %%
# exercise 0.1

# %% tags=["nbval-ignore-output"]
os.getenv("MLSD_LAB_BUILD"), os.getenv("PYTHONHASHSEED"), list(Path.cwd().iterdir())
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source above and its notebook."""
    folder = tmp_path_factory.mktemp("notebooks")
    (folder / "00_try.py").write_text(SOURCE, encoding="utf-8")
    assert build(folder / "00_try.py", folder / "00_try.ipynb")
    return folder


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def test_an_exercise_becomes_statement_starter_and_check() -> None:
    cells = expanded(SOURCE).cells
    assert [cell.cell_type for cell in cells] == ["markdown", "code", "code", "markdown", "code", "code", "code"]
    assert cells[3].source.startswith("### Exercise 0.1: Only gems")
    assert cells[4].source.startswith("def gems(")
    assert cells[5].source == 'check("0.1", gems)'
    assert [cell.id for cell in cells[:2]] == ["cell-00", "cell-01"]


def test_a_notebook_is_run_in_an_empty_folder_with_the_build_known(built: Path) -> None:
    cells = read(built / "00_try.ipynb").cells
    assert cells[-1].outputs[0].data["text/plain"] == "('1', '0', [])"
    assert cells[-2].outputs[0].data["text/plain"] == "Exercise 0.1: not answered yet"
    assert [cell.execution_count for cell in cells if cell.cell_type == "code"] == [1, 2, 3, 4, 5]


def test_metadata_is_small(built: Path) -> None:
    notebook = json.loads((built / "00_try.ipynb").read_text(encoding="utf-8"))
    assert notebook["metadata"]["language_info"] == {"name": "python"}
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    tags = {"nbval-ignore-output", "starter"}
    assert {tag for cell in notebook["cells"] for tag in cell["metadata"].get("tags", [])} == tags
    assert all(set(cell["metadata"]) <= {"tags"} for cell in notebook["cells"])


def test_building_again_changes_nothing(built: Path) -> None:
    before = (built / "00_try.ipynb").read_bytes()
    assert not build(built / "00_try.py", built / "00_try.ipynb")
    assert (built / "00_try.ipynb").read_bytes() == before


def test_strict_nbval_passes_from_any_folder(built: Path, tmp_path: Path) -> None:
    notebooks = Path(__file__).resolve().parents[2] / "notebooks"
    for name in ("conftest.py", "sanitize.cfg"):
        (tmp_path / name).write_text((notebooks / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "00_try.ipynb").write_bytes((built / "00_try.ipynb").read_bytes())
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "test_00_try.py").write_text("1 / 0", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path.parent, capture_output=True, text=True, check=False)
    assert "5 passed" in done.stdout, done.stdout + done.stderr


def test_a_changed_text_is_written_and_the_rest_kept(built: Path, tmp_path: Path) -> None:
    target = tmp_path / "00_try.ipynb"
    target.write_bytes((built / "00_try.ipynb").read_bytes())
    source = tmp_path / "00_try.py"
    source.write_text(SOURCE.replace("A try", "Another try"), encoding="utf-8")
    assert build(source, target)
    old, new = read(built / "00_try.ipynb").cells, read(target).cells
    assert new[0].source == "# Another try"
    assert new[1:] == old[1:]


def test_a_cell_that_fails_is_an_error_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "00_try.py").write_text("# %%\n1 / 0\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"00_try\.py: a cell failed(.|\n)*ZeroDivisionError"):
        build(tmp_path / "00_try.py", tmp_path / "00_try.ipynb")
    assert [path.name for path in tmp_path.iterdir()] == ["00_try.py"]


def test_the_command_builds_what_is_named_and_reviews(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO", logger="mlsd_lab.course.build")
    monkeypatch.setitem(os.environ, "MLSD_LAB_BUILD", "")
    for name in ("00_one", "01_two"):
        (tmp_path / f"{name}.py").write_text("# %%\n1 + 1\n", encoding="utf-8")
    assert main([str(tmp_path), str(tmp_path), "00_one"]) == 1
    said = [record.getMessage() for record in caplog.records if record.name == "mlsd_lab.course.build"]
    assert said == ["00_one: written", f"01_two.py: has no notebook in {tmp_path}; build it"]
    assert main([str(tmp_path), str(tmp_path)]) == 0


def test_a_missing_package_is_a_sentence() -> None:
    with pytest.raises(MissingExtraError, match="building notebooks needs no_such_package: pip install"):
        library("no_such_package")
