"""Several sources as one list, in which each candidate remembers who proposed it and at what score."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import NOBODY, Candidates
from mlsd_lab.retrieval.retriever import Retriever

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Blended:
    """The blended candidates, and for each of them the score that each source gave it.

    `candidates` scores are minus the place that put a video there, so that they fall along a row; `scores` has shape
    (users, k, sources) and NaN where a source did not propose the video: sources' scores are of different kinds.

    >>> one, two = (Candidates(np.array([v]), np.array([[2.0, 1.0]])) for v in ([3, 5], [5, 7]))
    >>> found = blended({"als": one, "fresh": two}, {"als": 0.5, "fresh": 0.5}, k=3)
    >>> found.candidates.videos.tolist(), found.sources(0)
    ([[3, 5, 7]], [['als'], ['als', 'fresh'], ['fresh']])
    """

    candidates: Candidates
    names: tuple[str, ...]
    scores: NDArray[np.float64]

    def sources(self, row: int) -> list[list[str]]:
        """Return for each candidate of a row the names of its sources: the reason that a person can be shown."""
        proposed = ~np.isnan(self.scores[row][self.candidates.videos[row] != NOBODY])
        return [[name for name, by in zip(self.names, each, strict=True) if by] for each in proposed]

    def to_frame(self) -> "pd.DataFrame":
        """Return a row a candidate: `row`, `rank` in it, `video` code, and a column a source with its score."""
        import pandas as pd

        row, rank = np.nonzero(self.candidates.videos != NOBODY)
        table = {"row": row, "rank": rank, "video": self.candidates.videos[row, rank]}
        return pd.DataFrame(table | {name: self.scores[row, rank, at] for at, name in enumerate(self.names)})


class Blend:
    """Asks every source and takes turns by their quotas: a share of the list each, a video once.

    The first candidates of a source fill its share but for rounding, as long as it has as many: beside many small
    sources a large one may get less, by half a place for each source and half a place at most. A video proposed by
    several takes one place and leaves room, which all share. Quotas are shares that need not add up to one; equal if
    not given.

    >>> import pandas as pd
    >>> from mlsd_lab.evaluation import Popular
    >>> from mlsd_lab.retrieval import Fresh
    >>> times = pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-09"], utc=True)
    >>> frame = pd.DataFrame({"user_id": ["ann", "bob", "ann"], "video_id": ["hit", "hit", "new"]})
    >>> log = Log.from_frames(frame.assign(occurred_at=times))
    >>> blend = Blend({"popular": Popular(), "fresh": Fresh(exploration=0)}).fit(log)
    >>> blend.blended(np.array([0]), k=2).sources(0)
    [['popular', 'fresh'], ['popular', 'fresh']]
    """

    def __init__(self, sources: Mapping[str, Retriever], quotas: Mapping[str, float] | None = None) -> None:
        self.sources = dict(sources)
        self.quotas = dict(quotas) if quotas else dict.fromkeys(self.sources, 1.0)
        _check(self.sources, self.quotas)

    def fit(self, log: Log) -> Self:
        """Fit every source on the same log."""
        for source in self.sources.values():
            source.fit(log)
        return self

    def retrieve(self, users: NDArray[np.integer], k: int, seen: "csr_matrix | None" = None) -> Candidates:
        """Return up to k videos for each user code, in turns by quota."""
        return self.blended(users, k, seen).candidates

    def blended(self, users: NDArray[np.integer], k: int, seen: "csr_matrix | None" = None) -> Blended:
        """Return the same with the sources of each candidate."""
        found = {name: source.retrieve(users, k, seen) for name, source in self.sources.items()}
        return blended(found, self.quotas, k)


def blended(found: Mapping[str, Candidates], quotas: Mapping[str, float], k: int) -> Blended:
    """Blend what the sources found for the same users, as `Blend` does.

    A source's candidate at rank r, from 0, stands at place (r + ½) / quota (Sainte-Laguë's way of dividing seats); the
    k videos of lowest place are taken, of equal places the earlier source's. So a longer list begins with the shorter
    one.

    >>> blended({}, {}, k=5)
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: expected 1 or more sources and for each a quota above 0, found none
    """
    _check(found, quotas)
    if k < 1:
        raise ConfigError(f"k: expected 1 or more, found {k}")
    total, lists = sum(quotas.values()), list(found.values())
    if len({len(each.videos) for each in lists}) > 1:
        raise ConfigError(f"expected lists for the same users, found {[len(each.videos) for each in lists]} of them")
    videos = np.concatenate([each.videos for each in lists], axis=1)
    widths = [each.videos.shape[1] for each in lists]
    places = [(np.arange(w) + 0.5) * total / quotas[name] for name, w in zip(found, widths, strict=True)]
    place = np.where(videos == NOBODY, np.inf, np.concatenate(places))
    source = np.broadcast_to(np.repeat(np.arange(len(widths)), widths), videos.shape)
    order = np.lexsort((source, place, videos), axis=-1)  # each video's first place before its others
    videos, place, source = (np.take_along_axis(each, order, axis=1) for each in (videos, place, source))
    place[:, 1:][videos[:, 1:] == videos[:, :-1]] = np.inf
    order = np.lexsort((source, place), axis=-1)[:, :k]
    place = np.take_along_axis(place, order, axis=1)
    taken = np.where(np.isfinite(place), np.take_along_axis(videos, order, axis=1), NOBODY)
    scores = np.stack([_looked_up(taken, each) for each in lists], axis=-1)
    return Blended(Candidates(taken, -place), tuple(found), scores)


def _looked_up(videos: NDArray[np.int32], found: Candidates) -> NDArray[np.float64]:
    """Return the score that a source gave each video of the same row, NaN for those it did not propose."""
    size = 2 + max(int(videos.max(initial=0)), int(found.videos.max(initial=0)))
    row = np.arange(len(videos))[:, None] * size
    keys, scores = (row + found.videos + 1).ravel(), found.scores.ravel()
    order = np.argsort(keys, kind="stable")  # of a video that is there twice the first score
    keys, scores = np.append(keys[order], np.iinfo(np.int64).max), np.append(scores[order], np.nan)
    asked = row + videos + 1
    at = np.searchsorted(keys, asked)
    return np.where((keys[at] == asked) & (videos != NOBODY), scores[at], np.nan)


def _check(sources: Mapping[str, object], quotas: Mapping[str, float]) -> None:
    if not sources or set(sources) != set(quotas) or not all(0 < quota < np.inf for quota in quotas.values()):
        what = f"sources {', '.join(sources)} and quotas {dict(quotas)}" if sources else "none"
        raise ConfigError(f"expected 1 or more sources and for each a quota above 0, found {what}")
