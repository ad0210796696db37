import numpy as np
import pytest

from mlsd_lab.evaluation import Popular
from mlsd_lab.retrieval import ALS, AnnoyIndex, Backfill, Retriever
from tests.retrieval.retriever_contract import NEWCOMER, a_log, lists


@pytest.mark.parametrize(
    "retriever",
    [Popular(), ALS(factors=2), ALS(factors=2, index=AnnoyIndex.build), Backfill(ALS(factors=2), Popular())],
)
def test_each_source_stands_in_for_each_other_behind_a_backfill(retriever: Retriever) -> None:
    found = Backfill(retriever, Popular()).fit(a_log()).retrieve(np.array([0, NEWCOMER]), k=10)
    assert [len(row) for row in lists(found)] == [10, 10]


def test_codes_are_those_of_the_log_and_outlive_a_smaller_log() -> None:
    log = a_log()
    half = log.with_events(log.events.iloc[:50])
    watched = set(half.events["video_id"].cat.codes)
    (best,) = lists(Popular().fit(half).retrieve(np.array([0]), k=len(watched)))
    assert set(best) == watched
