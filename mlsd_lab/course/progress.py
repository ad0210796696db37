"""How far a learner is: guesses that held, exercises solved, words of their design, by notebook."""

import re
from dataclasses import dataclass
from pathlib import Path

from mlsd_lab.course.learner import MARKER, read_progress
from mlsd_lab.course.my_design import DESIGN, TITLES
from mlsd_lab.errors import ConfigError


@dataclass(frozen=True)
class Row:
    """One notebook: guesses made in time, those that held, exercises tried and solved, words of the design.

    >>> Row("04", guesses=3, held=2, tried=2, solved=1, words=90).held
    2
    """

    notebook: str
    guesses: int
    held: int
    tried: int
    solved: int
    words: int


@dataclass(frozen=True)
class Progress:
    """A row a notebook, and the sentence over all.

    >>> Progress((Row("04", 3, 2, 2, 1, 90),))
    your 80 % ranges held the truth 2 of 3 times
    """

    rows: tuple[Row, ...]

    def __repr__(self) -> str:
        held, guesses = (sum(getattr(row, name) for row in self.rows) for name in ("held", "guesses"))
        return f"your 80 % ranges held the truth {held} of {guesses} times"


def progress_in(folder: Path) -> Progress:
    """Return the progress kept in a learner's folder; guesses made or changed after the answer do not count.

    >>> progress_in(Path("nowhere"))
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: nowhere is not a course folder; make one with mlsd-lab lab --folder nowhere
    """
    if not (folder / MARKER).is_file():
        raise ConfigError(f"{folder} is not a course folder; make one with mlsd-lab lab --folder {folder}")
    kept = read_progress(folder)
    design = (folder / DESIGN).read_text(encoding="utf-8") if (folder / DESIGN).is_file() else ""
    sections = [
        (section[:2], section.partition("\n")[2]) for section in re.split(r"^## ", design, flags=re.MULTILINE)[1:]
    ]
    rows = []
    for notebook in (name for name in TITLES if len(name) == 2):  # a second sitting counts with the first
        guesses = [
            guess
            for key, guess in kept["predictions"].items()
            if _of(notebook, key) and guess.get("held") is not None and not guess.get("after_reveal")
        ]
        tried = [done for key, done in kept["exercises"].items() if _of(notebook, key)]
        held, solved = sum(bool(guess["held"]) for guess in guesses), sum(bool(done.get("solved")) for done in tried)
        words = sum(len(text.split()) for number, text in sections if number == notebook)
        if not (guesses or tried or words or any(folder.glob(f"{notebook}_*.ipynb"))):
            continue
        rows.append(Row(notebook, len(guesses), held, len(tried), solved, words))
    return Progress(tuple(rows))


def _of(notebook: str, key: str) -> bool:
    return key.partition(".")[0].zfill(2) == notebook
