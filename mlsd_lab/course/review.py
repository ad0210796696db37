"""What is wrong with built notebooks, in sentences: what strict nbval cannot see."""

import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from mlsd_lab.course.build import expanded, library

_KILOBYTES, _CELLS, _LINES, _WIDTH = 400, 25, 12, 100
_NUMBER = re.compile(r"(?<![\w@.,])\d[\d,]*(?:\.\d+)?(?!\w)")
_NOT_PROSE = re.compile(
    r"```.*?```|~~~.*?~~~"  # fenced code
    r"|`[^`]*`"  # inline code
    r"|^#[^\n]*"  # headings
    r"|\[[^\]]*\]\([^)]*\)|https?://\S+"  # links
    r"|<[^>]+>"  # tags
    r"|^\s*\d+[.)]\s",  # the numbers of a list
    re.DOTALL | re.MULTILINE,
)


def review(sources: Path, notebooks: Path) -> list[str]:
    """Return a sentence for each fault of the notebooks in a folder, held against their sources.

    Faults: a missing or differing twin, cells that were not run once and in order, an error among the outputs, more
    than 400 kB, 25 code cells or 12 lines in one (a starter may be longer), a number in the prose that nothing shows.

    >>> review(Path("no-such-folder"), Path("no-such-folder"))
    ['no-such-folder: expected sources such as 00_start_here.py, found none']
    """
    texts = {path.stem: path for path in sorted(sources.glob("[0-9][0-9]_*.py"))}
    built = {path.stem: path for path in sorted(notebooks.glob("*.ipynb"))}
    if not texts:
        return [f"{sources}: expected sources such as 00_start_here.py, found none"]
    wrong = [f"{name}.ipynb: has no source in {sources}; write it there" for name in sorted(built.keys() - texts)]
    for name, source in texts.items():
        if name not in built:
            wrong.append(f"{name}.py: has no notebook in {notebooks}; build it")
            continue
        wrong += [f"{name}.ipynb: {sentence}" for sentence in _faults(source, built[name])]
    return wrong


def _faults(source: Path, path: Path) -> Iterator[str]:
    notebook = library("nbformat").read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    yield from _twin(expanded(source.read_text(encoding="utf-8")).cells, notebook.cells)
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        yield "expected cells run once and in order, found others; build it again"
    for at, cell in enumerate(code, 1):
        if any(output.output_type == "error" for output in cell.outputs):
            yield f"code cell {at} ended in an error"
        lines = len(cell.source.splitlines())
        if lines > _LINES and "starter" not in cell.metadata.get("tags", []):
            yield f"code cell {at}: expected at most {_LINES} lines, found {lines}"
        wide = max(map(len, cell.source.splitlines()), default=0)
        if wide > _WIDTH:
            yield f"code cell {at}: expected lines of at most {_WIDTH} letters, found {wide}: they run out of sight"
    if len(code) > _CELLS:
        yield f"expected at most {_CELLS} code cells, found {len(code)}"
    if path.stat().st_size > _KILOBYTES * 1000:
        yield f"expected at most {_KILOBYTES} kB, found {path.stat().st_size // 1000} kB; draw fewer pictures"
    yield from _unfounded(notebook.cells)


def _twin(wanted: list[Any], found: list[Any]) -> Iterator[str]:
    """Say where the cells first differ from those of the source."""
    for at, (one, other) in enumerate(zip_longest(wanted, found), 1):
        if one is None or other is None or (one.cell_type, one.source) != (other.cell_type, other.source):
            yield f"cell {at} differs from the source; edit the source, then build it again"
            return


def _unfounded(cells: list[Any]) -> Iterator[str]:
    """Say which numbers stand in the prose and in no code cell or masked output: nobody checks them."""
    shown: set[str] = set()
    for cell in cells:
        if cell.cell_type == "code":
            shown |= _numbers(cell.source)
            for output in cell.outputs:
                texts = [output.get("text", ""), *map(str, _readable(output))]
                shown |= set().union(*(_numbers(re.sub("⟨[^⟩]*⟩", "", text)) for text in texts))
    for at, cell in enumerate(cells, 1):
        if cell.cell_type == "markdown":
            for number in sorted(_numbers(_NOT_PROSE.sub(" ", cell.source)) - shown):
                if not _harmless(number):
                    yield f"cell {at}: expected {number} to be computed by a cell, found no output that shows it"


def _readable(output: Any) -> list[Any]:
    return [content for kind, content in output.get("data", {}).items() if kind.startswith("text/")]


def _numbers(text: str) -> set[str]:
    return {number.replace(",", "") for number in _NUMBER.findall(text)}


def _harmless(number: str) -> bool:
    """Tell whether a number is small, a year, or the number of a notebook."""
    whole = number.isdigit()
    return whole and (
        int(number) <= 10 or 1900 <= int(number) <= 2100 or re.fullmatch(r"0\d|1[01]", number) is not None
    )
