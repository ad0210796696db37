"""The learner's own design document: a paragraph a notebook, in `my_design.md` of their folder."""

import re
from dataclasses import dataclass

from mlsd_lab.artifacts import write_whole
from mlsd_lab.course.learner import learner_folder, locked
from mlsd_lab.errors import ConfigError, StorageError

DESIGN = "my_design.md"
TITLES = {
    "00": "The whole picture",
    "01": "Framing",
    "02": "Data ingestion",
    "02_stream": "The stream",
    "03": "Feature store",
    "03_governance": "A feature store for many",
    "04": "Candidate generation",
    "04_search": "Search among millions",
    "05": "Ranking",
    "06": "Model registry",
    "07": "Serving latency",
    "08": "Drift monitoring",
}
_SECTION = re.compile(r"^## (\d\d(?:_[a-z]+)?)?.*\n?(?:(?!## ).*\n?)*", re.MULTILINE)


@dataclass(frozen=True)
class Kept:
    """Whether a paragraph was kept, and where.

    >>> Kept("00", "nothing written yet: put your paragraph between the quotes")
    00 nothing written yet: put your paragraph between the quotes
    """

    notebook: str
    text: str

    def __repr__(self) -> str:
        return f"{self.notebook} {self.text}"


def my_design(notebook: str, text: str = "") -> Kept:
    """Keep the paragraph of a notebook under its heading in `my_design.md`; all else in that file stays as it is.

    Nothing is kept where there is no learner's folder, or where the text is empty.

    >>> my_design("00", "Popularity first.")
    00 not kept: this is not your own copy; open the notebooks with mlsd-lab lab
    """
    if notebook not in TITLES:
        raise ConfigError(f"expected a notebook of {', '.join(TITLES)}, found {notebook!r}")
    if not text.strip():
        return Kept(notebook, "nothing written yet: put your paragraph between the quotes")
    folder = learner_folder()
    if folder is None:
        return Kept(notebook, "not kept: this is not your own copy; open the notebooks with mlsd-lab lab")
    path = folder / DESIGN
    with locked(folder):
        try:
            before = path.read_text(encoding="utf-8") if path.exists() else "# My design of the home feed\n"
        except (OSError, ValueError) as error:
            raise StorageError(f"{path}: expected a text in UTF-8, found none that can be read ({error})") from error
        write_whole(path, _with_section(before, notebook, text.strip()))
    return Kept(notebook, f"kept in {DESIGN}: {len(text.split())} words")


def _with_section(document: str, notebook: str, text: str) -> str:
    """Return the document with the notebook's section replaced, or put in before the next notebook's."""
    body = re.sub(r"^## ", "### ", text, flags=re.MULTILINE)  # a heading of ours ends a section
    section = f"## {notebook} {TITLES[notebook]}\n\n{body}\n"
    for found in _SECTION.finditer(document):
        other = found[1]
        if other == notebook:
            return _joined(document[: found.start()], section, document[found.end() :])
        if other in TITLES and other > notebook:
            return _joined(document[: found.start()], section, document[found.start() :])
    return _joined(document, section, "")


def _joined(before: str, section: str, after: str) -> str:
    return f"{before.rstrip()}\n\n{section}" + (f"\n{after}" if after else "")
