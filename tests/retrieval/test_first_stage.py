from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from mlsd_lab.datasets import Log
from mlsd_lab.evaluation import NOBODY
from mlsd_lab.retrieval import ALS, FirstStage, ItemKNN, first_stage
from mlsd_lab.retrieval.first_stage import QUOTAS, Tell
from tests.retrieval.retriever_contract import NEWCOMER, USERS, a_log, lists, with_topics

HEARD: list[tuple[str, float]] = []


@contextmanager
def stage(name: str, share: float) -> Iterator[Tell]:
    HEARD.append((name, share))
    yield lambda said: HEARD.append((f"{name}: {said}", share))


@pytest.fixture(scope="module")
def log() -> Log:
    return with_topics(a_log())


@pytest.fixture(scope="module")
def first(log: Log) -> FirstStage:
    return FirstStage.fit(log, stage)


def test_each_system_gives_full_lists_to_newcomers_too(first: FirstStage, log: Log) -> None:
    found, _ = first.retrieve(np.array([0, NEWCOMER]), 10, log.matrix(), stage)
    assert {name: [len(row) for row in lists(each)] for name, each in found.items()} == {
        name: [10, 10] for name in ("popular", "popular_lately", "als_exact", "als_annoy", "blend")
    }


def test_what_popularity_filled_in_is_not_called_als_s_in_the_blend(first: FirstStage, log: Log) -> None:
    _, blend = first.retrieve(np.array([NEWCOMER]), 10, log.matrix(), stage)
    assert blend.names == tuple(QUOTAS)
    assert {name for sources in blend.sources(0) for name in sources} == {"popular_lately", "fresh"}


def test_a_log_that_says_nothing_of_its_videos_has_no_content_source() -> None:
    log = a_log()
    first = FirstStage.fit(log, stage)
    assert set(first.others) == {"item_knn", "fresh"}
    found, blend = first.retrieve(np.arange(USERS), 10, log.matrix(), stage)
    assert blend.names == ("als", "item_knn", "popular_lately", "fresh")
    assert (found["blend"].videos != NOBODY).all()


def test_stages_are_told_in_the_order_of_their_shares(log: Log) -> None:
    HEARD.clear()
    FirstStage.fit(log, stage).retrieve(np.array([0]), 5, log.matrix(), stage)
    names, shares = zip(*HEARD, strict=True)
    assert list(shares) == sorted(shares)
    assert names[-1] == "retrieve blend"
    assert names.index("fit als: iteration 1 of 15") == names.index("fit als") + 1


def test_of_many_events_als_learns_in_fewer_iterations(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_stage, "LARGE", len(log.events) - 1)
    assert FirstStage.fit(log).als.iterations == first_stage.FEW_ITERATIONS
    monkeypatch.setattr(first_stage, "LARGE", len(log.events))
    assert FirstStage.fit(log).als.iterations == ALS().iterations


def test_of_many_events_item_knn_learns_from_the_newest(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_stage, "NEWEST", 100)
    found = FirstStage.fit(log).others["item_knn"]
    assert isinstance(found, ItemKNN)
    expected = ItemKNN(neighbours=50).fit(log.with_events(log.events.iloc[-100:]))
    assert (found.neighbours_ != expected.neighbours_).nnz == 0
    assert (found.history_ != log.matrix()).nnz == 0


def test_nobody_to_judge_is_nothing_found(first: FirstStage, log: Log) -> None:
    found, blend = first.retrieve(np.array([], dtype=np.int64), 5, log.matrix(), stage)
    assert all(len(each.videos) == 0 for each in found.values())
    assert len(blend.to_frame()) == 0
