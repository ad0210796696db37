"""Notebooks made from their sources: `python -m mlsd_lab.course.build notebooks/source notebooks [NAME…]`."""

import importlib
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from mlsd_lab.artifacts import write_whole
from mlsd_lab.course.exercise import exercise
from mlsd_lab.errors import ConfigError, MissingExtraError

_LIVE = re.compile(r"⟨[^⟩]*⟩")
_EXERCISE = re.compile(r"# exercise (\d{1,2}\.\d)\s*")
_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_SECONDS_A_CELL = 120


def expanded(source: str) -> Any:
    """Return the notebook, not yet run, of a py:percent text.

    A code cell whose first line is `# exercise 0.1` becomes the statement, the starter, and the line that checks it.

    >>> from importlib.util import find_spec  # the package works without what builds notebooks
    >>> find_spec("jupytext") is None or expanded("# %%\\n# exercise 0.1").cells[-1].source == 'check("0.1", gems)'
    True
    """
    v4 = library("nbformat.v4")
    cells: list[Any] = []
    for cell in library("jupytext").reads(source, fmt="py:percent").cells:
        asked = _EXERCISE.fullmatch(cell.source.partition("\n")[0]) if cell.cell_type == "code" else None
        if asked is None:
            cells.append(cell)
            continue
        found = exercise(asked[1])
        cells.append(v4.new_markdown_cell(found.markdown))
        cells.append(v4.new_code_cell(found.starter.strip(), metadata={"tags": ["starter"]}))
        cells.append(v4.new_code_cell(f'check("{found.key}", {found.name})'))
    for at, cell in enumerate(cells):
        cell["id"] = f"cell-{at:02d}"
        cell["metadata"] = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
    return v4.new_notebook(cells=cells, metadata=_METADATA)


def build(source: Path, target: Path) -> bool:
    """Run one source and write its notebook; tell whether the file changed.

    What is the same but for live numbers and pictures stays as it was stored, so that a second run changes nothing.
    Raises `ConfigError` with the cell's own error where one fails.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     build(Path(folder, "00_none.py"), Path(folder, "00_none.ipynb"))
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: expected a source at ...00_none.py, found none
    """
    if not source.is_file():
        raise ConfigError(f"expected a source at {source}, found none")
    notebook = expanded(source.read_text(encoding="utf-8"))
    _execute(notebook, source.name)
    _keep_what_is_equal(notebook, target)
    text = library("nbformat").writes(notebook, version=4) + "\n"
    if target.is_file() and target.read_text(encoding="utf-8") == text:
        return False
    write_whole(target, text)
    return True


def masked(text: str) -> str:
    """Return a text with its live numbers taken out.

    >>> masked("4.1 ⟨17.2 ms⟩")
    '4.1 ⟨⟩'
    """
    return _LIVE.sub("⟨⟩", text)


def main(arguments: list[str]) -> int:
    """Build the notebooks named, or all, then say what is wrong with any; return the exit code.

    >>> main([])
    2
    """
    from mlsd_lab.course.review import review

    say = logging.getLogger(__name__).info
    if len(arguments) < 2:
        say("python -m mlsd_lab.course.build SOURCES NOTEBOOKS [NAME…]: sources are files like 00_start_here.py")
        return 2
    sources, notebooks, names = Path(arguments[0]), Path(arguments[1]), arguments[2:]
    for source in [sources / f"{name}.py" for name in names] or sorted(sources.glob("[0-9][0-9]_*.py")):
        changed = build(source, notebooks / f"{source.stem}.ipynb")
        say("%s: %s", source.stem, "written" if changed else "unchanged")
    wrong = review(sources, notebooks)
    for sentence in wrong:
        say(sentence)
    return int(bool(wrong))


def library(name: str) -> Any:
    """Return a package that only those who build notebooks need; raises `MissingExtraError` with what installs it.

    >>> library("json").__name__
    'json'
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"building notebooks needs {error.name}: pip install 'mlsd_lab[course,dev]'") from error


def _execute(notebook: Any, name: str) -> None:
    """Run a notebook in an empty folder, where no learner's folder is found."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    environment = {**os.environ, "PYTHONHASHSEED": "0", "MLSD_LAB_BUILD": "1"}
    with tempfile.TemporaryDirectory(prefix="mlsd_lab_build_") as folder:
        client = NotebookClient(
            notebook,
            timeout=_SECONDS_A_CELL,
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": folder}},
        )
        try:
            client.execute(env=environment)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise ConfigError(f"{name}: a cell failed; mend it and build again\n{error}") from error
    notebook["metadata"] = dict(_METADATA)
    for cell in notebook.cells:
        cell["metadata"] = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}


def _keep_what_is_equal(notebook: Any, target: Path) -> None:
    """Put stored outputs in the place of new ones that differ in nothing but live numbers and pictures."""
    if not target.is_file():
        return
    stored = library("nbformat").read(target, as_version=4).cells
    before = {cell.source: cell.outputs for cell in stored if cell.cell_type == "code"}
    for cell in notebook.cells:
        outputs = before.get(cell.source) if cell.cell_type == "code" else None
        if outputs is not None and _texts(outputs) == _texts(cell.outputs):
            cell["outputs"] = deepcopy(outputs)
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output["execution_count"] = cell.execution_count


def _texts(outputs: Any) -> list[list[tuple[str, str]]]:
    """Return what strict nbval compares: all but pictures, the live numbers taken out."""
    return [sorted(_parts(output)) for output in outputs]


def _parts(output: Any) -> Iterator[tuple[str, str]]:
    if output.output_type == "stream":
        yield output.name, masked(output.text)
    for kind, content in output.get("data", {}).items():
        yield kind, "" if kind.startswith("image/") else masked(str(content))


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", stream=sys.stdout)
    logging.getLogger(__name__).setLevel(logging.INFO)
    sys.exit(main(sys.argv[1:]))
