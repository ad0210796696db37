import os
import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse import csr_matrix, vstack

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError
from mlsd_lab.retrieval import ALS, EASE, Content, ItemKNN, from_history
from mlsd_lab.retrieval.from_history import FromHistory
from tests.retrieval.retriever_contract import NEWCOMER, USERS, VIDEOS, a_log, lists, with_topics

FOLDING = [EASE(), ItemKNN(), Content(), ALS(factors=4, regularization=1, iterations=60)]


@pytest.mark.parametrize("model", FOLDING, ids=lambda model: type(model).__name__)
def test_people_whom_the_fit_did_not_see_get_what_they_would_have_got(model: FromHistory | ALS) -> None:
    log = with_topics(a_log())
    fitted = model.fit(log)
    known = log.matrix()
    people = vstack([known[7], known[3], csr_matrix((1, VIDEOS + 1))]).tocsr()
    found = fitted.folded(people).retrieve(np.arange(3), 10, people)
    assert lists(found) == lists(fitted.retrieve(np.array([7, 3, NEWCOMER]), 10, known))


@pytest.mark.parametrize("model", FOLDING, ids=lambda model: type(model).__name__)
def test_a_history_of_other_videos_is_refused(model: FromHistory | ALS) -> None:
    fitted = model.fit(with_topics(a_log()))
    with pytest.raises(ConfigError, match=r"history: expected 61 columns, one a video as fitted, found 60"):
        fitted.folded(csr_matrix((2, VIDEOS)))


@pytest.mark.parametrize("model", FOLDING, ids=lambda model: type(model).__name__)
def test_a_pair_stored_twice_counts_as_its_sum_and_a_stored_zero_as_nothing(model: FromHistory | ALS) -> None:
    fitted = model.fit(with_topics(a_log()))
    begins, shape = [0, 3, 4], (2, VIDEOS + 1)
    untidy = csr_matrix(([1.0, 1.0, 1.0, 0.0], [3, 3, 9, 4], begins), shape=shape)
    found = fitted.folded(untidy).retrieve(np.array([0, 1]), 10)
    tidy = fitted.folded(csr_matrix(([2.0, 1.0], [3, 9], [0, 2, 2]), shape=shape)).retrieve(np.array([0, 1]), 10)
    assert lists(found) == lists(tidy)
    assert found.scores.tolist() == tidy.scores.tolist()
    assert untidy.nnz == 4  # as it was given


def test_new_events_change_the_list_and_leave_the_fitted_model_as_it_was() -> None:
    log = a_log()
    knn = ItemKNN().fit(log)
    before = knn.retrieve(np.array([0]), 10)
    other_taste = log.matrix()[1]
    after = knn.folded(other_taste).retrieve(np.array([0]), 10)
    assert set(before.videos[0].tolist()).isdisjoint(after.videos[0].tolist())
    assert knn.retrieve(np.array([0]), 10).videos.tolist() == before.videos.tolist()


def test_blocks_of_users_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    log: Log = a_log()
    ease = EASE().fit(log)
    whole = ease.retrieve(np.arange(USERS + 1), 9, log.matrix())
    monkeypatch.setattr(from_history, "_BLOCK_BYTES", 3 * 8 * (VIDEOS + 1))
    parts = ease.retrieve(np.arange(USERS + 1), 9, log.matrix())
    assert parts.videos.tolist() == whole.videos.tolist()
    assert parts.scores.tolist() == whole.scores.tolist()


LISTS = """
import hashlib, os, sys
import numpy as np, pandas as pd
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[1])])
from mlsd_lab.datasets import Log
from mlsd_lab.retrieval import ALS, EASE, Content, ContentTower, Fresh, ItemKNN, TwoTowers
pairs = np.random.default_rng(0).integers(300, size=(6000, 2))
frame = pd.DataFrame(pairs, columns=["user_id", "video_id"])
videos = pd.DataFrame({"video_id": range(320), "topic": [f"t{v % 7}" for v in range(320)]})
log = Log.from_frames(frame.assign(occurred_at=pd.Timestamp("2026-01-01", tz="UTC")), videos)
als = ALS(factors=16)
for model in (EASE(), ItemKNN(), Content(), Fresh(), ContentTower(als), als, TwoTowers(8, epochs=2, batch=256)):
    found = model.fit(log).retrieve(np.arange(200), 10)
    print(type(model).__name__, hashlib.sha256(found.videos.tobytes() + found.scores.tobytes()).hexdigest())
found = als.folded(log.matrix()[:50]).retrieve(np.arange(50), 10)
print("folded", hashlib.sha256(found.videos.tobytes() + found.scores.tobytes()).hexdigest())
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the cores of a process are set on Linux only")
def test_every_source_gives_the_same_bytes_on_one_core_and_on_two() -> None:
    said = []
    for cores in ("1", "2"):
        threads = {"OMP_NUM_THREADS": cores, "OPENBLAS_NUM_THREADS": cores}
        command = [sys.executable, "-W", "error", "-c", LISTS, cores]
        done = subprocess.run(command, env={**os.environ, **threads}, capture_output=True, text=True, check=True)
        said.append(done.stdout.splitlines())
    assert len(said[0]) == 8
    assert said[0] == said[1]
