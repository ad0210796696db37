"""Sources of candidates on the real feed log: fitted on all exposures to 2 May, judged on long views of 3 and 4 May.

Of users and videos seen in training, over the full catalogue, nothing filtered. `python benchmarks/retrievers.py
kuairand --path DIR` prints all sources with settings searched inside training.
"""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from mlsd_lab.datasets import Log, load
from mlsd_lab.evaluation import Candidates, Popular, TopK, by_day, compare, mean_of
from mlsd_lab.retrieval import ALS, Content, Fresh, ItemKNN, Retriever, blended
from mlsd_lab.retrieval.first_stage import QUOTAS
from tests.needs import kuairand_folder

SOURCES: dict[str, Retriever] = {
    "popular": Popular(),
    "popular_lately": Popular(7.0),
    "als": ALS(),
    "item_knn": ItemKNN(neighbours=1_000, damping=0.0),
    "content": Content(),
    "fresh": Fresh(),
}


@pytest.fixture(scope="module")
def recall() -> dict[str, np.ndarray]:
    split = by_day(load("kuairand", kuairand_folder()), 2)
    relevant = known(split.train, split.test)
    users = np.flatnonzero(np.diff(relevant.indptr))
    found: dict[str, Candidates] = {
        name: source.fit(split.train).retrieve(users, 100) for name, source in SOURCES.items()
    }
    found["blend"] = blended({name: found[name] for name in QUOTAS}, QUOTAS, 100).candidates
    return {name: TopK.judge(each, relevant[users]).recall() for name, each in found.items()}


def known(train: Log, test: Log) -> csr_matrix:
    """What was viewed long in the test, of users and videos with events in training."""
    counts = train.matrix()
    user, video = (test.events[name].cat.codes.to_numpy() for name in ("user_id", "video_id"))
    kept = test.relevant.to_numpy() & (counts.getnnz(axis=1)[user] > 0) & (counts.getnnz(axis=0)[video] > 0)
    return test.with_events(test.events[kept]).matrix()


@pytest.mark.parametrize("baseline", ["popular", "popular_lately"])
@pytest.mark.parametrize("name", ["als", "item_knn", "blend"])
def test_it_finds_more_than_popularity_beyond_chance(
    name: str, baseline: str, recall: dict[str, np.ndarray], record_property: Callable[[str, object], None]
) -> None:
    difference = compare(mean_of(recall[name]), mean_of(recall[baseline]), len(recall[name]))
    record_property(f"{name} - {baseline}", str(difference))
    assert difference.low > 0.02
