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
Reason = Callable[..., Any]


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
        if not self.rows:
            return f"no slate{self.note}"
        lines = [f"because you named {', '.join(self.named)}{self.note}"]
        lines += [
            f"{n:>3}. {film} · like {like} · rated by {raters}" for n, (film, like, raters) in enumerate(self.rows, 1)
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        if not self.rows:
            return f"<p>{escape(repr(self))}</p>"
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
    start: Checkpoint,
    films: Sequence[str] | str,
    rescore: Rescore | None = None,
    reason: Reason | None = None,
    most: int = 100,
    k: int = 10,
) -> Slate:
    """Return the k best films for somebody who likes these; the parts of a title are enough.

    `rescore(scores, raters, most)` may change the scores of all films before the cut, `reason(candidate, liked,
    factors)` picks the film that explains one, as exercises 0.1 and 0.2 do. Whatever goes wrong, a title that is not
    there or a function that fails, is a note in the slate: nothing is raised.

    >>> slate(None, [])
    no slate; expected the title of a film, or a few, found none
    """
    import numpy as np

    films = [films] if isinstance(films, str) else films
    if not films:
        return Slate((), (), "; expected the title of a film, or a few, found none")
    raters, titles = np.asarray(start.popular.counts_).astype(int), start.titles
    try:
        liked = np.array([_found(name, titles, raters) for name in films])
    except DataError as error:
        return Slate((), (), f"; {error}")
    vectors = start.als.video_factors_
    scores, note = vectors @ start.als.fold_in(liked), ""
    if rescore is not None:
        scores, note = _rescored(rescore, scores, raters, most)
    scores[liked] = -np.inf
    best = [film for film in np.argsort(-scores, kind="stable")[:k] if np.isfinite(scores[film])]
    why = [_nearest(film, liked, vectors) for film in best]
    if reason is not None:
        why, note = _reasoned(reason, best, liked, vectors, why, note)
    rows = tuple(
        (_spoken(titles[film]), _spoken(titles[near]), int(raters[film])) for film, near in zip(best, why, strict=True)
    )
    short = f"; only {len(rows)} films are left" if len(rows) < k else ""
    return Slate(tuple(_spoken(titles[film]) for film in liked), rows, note + short)


def _nearest(film: int, liked: "NDArray[np.integer]", vectors: "NDArray[np.float64]") -> int:
    """Return the liked film whose vector points most nearly the same way."""
    import numpy as np

    length = np.maximum(np.linalg.norm(vectors[liked], axis=1), 1e-12)
    return int(liked[np.argmax(vectors[liked] @ vectors[film] / length)])


def _found(name: str, titles: list[str], raters: "NDArray[np.integer]") -> int:
    """Return the most rated film that has every word of the name, whatever its capitals, accents and articles."""
    words = [_words(title) for title in titles]
    wanted = _words(str(name))
    holding = [film for film, title in enumerate(words) if wanted and wanted <= title]
    if holding:
        return max(holding, key=lambda film: (words[film] == wanted, raters[film]))
    spoken = {_spoken(title).casefold(): _spoken(title) for title in titles}
    near = [spoken[title] for title in get_close_matches(str(name).casefold(), list(spoken), n=3, cutoff=0.6)]
    hint = f"near are {'; '.join(near)}" if near else "try one word of the title"
    raise DataError(f"expected the title of a film made before 2017, found {name!r}: {hint}")


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


def _reasoned(
    reason: Reason,
    best: list[int],
    liked: "NDArray[np.integer]",
    vectors: "NDArray[np.float64]",
    why: list[int],
    note: str,
) -> tuple[list[int], str]:
    try:
        found = [int(reason(film, liked.copy(), vectors)) for film in best]
    except Exception as error:  # a learner's function, whatever it does
        return why, f"{note}; your reason raised {type(error).__name__}, so the reasons are as before"
    if not set(found) <= set(liked.tolist()):
        return why, f"{note}; your reason named a film that you had not, so the reasons are as before"
    return found, note
