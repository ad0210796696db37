"""A slate for a person who names a few films, with a reason for each: what notebook 00 starts with."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any
from unicodedata import combining

from mlsd_lab.course.checkpoint import Checkpoint
from mlsd_lab.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Rescore = Callable[..., Any]


@dataclass(frozen=True)
class Slate:
    """Films in their order, each with the named film it is nearest to and the number of people who rated it.

    >>> Slate(("Alien",), (("Aliens", "Alien", 126),))
    because you named Alien
      1. Aliens · like Alien · rated by 126
    """

    named: tuple[str, ...]
    rows: tuple[tuple[str, str, int], ...]
    note: str = ""

    def __repr__(self) -> str:
        lines = [f"because you named {', '.join(self.named)}{self.note}"]
        lines += [
            f"{n:>3}. {film} · like {like} · rated by {raters}" for n, (film, like, raters) in enumerate(self.rows, 1)
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{n}</td><td style='text-align:left'><b>{escape(film)}</b></td>"
            f"<td style='text-align:left'>you named {escape(like)}</td><td>{raters}</td></tr>"
            for n, (film, like, raters) in enumerate(self.rows, 1)
        )
        left = "<th style='text-align:left'>"
        head = f"<tr><th></th>{left}your slate</th>{left}why</th><th>people who rated it</th></tr>"
        note = f"<p>{escape(self.note.strip(' ;'))}</p>" if self.note else ""
        return f"<table>{head}{rows}</table>{note}"


def slate(
    start: Checkpoint, films: Sequence[str], rescore: Rescore | None = None, most: int = 100, k: int = 10
) -> Slate:
    """Return the k best films for somebody who likes these; the parts of a title are enough.

    `rescore(scores, raters, most)` may change the scores of all films before the cut, as exercise 0.1 does; one that
    fails leaves the slate as it was, and the note says so. Raises `DataError` for a title that is not there.

    >>> slate(None, [])
    Traceback (most recent call last):
    mlsd_lab.errors.DataError: expected the title of a film, or a few, found none
    """
    import numpy as np

    if not films:
        raise DataError("expected the title of a film, or a few, found none")
    raters = np.asarray(start.popular.counts_).astype(int)
    titles = start.titles
    liked = np.array([_found(name, titles, raters) for name in films])
    vectors = start.als.video_factors_
    scores, note = vectors @ start.als.fold_in(liked), ""
    if rescore is not None:
        scores, note = _rescored(rescore, scores, raters, most)
    scores[liked] = -np.inf
    best = np.argsort(-scores, kind="stable")[:k]
    length = np.maximum(np.linalg.norm(vectors, axis=1), 1e-12)
    alike = (vectors[best] / length[best, None]) @ (vectors[liked] / length[liked, None]).T
    why = liked[alike.argmax(axis=1)]
    rows = tuple(
        (_spoken(titles[film]), _spoken(titles[near]), int(raters[film])) for film, near in zip(best, why, strict=True)
    )
    return Slate(tuple(_spoken(titles[film]) for film in liked), rows, note)


def _found(name: str, titles: list[str], raters: "NDArray[np.integer]") -> int:
    """Return the most rated film that has every word of the name, whatever its capitals, accents and articles."""
    words = [_words(title) for title in titles]
    wanted = _words(name)
    holding = [film for film, title in enumerate(words) if wanted and wanted <= title]
    if holding:
        return max(holding, key=lambda film: (words[film] == wanted, raters[film]))
    near = get_close_matches(name.title(), titles, n=3, cutoff=0.4)
    hint = f"near are {'; '.join(near)}" if near else "try one word of the title"
    raise DataError(f"expected the title of a film made before 2017, found {name!r}; {hint}")


def _spoken(title: str) -> str:
    """Return a title as one says it: "Matrix, The" is The Matrix, and other names in brackets are left out."""
    short = re.sub(r" \(.*\)$", "", title)
    return re.sub(r"^(.*), (The|A|An|Les|Le|La|Das|Der|Die|Il|El)$", r"\2 \1", short)


@cache
def _words(text: str) -> frozenset[str]:
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text.casefold()) if not combining(letter))
    return frozenset(re.findall(r"\w+", plain)) - {"the", "a", "an", "of"}


def _rescored(
    rescore: Rescore, scores: "NDArray[np.float64]", raters: "NDArray[np.integer]", most: int
) -> "tuple[NDArray[np.float64], str]":
    import numpy as np

    try:
        found = np.array(rescore(scores.copy(), raters.copy(), most), dtype=np.float64)
    except Exception as error:  # a learner's line, whatever it does
        return scores, f"; your function raised {type(error).__name__}, so the slate is as before"
    if found.shape != scores.shape or np.isnan(found).any():
        return scores, "; your function returned no score for some film, so the slate is as before"
    return found, ""
