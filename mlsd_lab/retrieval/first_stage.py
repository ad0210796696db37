"""The first stage as the main job has it: its sources fitted on one training log, then asked for the same users."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.datasets import Log
from mlsd_lab.errors import DataError
from mlsd_lab.evaluation import Candidates, Popular
from mlsd_lab.retrieval.als import ALS
from mlsd_lab.retrieval.annoy_index import AnnoyIndex
from mlsd_lab.retrieval.backfill import Backfill
from mlsd_lab.retrieval.blend import Blended, blended
from mlsd_lab.retrieval.content import Content
from mlsd_lab.retrieval.fresh import Fresh
from mlsd_lab.retrieval.item_knn import ItemKNN
from mlsd_lab.retrieval.retriever import Retriever

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Tell = Callable[[str], None]
Stage = Callable[[str, float], AbstractContextManager[Tell]]
"""Opens a stage of this name, begun at this share of the whole, and gives what hears of its progress."""

LARGE, FEW_ITERATIONS = 2_000_000, 5
"""Of more events than so many ALS learns in so few iterations (docs/decisions/0034)."""
NEWEST = 10_000_000
"""Item-kNN learns from so many of the newest events: its work grows with the square of a person's (the same)."""

QUOTAS = {"als": 6.0, "item_knn": 2.0, "popular_lately": 1.0, "content": 0.5, "fresh": 0.5}
"""Of ten slots of the blend, how many are whose (docs/decisions/0030)."""


def silent(_name: str, _share: float) -> AbstractContextManager[Tell]:
    """Open a stage of which nobody hears.

    >>> with silent("fit als", 0.1) as tell:
    ...     tell("iteration 1 of 15")
    """
    return nullcontext(lambda _said: None)


@dataclass(frozen=True)
class FirstStage:
    """Popularity, ALS with an index over its videos, and the sources that are only blended in.

    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [1, 1, 2, 2, 3], "video_id": list("ababc")})
    >>> log = Log.from_frames(frame.assign(occurred_at=pd.Timestamp("2026-01-01", tz="UTC")))
    >>> first = FirstStage.fit(log)
    >>> found, blend = first.retrieve(np.array([0, 2]), 2, log.matrix())
    >>> list(found), blend.names
    (['popular', 'popular_lately', 'als_exact', 'als_annoy', 'blend'], ('als', 'item_knn', 'popular_lately', 'fresh'))
    """

    popular: Popular
    lately: Popular
    als: ALS
    index: AnnoyIndex
    others: dict[str, Retriever]

    @classmethod
    def fit(
        cls,
        train: Log,
        stage: Stage = silent,
        half_life_days: float = 7.0,
        trees: int = 20,
        search_k: int = 40_000,
        seed: int = 0,
    ) -> "FirstStage":
        """Fit everything on one log; a log that says nothing of its videos' content has no `content`."""
        with stage("fit popular", 0.1):
            popular, lately = Popular().fit(train), Popular(half_life_days).fit(train)
        with stage("fit als", 0.12) as tell:
            als = _als(train, seed)
            als.fit(train, lambda done: tell(f"iteration {done} of {als.iterations}"))

        def built() -> AnnoyIndex:  # by one core, for its bytes; the other has enough to do meanwhile
            with stage("build annoy", 0.33):
                return AnnoyIndex.build(als.video_factors_, "dot", trees, search_k, seed)

        with ThreadPoolExecutor(1) as beside:
            index = beside.submit(built)
            with stage("fit others", 0.33):
                newest = train.with_events(train.events.iloc[-NEWEST:])
                item_knn = (
                    ItemKNN(neighbours=50).fit(newest).folded(train.matrix())
                )  # lists are of all that one has had
                others: dict[str, Retriever] = {"item_knn": item_knn}
                with suppress(DataError):
                    others["content"] = Content().fit(train)
                others["fresh"] = Fresh(seed=seed).fit(train)
            return cls(popular, lately, als, index.result(), others)

    def retrieve(
        self, users: NDArray[np.integer], k: int, seen: "csr_matrix", stage: Stage = silent
    ) -> tuple[dict[str, Candidates], Blended]:
        """Return each system's candidates by name, and the blend with its sources; a user without events is backfilled.

        The blend takes ALS's list as the index found it.
        """
        found: dict[str, Candidates] = {}
        for at, (name, retriever) in enumerate((("popular", self.popular), ("popular_lately", self.lately))):
            with stage(f"retrieve {name}", 0.4 + 0.01 * at):
                found[name] = retriever.retrieve(users, k, seen)
        alone = Candidates(np.empty((0, 0), dtype=np.int32), np.empty((0, 0)))
        for at, (name, als) in enumerate((("als_exact", self.als), ("als_annoy", self.als.searched_by(self.index)))):
            with stage(f"retrieve {name}", 0.42 + 0.03 * at):
                alone = als.retrieve(users, k, seen)
                found[name] = Backfill(als, self.popular).filled(alone, users, k, seen)
        with stage("retrieve blend", 0.48):
            lists = {"als": alone, "popular_lately": found["popular_lately"]}
            lists |= {name: other.retrieve(users, k, seen) for name, other in self.others.items()}
            quotas = {name: quota for name, quota in QUOTAS.items() if name in lists}
            blend = blended({name: lists[name] for name in quotas}, quotas, k)
            found["blend"] = blend.candidates
        return found, blend


def _als(train: Log, seed: int) -> ALS:
    return ALS(seed=seed, iterations=FEW_ITERATIONS) if len(train.events) > LARGE else ALS(seed=seed)
